/** What the page opens with: a file of scenarios. */
export const firstSample = "curl-service.yaml";
