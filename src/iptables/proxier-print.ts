import { type Family, formatAddress, formatEndpoint } from "../wire/address.ts";
import { addressBits } from "../wire/cidr.ts";
import { stateBits } from "./matches/conntrack.ts";
import type { Match } from "./matches/index.ts";
import type { Call } from "./proxier-fixed.ts";
import { spellingOf } from "./proxier-terms.ts";
import type { Command, Rule } from "./rule.ts";
import type { Target } from "./targets/index.ts";

/*
 * kube-proxy's own spelling of its rules, which differs from what iptables-save prints: terms stand in the order
 * kube-proxy writes them in, marks have eight digits, addresses have no /32, and comments are quoted only where
 * they hold a blank.
 */

/** A call of iptables(8) or ip6tables(8) as kube-proxy makes it. */
export function formatCall({ table, command }: Call, family: Family): string {
  const binary = family === "ipv4" ? "iptables" : "ip6tables";
  return `${binary} -w 5 -t ${table} ${formatCommand(command)}`;
}

function formatCommand(command: Command): string {
  switch (command.kind) {
    case "insert":
      return `-I ${command.chain}${formatRule(command.rule)}`;
    case "new-chain":
      return `-N ${command.chain}`;
    default:
      throw new Error(`kube-proxy gives no ${command.kind} command`);
  }
}

/** The terms and the target of a rule, with a blank before each. */
export function formatRule({ matches, target }: Rule): string {
  let text = "";
  let port = "";
  for (const match of matches) {
    // `--dport` stands behind `-m tcp -p tcp -d ADDRESS`, though it is an option of the first.
    if (port !== "" && match.kind !== "protocol" && match.kind !== "destination") {
      text += port;
      port = "";
    }
    text += formatMatch(match);
    if ((match.kind === "tcp" || match.kind === "udp" || match.kind === "sctp") && match.dstPorts !== undefined) {
      port = ` --dport ${match.dstPorts.from}`;
    }
  }
  return text + port + (target === undefined ? "" : formatTarget(target));
}

function formatMatch(match: Match): string {
  switch (match.kind) {
    case "comment":
      return ` -m comment --comment ${quoted(match.comment)}`;
    case "tcp":
    case "udp":
    case "sctp":
      return ` -m ${match.kind}`;
    case "protocol":
      return ` -p ${protocolName(match.number)}`;
    case "source":
    case "destination": {
      const { base, prefixLength } = match;
      const block = prefixLength === addressBits(base) ? formatAddress(base) : `${formatAddress(base)}/${prefixLength}`;
      return `${not(match)} -${match.kind === "source" ? "s" : "d"} ${spellingOf(match) ?? block}`;
    }
    case "in-interface":
      return `${not(match)} -i ${match.name}`;
    case "addrtype": {
      const [side, types] = match.src === undefined ? ["dst", match.dst] : ["src", match.src];
      if (types === undefined) return " -m addrtype";
      return ` -m addrtype${not(types)} --${side}-type ${types.types.join(",")}`;
    }
    case "conntrack": {
      const { bits, inverted } = match.states ?? { bits: 0, inverted: false };
      const names = Object.entries(stateBits).flatMap(([name, bit]) => ((bits & bit) === 0 ? [] : [name]));
      return ` -m conntrack${not({ inverted })} --ctstate ${names.join(",")}`;
    }
    case "mark":
      return ` -m mark${not(match)} --mark ${hex(match.value)}/${hex(match.mask)}`;
    case "recent":
      if (match.action === "set") return ` -m recent --name ${match.name} --set`;
      return ` -m recent --name ${match.name} --rcheck --seconds ${match.seconds ?? 0} --reap`;
    case "statistic":
      return match.mode === "random"
        ? ` -m statistic --mode random --probability ${match.probability.toFixed(10)}`
        : "";
    case "set":
      return ` -m set --match-set ${match.set} ${match.flags.join(",")}`;
    case "nfacct":
      return ` -m nfacct --nfacct-name ${match.name}`;
    case "physdev":
      return ` -m physdev${not(match.isIn ?? { inverted: false })} --physdev-is-in`;
    case "ipvs": {
      const { virtualAddress: address, protocol, virtualPort: port } = match;
      if (address === undefined || protocol === undefined || port === undefined) return " -m ipvs";
      const name = protocolName(protocol.number);
      return ` -m ipvs --vaddr ${formatAddress(address.base)} --vproto ${name} --vport ${port.port}`;
    }
    default:
      throw new Error(`kube-proxy writes no ${match.kind} match`);
  }
}

function formatTarget(target: Target): string {
  switch (target.kind) {
    case "jump":
      return ` -j ${target.chain}`;
    case "MARK":
      return ` -j MARK --${target.mask === 0 ? "xor" : "or"}-mark ${hex(target.value)}`;
    case "MASQUERADE":
      return ` -j MASQUERADE${target.randomFully === true ? " --random-fully" : ""}`;
    case "DNAT": {
      const { address, port } = target;
      const canonical = address === undefined ? "" : formatEndpoint(address, port ?? 0);
      return ` -j DNAT --to-destination ${spellingOf(target) ?? canonical}`;
    }
    default:
      return ` -j ${target.kind}`;
  }
}

function not({ inverted }: { readonly inverted: boolean }): string {
  return inverted ? " !" : "";
}

function quoted(text: string): string {
  return text.includes(" ") ? `"${text}"` : text;
}

/** Go's `%#08x`: 0x and eight digits. */
function hex(value: number): string {
  return `0x${value.toString(16).padStart(8, "0")}`;
}

function protocolName(number: number): string {
  return number === 6 ? "tcp" : number === 17 ? "udp" : "sctp";
}
