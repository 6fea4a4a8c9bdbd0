/** The scenarios that come with kubehop, each a file of its own that is fetched when it is chosen. */
const urls = import.meta.glob<string>("../../../scenarios/*.yaml", { query: "?url", import: "default", eager: true });

export interface Sample {
  readonly file: string;
  readonly label: string;
  readonly url: string;
}

export const samples: readonly Sample[] = Object.entries(urls).map(([path, url]) => {
  const file = path.slice(path.lastIndexOf("/") + 1);
  return { file, label: file.replace(/\.yaml$/, "").replaceAll("-", " "), url };
});

/** What the page opens with. */
export const firstSample = "curl-service.yaml";
