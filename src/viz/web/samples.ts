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

/** The first things to try. */
export const cards: readonly { readonly file: string; readonly label: string; readonly about: string }[] = [
  { file: "curl-service.yaml", label: "curl a Service", about: "A pod calls another by its Service's name." },
  { file: "default-deny-cuts-dns.yaml", label: "Why is this dropped?", about: "A policy stops more than it should." },
];

const folder = import.meta.glob<string>("../../../scenarios/shop/*.yaml", {
  query: "?url",
  import: "default",
  eager: true,
});

/** The manifests of the sample folders that a text names, by their path beside the scenarios. */
export async function folderFiles(text: string): Promise<ReadonlyMap<string, string>> {
  const named = Object.entries(folder).map(
    ([path, url]) => [path.slice(path.indexOf("scenarios/") + "scenarios/".length), url] as const,
  );
  const wanted = named.filter(([path]) => text.includes(path));
  return new Map(
    await Promise.all(wanted.map(async ([path, url]) => [path, await (await fetch(url)).text()] as const)),
  );
}
