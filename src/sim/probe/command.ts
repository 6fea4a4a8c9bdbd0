import { type Address, type Family, parseAddress } from "../../wire/address.ts";
import { nameFault } from "../hosts.ts";

/** What a probe does, as parsed from its command line. */
export type ProbeCommand =
  | {
      readonly tool: "curl";
      readonly scheme: "http" | "https";
      readonly host: string;
      readonly port: number;
      readonly path: string;
      /** `--connect-timeout`, seconds: name resolution and connect together. */
      readonly connectTimeoutSeconds?: number;
      /** `-m`, seconds: the whole transfer. */
      readonly maxTimeSeconds?: number;
      readonly families: readonly Family[];
    }
  | {
      readonly tool: "dig";
      readonly name: string;
      readonly type: string;
      readonly server?: Address;
      readonly search: boolean;
      readonly tcp: boolean;
    }
  | {
      readonly tool: "ping";
      readonly host: string;
      readonly ttl?: number;
      readonly dataBytes: number;
      /** `-W`: how long to wait for the answer. */
      readonly waitSeconds?: number;
    }
  | { readonly tool: "tcp" | "udp" | "sctp"; readonly host: string; readonly port: number };

/** A command line that is no probe. `hint` says what to write instead. */
export interface CommandProblem {
  readonly code: "BAD_PROBE";
  readonly message: string;
}

const usage: Readonly<Record<string, string>> = {
  curl: "curl URL [-m SECONDS] [--connect-timeout SECONDS] [-4|-6]",
  dig: "dig NAME [TYPE] [@SERVER] [+search] [+tcp]",
  ping: "ping HOST [-t TTL] [-s BYTES] [-W SECONDS]",
  tcp: "tcp HOST:PORT",
  udp: "udp HOST:PORT",
  sctp: "sctp HOST:PORT",
};

/** Parses the words of a probe: `curl http://web`, `dig web.shop`, `ping 10.244.0.2`, `tcp web:80`, `udp dns:53`. */
export function parseProbe(words: readonly string[]): ProbeCommand | CommandProblem {
  const [tool = "", ...rest] = words;
  switch (tool) {
    case "curl":
      return parseCurl(rest);
    case "dig":
      return parseDig(rest);
    case "ping":
      return parsePing(rest);
    case "tcp":
    case "udp":
    case "sctp":
      return parsePort(tool, rest);
    default:
      return bad(
        `${tool === "" ? "an empty command" : `\`${tool}\``} is no probe; use one of ${Object.keys(usage).join(", ")}`,
      );
  }
}

function bad(message: string): CommandProblem {
  return { code: "BAD_PROBE", message };
}

function unknownOptions(tool: string, options: readonly string[]): CommandProblem {
  return misuse(
    tool,
    `${tool} option ${options.join(", ")} is not modelled (an option of kubehop goes before ${tool})`,
  );
}

function misuse(tool: string, what: string): CommandProblem {
  return bad(`${what}; write \`${usage[tool]}\``);
}

/** Words with the options in `takesValue` (and their values) taken out. */
function splitOptions(
  words: readonly string[],
  takesValue: ReadonlySet<string>,
  flags: ReadonlySet<string>,
): {
  readonly options: ReadonlyMap<string, string>;
  readonly plain: readonly string[];
  readonly unknown: readonly string[];
} {
  const options = new Map<string, string>();
  const plain: string[] = [];
  const unknown: string[] = [];
  for (let i = 0; i < words.length; i++) {
    const word = words[i] as string;
    if (takesValue.has(word)) options.set(word, words[++i] ?? "");
    else if (flags.has(word)) options.set(word, "");
    else if (word.startsWith("-") && word.length > 1) unknown.push(word);
    else plain.push(word);
  }
  return { options, plain, unknown };
}

const curlValues = new Set(["-m", "--max-time", "--connect-timeout"]);
const curlFlags = new Set(["-4", "-6", "-s", "-S", "-sS", "-v", "-f", "-i", "--silent", "--verbose"]);

