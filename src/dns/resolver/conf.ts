import { type Address, formatAddress, parseAddress } from "../../wire/address.ts";

/** A resolv.conf as the stub resolvers read it. resolv.conf(5). */
export interface ResolvConf {
  readonly nameservers: readonly Address[];
  /** Without final dots; `.` stands for the root. */
  readonly search: readonly string[];
  /** Options by name; "" for those without a value. */
  readonly options: ReadonlyMap<string, string>;
}

/** Reads the text of a resolv.conf. Unknown lines are skipped, as all resolvers do. */
export function parseResolvConf(text: string): ResolvConf {
  const nameservers: Address[] = [];
  let search: readonly string[] = [];
  const options = new Map<string, string>();
  for (const line of text.split("\n")) {
    const [keyword, ...words] = line
      .replace(/[#;].*$/, "")
      .trim()
      .split(/\s+/);
    if (keyword === "nameserver") {
      const address = parseAddress((words[0] ?? "").replace(/%.*$/, ""));
      if (address !== undefined) nameservers.push(address);
    } else if (keyword === "search") search = words.map(withoutFinalDot);
    else if (keyword === "domain") search = words.slice(0, 1).map(withoutFinalDot);
    else if (keyword === "options") {
      for (const word of words) {
        const [name = "", value = ""] = word.split(":");
        options.set(name, value);
      }
    }
  }
  return { nameservers, search, options };
}

/** The file as a container runtime writes it. */
export function formatResolvConf({ search, nameservers, options }: ResolvConf): string {
  const optionWords = [...options].map(([name, value]) => (value === "" ? name : `${name}:${value}`));
  return [
    ...(search.length > 0 ? [`search ${search.join(" ")}`] : []),
    ...nameservers.map((server) => `nameserver ${formatAddress(server)}`),
    ...(optionWords.length > 0 ? [`options ${optionWords.join(" ")}`] : []),
  ]
    .map((line) => `${line}\n`)
    .join("");
}

export function withoutFinalDot(domain: string): string {
  return domain === "." ? domain : domain.replace(/\.$/, "");
}

/** What all three stub resolvers read of the options: defaults and upper bounds are the same. */
export interface Settings {
  readonly ndots: number;
  readonly timeoutSeconds: number;
  readonly attempts: number;
}

export function settingsOf({ options }: ResolvConf): Settings {
  return {
    ndots: bounded(options.get("ndots"), 1, 0, 15),
    timeoutSeconds: bounded(options.get("timeout"), 5, 1, 30),
    attempts: bounded(options.get("attempts"), 2, 1, 5),
  };
}

function bounded(text: string | undefined, otherwise: number, least: number, most: number): number {
  const value = Number(text);
  return text === undefined || text === "" || !Number.isInteger(value)
    ? otherwise
    : Math.min(most, Math.max(least, value));
}

/** Dots in a name: what `ndots` is compared with. */
export function dotsIn(name: string): number {
  return name.split(".").length - 1;
}
