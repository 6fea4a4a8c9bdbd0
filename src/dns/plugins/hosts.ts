import { type Address, parseAddress } from "../../wire/address.ts";
import type { DnsRecord } from "../../wire/dns.ts";
import type { Directive } from "../coredns/corefile.ts";
import type { DnsPlugin, PluginContext } from "../coredns/plugin.ts";
import { replyTo } from "../message.ts";
import { absolute, addressOfReverse, longestZone } from "../names.ts";
import {
  type Fallthrough,
  argumentCount,
  fallsThrough,
  numberArgument,
  readFallthrough,
  zonesOf,
} from "./arguments.ts";

interface HostsOptions {
  readonly file: string;
  readonly zones: readonly string[];
  readonly inline: string[];
  ttlSeconds: number;
  reverse: boolean;
  fallthrough: Fallthrough;
}

interface Entry {
  readonly address: Address;
  readonly name: string;
}

/** A container has this file; what the runtime writes there (localhost, the pod itself) is of no use to a client. */
const defaultFile = "/etc/hosts";

/**
 * `hosts [FILE [ZONES...]] { ... }`: A, AAAA and PTR from a hosts file and from lines in the Corefile. A name that is
 * not there is SERVFAIL without `fallthrough`, since there is no SOA to deny it with. CoreDNS plugin/hosts.
 */
export const hosts: DnsPlugin = {
  name: "hosts",
  setup([directive], context) {
    if (directive === undefined) return undefined;
    const options = readOptions(directive, context);
    const text = context.file(options.file) ?? (options.file === defaultFile ? "" : undefined);
    const entries = entriesOf([...(text ?? "").split("\n"), ...options.inline]);

    return function* (request, next) {
      const { name, type } = request.query.question;
      if (type !== "PTR" && longestZone(name, options.zones) === undefined) return yield* next(request);
      if (text === undefined) return { kind: "unknown", reason: `the hosts file ${options.file} is not given` };
      const { ttlSeconds } = options;
      if (type === "PTR") {
        const address = options.reverse ? addressOfReverse(name) : undefined;
        const targets = entries.filter((entry) => entry.address === address).map((entry) => entry.name);
        if (targets.length === 0) return yield* next(request);
        const answer = targets.map((target): DnsRecord => ({ name, ttlSeconds, type: "PTR", target }));
        return { kind: "reply", message: { ...replyTo(request.query), authoritative: true, answer } };
      }
      const found = entries.filter((entry) => entry.name === name.toLowerCase()).map(({ address }) => address);
      if (found.length === 0) {
        if (fallsThrough(options.fallthrough, name)) return yield* next(request);
        return { kind: "failed", rcode: "SERVFAIL" };
      }
      const wanted = type === "A" ? "number" : type === "AAAA" ? "bigint" : "none";
      const answer = found
        .filter((address) => typeof address === wanted)
        .map((address): DnsRecord => ({ name, ttlSeconds, type: wanted === "number" ? "A" : "AAAA", address }));
      request.note({ plugin: "hosts", text: `has ${name} in ${text === "" ? "the Corefile" : options.file}` });
      return { kind: "reply", message: { ...replyTo(request.query), authoritative: true, answer } };
    };
  },
};

/** hosts(5): an address, then its names; `#` begins a comment. */
function entriesOf(lines: readonly string[]): readonly Entry[] {
  return lines.flatMap((line) => {
    const [text = "", ...names] = line.replace(/#.*$/, "").trim().split(/\s+/);
    const address = parseAddress(text.replace(/%.*$/, ""));
    return address === undefined ? [] : names.map((name) => ({ address, name: absolute(name).toLowerCase() }));
  });
}

function readOptions(directive: Directive, context: PluginContext): HostsOptions {
  const [file, ...zones] = directive.args;
  const options: HostsOptions = {
    file: file?.text ?? defaultFile,
    zones: zonesOf(zones, context),
    inline: [],
    ttlSeconds: 3600,
    reverse: true,
    fallthrough: undefined,
  };
  for (const { name, args } of directive.block ?? []) {
    switch (name.text) {
      case "fallthrough":
        options.fallthrough = readFallthrough(args);
        break;
      case "no_reverse":
        options.reverse = false;
        break;
      case "ttl": {
        const [ttl] = args;
        if (ttl === undefined) argumentCount(name, args, 1, 1, context);
        else options.ttlSeconds = numberArgument(ttl, 1, 65535, context) ?? options.ttlSeconds;
        break;
      }
      // The file is read again every so often: it does not change here.
      case "reload":
        argumentCount(name, args, 1, 1, context);
        break;
      default:
        options.inline.push([name, ...args].map(({ text }) => text).join(" "));
        if (parseAddress(name.text) === undefined) {
          context.problem("COREFILE_UNKNOWN_PROPERTY", name, `hosts has no property '${name.text}'`);
        }
    }
  }
  return options;
}
