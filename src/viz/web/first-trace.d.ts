/** The answer to the first sample, computed when the page is built: the engine need not be loaded to look at it. */
declare module "virtual:first-trace" {
  const answer: import("./protocol.ts").Answer;
  export { answer };
}
