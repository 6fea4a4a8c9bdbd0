import { type Address, familyOf, formatAddress, parseAddress } from "../../wire/address.ts";
import type { Draft, OptionReader } from "../option.ts";
import type { TargetModule } from "./module.ts";
import { type PortSpan, bind, flagsOf, printPorts, rangeOf, readPorts } from "./nat-range.ts";

/** `-j DNAT --to-destination`, `-j SNAT --to-source`. */
export interface NatTarget extends PortSpan {
  readonly kind: "DNAT" | "SNAT";
  /** Absent: the address stays (`:53`). */
  readonly address?: Address;
  /** End of a range of addresses. */
  readonly lastAddress?: Address;
  readonly random?: true;
  readonly randomFully?: true;
  readonly persistent?: true;
}

/** What stands before the ports: in IPv6 in brackets, or nothing at all; an address there has colons itself. */
const forms = { ipv4: /^([^:]*)(?::(.*))?$/, ipv6: /^(?:\[(.*)\]|)(?::([^:]+))?$/ } as const;

/** Reads `ADDRESS[-ADDRESS][:PORT[-PORT[/PORT]]]`; IPv6 addresses with ports stand in brackets. */
function readTarget(draft: Draft<NatTarget>, read: OptionReader): void {
  const text = read.value();
  const [, addresses = "", ports] = forms[read.family].exec(text) ?? [text, text];
  const [first = "", last] = addresses.split("-");
  if (first !== "") draft.address = natAddress(read, first);
  if (last !== undefined && last !== first) draft.lastAddress = natAddress(read, last);
  if (ports !== undefined) readRange(draft, read, ports);
  if (first === "" && ports === undefined) read.fail("BAD_ADDRESS", `${text} is not ADDRESS[:PORT]`);
}

function readRange(draft: Draft<NatTarget>, read: OptionReader, text: string): void {
  const [ports = "", base] = text.split("/");
  Object.assign(draft, readPorts(read, ports));
  if (base === undefined) return;
  if (draft.kind === "SNAT") read.fail("BAD_NUMBER", `${text}: only DNAT takes a port to count from`);
  draft.basePort = read.number(1, 65_535, base);
}

function natAddress(read: OptionReader, text: string): Address {
  const parsed = parseAddress(text);
  if (parsed === undefined || familyOf(parsed) !== read.family) {
    return read.fail("BAD_ADDRESS", `${text} is not an ${read.family === "ipv4" ? "IPv4" : "IPv6"} address`);
  }
  return parsed;
}

function printTarget(target: NatTarget): string {
  const { address: first, lastAddress, port } = target;
  const own = first === undefined ? "" : formatAddress(first);
  const range = lastAddress === undefined ? own : `${own}-${formatAddress(lastAddress)}`;
  if (port === undefined) return range;
  return `${typeof first === "bigint" ? `[${range}]` : range}:${printPorts(target)}`;
}

function natModule(kind: NatTarget["kind"], option: string): TargetModule<NatTarget> {
  return {
    options: {
      [option]: readTarget,
      "--random": (draft) => void (draft.random = true),
      "--random-fully": (draft) => void (draft.randomFully = true),
      "--persistent": (draft) => void (draft.persistent = true),
    },
    start: () => ({ kind }),
    finish(draft, read) {
      if (draft.address === undefined && draft.port === undefined)
        read.fail("MISSING_OPTION", `${kind} needs ${option}`);
      return { ...draft, kind };
    },
    print: (target) => `${option} ${printTarget(target)}${flagsOf(target)}`,
    run(target, evaluation) {
      const range = evaluation.targetMemory(() => rangeOf(target, target.address, target.lastAddress));
      return bind(evaluation.state, kind === "DNAT" ? "dst" : "src", range);
    },
    needsConntrack: true,
  };
}

export const dnat: TargetModule<NatTarget> = natModule("DNAT", "--to-destination");
export const snat: TargetModule<NatTarget> = natModule("SNAT", "--to-source");
