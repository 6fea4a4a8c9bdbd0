import { LineProblem } from "../iptables/text-error.ts";
import { splitWords } from "../iptables/words.ts";
import { parseAddress } from "../wire/address.ts";

/** Something to send: a line of the file `flows`. */
export interface FlowLine {
  readonly name: string;
  readonly from: string;
  readonly protocol: "tcp" | "udp" | "sctp" | "icmp" | "raw";
  /** `10.96.0.11:80`, `[fd00::1]:80`, or an address alone. */
  readonly destination: string;
  readonly options: Readonly<Record<string, string>>;
}

const isNumber =
  (min: number, max: number) =>
  (value: string): boolean =>
    /^\d+$/.test(value) && Number(value) >= min && Number(value) <= max;

/** What an option may be. */
const optionValues: Readonly<Record<string, (value: string) => boolean>> = {
  badsum: (value) => value === "0" || value === "1",
  df: (value) => ["want", "do", "dont", "probe"].includes(value),
  flags: (value) => /^[FSRPAU]*$/.test(value),
  fresh: (value) => value === "0" || value === "1",
  repeat: isNumber(1, 100),
  // The longest payload of a UDP datagram in an IPv4 packet.
  size: isNumber(0, 65_507),
  sport: isNumber(0, 65_535),
  src: (value) => parseAddress(value) !== undefined,
  timeout: (value) => /^\d+(\.\d+)?$/.test(value),
  ttl: isNumber(1, 255),
};

/** Reads `NAME NAMESPACE PROTOCOL DESTINATION [OPTION=VALUE]...`. Throws a LineProblem BAD_FLOW. */
export function parseFlow(text: string, namespaces: ReadonlySet<string>): FlowLine {
  const words = splitWords(text);
  const fail = (index: number, message: string): never => {
    throw new LineProblem("BAD_FLOW", words[index]?.column ?? 1, message);
  };
  const [name, from, protocol, destination, ...rest] = words.map((word) => word.text);
  if (name === undefined || from === undefined || protocol === undefined || destination === undefined) {
    return fail(0, "a flow is NAME NAMESPACE PROTOCOL DESTINATION [OPTION=VALUE]...");
  }
  if (!namespaces.has(from)) return fail(1, `${from} is no namespace: no link and no file has it`);
  if (!isProtocol(protocol)) return fail(2, `${protocol} is not ${protocols.join(", ")}`);
  if (!isDestination(destination, protocol !== "icmp")) {
    return fail(3, `${destination} is not ${protocol === "icmp" ? "an address" : "ADDRESS:PORT or [ADDRESS]:PORT"}`);
  }
  const options: Record<string, string> = Object.create(null) as Record<string, string>;
  for (const [index, option] of rest.entries()) {
    const [, key = "", value = ""] = /^([^=]+)=(.*)$/.exec(option) ?? fail(4 + index, `${option} is not OPTION=VALUE`);
    if (!Object.hasOwn(optionValues, key)) {
      return fail(4 + index, `${key} is not one of ${Object.keys(optionValues).join(", ")}`);
    }
    if (optionValues[key]?.(value) !== true) return fail(4 + index, `${key} cannot be ${value}`);
    options[key] = value;
  }
  if (protocol === "raw" && (options["src"] === undefined || options["sport"] === undefined)) {
    return fail(2, "a raw segment needs src=ADDRESS and sport=PORT");
  }
  return { name, from, protocol, destination, options };
}

const protocols: readonly FlowLine["protocol"][] = ["tcp", "udp", "sctp", "icmp", "raw"];

function isProtocol(text: string): text is FlowLine["protocol"] {
  return (protocols as readonly string[]).includes(text);
}

function isDestination(text: string, withPort: boolean): boolean {
  if (!withPort) return parseAddress(text.replace(/^\[(.*)\]$/, "$1")) !== undefined;
  const [, v6, v4, port] = /^(?:\[([\da-f:.]+)\]|([\d.]+)):(\d+)$/i.exec(text) ?? [];
  const address = parseAddress(v6 ?? v4 ?? "");
  return address !== undefined && (typeof address === "bigint") === (v6 !== undefined) && Number(port) <= 65_535;
}