function parseCurl(words: readonly string[]): ProbeCommand | CommandProblem {
  const { options, plain, unknown } = splitOptions(words, curlValues, curlFlags);
  if (unknown.length > 0) return unknownOptions("curl", unknown);
  const [target, ...more] = plain;
  if (target === undefined || more.length > 0) return misuse("curl", "curl takes one URL");
  const match = /^(?:(https?):\/\/)?(\[[0-9a-fA-F:.]+\]|[^/:?#[\]\s]+)(?::(\d+))?([/?][^\s#]*)?$/.exec(target);
  if (!match) return misuse("curl", `\`${target}\` is not an http or https URL`);
  const scheme = (match[1] ?? "http") as "http" | "https";
  const port = match[3] === undefined ? (scheme === "http" ? 80 : 443) : Number(match[3]);
  if (port < 1 || port > 65535) return misuse("curl", `port ${port} is not between 1 and 65535`);
  const connectTimeoutSeconds = seconds(options.get("--connect-timeout"));
  const maxTimeSeconds = seconds(options.get("-m") ?? options.get("--max-time"));
  if (connectTimeoutSeconds === null || maxTimeSeconds === null)
    return misuse("curl", "a time-out takes seconds above 0");
  return {
    tool: "curl",
    scheme,
    host: (match[2] as string).replace(/^\[|\]$/g, ""),
    port,
    path: match[4] ?? "/",
    ...(connectTimeoutSeconds !== undefined && { connectTimeoutSeconds }),
    ...(maxTimeSeconds !== undefined && { maxTimeSeconds }),
    families: options.has("-4") ? ["ipv4"] : options.has("-6") ? ["ipv6"] : ["ipv4", "ipv6"],
  };
}

/** undefined: not given; null: not a positive number. */
function seconds(text: string | undefined): number | undefined | null {
  if (text === undefined) return undefined;
  const value = Number(text);
  return value > 0 && Number.isFinite(value) ? value : null;
}

/** Types by name (IANA, DNS parameters), and the form of RFC 3597 for all others; zone transfers are not modelled. */
const recordTypes =
  /^(?:A|AAAA|ANY|CAA|CNAME|DNSKEY|DS|HINFO|HTTPS|MX|NAPTR|NS|NSEC|PTR|RRSIG|SOA|SRV|SSHFP|SVCB|TLSA|TXT|TYPE\d{1,5})$/i;

function parseDig(words: readonly string[]): ProbeCommand | CommandProblem {
  const names: string[] = [];
  let server: Address | undefined;
  let search = false;
  let tcp = false;
  for (const word of words) {
    if (word.startsWith("@")) {
      server = parseAddress(word.slice(1));
      if (server === undefined) return misuse("dig", `\`${word.slice(1)}\` is not an IP address`);
    } else if (word === "+search") search = true;
    else if (word === "+tcp") tcp = true;
    else if (word.startsWith("+") || word.startsWith("-")) return misuse("dig", `dig option ${word} is not modelled`);
    else names.push(word);
  }
  const [name, type = "A", ...more] = names;
  if (name === undefined || more.length > 0) return misuse("dig", "dig takes one name and at most one type");
  const fault = nameFault(name);
  if (fault !== undefined) return bad(`'${name}' is not a legal name (${fault})`);
  if (!recordTypes.test(type)) return misuse("dig", `\`${type}\` is no record type that can be asked for`);
  return { tool: "dig", name, type: type.toUpperCase(), ...(server !== undefined && { server }), search, tcp };
}

const pingValues = new Set(["-t", "-s", "-c", "-W"]);

function parsePing(words: readonly string[]): ProbeCommand | CommandProblem {
  const { options, plain, unknown } = splitOptions(words, pingValues, new Set(["-n"]));
  if (unknown.length > 0) return unknownOptions("ping", unknown);
  const [host, ...more] = plain;
  if (host === undefined || more.length > 0) return misuse("ping", "ping takes one host");
  const ttl = options.has("-t") ? Number(options.get("-t")) : undefined;
  if (ttl !== undefined && !isWhole(ttl, 1, 255)) return misuse("ping", "a TTL is between 1 and 255");
  const dataBytes = Number(options.get("-s") ?? 56);
  if (!isWhole(dataBytes, 0, 65507)) return misuse("ping", "a size is between 0 and 65507 bytes");
  if (Number(options.get("-c") ?? 1) !== 1) return misuse("ping", "one echo request is sent (-c 1)");
  const waitSeconds = seconds(options.get("-W"));
  if (waitSeconds === null) return misuse("ping", "a time-out takes seconds above 0");
  return {
    tool: "ping",
    host,
    ...(ttl !== undefined && { ttl }),
    dataBytes,
    ...(waitSeconds !== undefined && { waitSeconds }),
  };
}

function isWhole(value: number, least: number, most: number): boolean {
  return Number.isInteger(value) && value >= least && value <= most;
}

function parsePort(tool: "tcp" | "udp" | "sctp", words: readonly string[]): ProbeCommand | CommandProblem {
  const [target, ...more] = words;
  const match = /^(\[[0-9a-fA-F:.]+\]|[^:\s]+):(\d+)$/.exec(target ?? "");
  const port = Number(match?.[2]);
  if (!match || more.length > 0 || port < 1 || port > 65535) return misuse(tool, `${tool} takes HOST:PORT`);
  return { tool, host: (match[1] as string).replace(/^\[|\]$/g, ""), port };
}
