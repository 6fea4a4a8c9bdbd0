import type { NetworkPolicyRule, Pod } from "../../cluster/objects.ts";
import type { SetEntry, SetSpec } from "../../iptables/ipset/set.ts";
import type { Owner } from "../../trace/records.ts";
import { type Address, type Family, familyOf, parseAddress } from "../../wire/address.ts";
import { type Cidr, parseCidr } from "../../wire/cidr.ts";

/** A set with what is in it. */
export interface PolicySet {
  readonly spec: SetSpec;
  readonly entries: readonly SetEntry[];
}

/** The addresses of pods: hash:ip. kube-router makes its sets with time-outs, and gives none to an entry. */
export function podSet(name: string, pods: readonly Pod[], family: Family, owner: Owner): PolicySet {
  const addresses = new Set(pods.flatMap((pod) => podAddresses(pod, family)));
  return {
    spec: { name, type: "hash:ip", family, options: ["timeout", "0"], owner },
    entries: [...addresses].map((address) => ({ element: [{ kind: "ip", address }], timeout: 0, owner })),
  };
}

/**
 * All ipBlocks of a rule in one set: hash:net with `nomatch` for what is excepted. An `except` so cuts into the other
 * blocks of the rule as well (evalIPBlockPeer).
 */
export function blockSet(name: string, rule: NetworkPolicyRule, family: Family, owner: Owner): PolicySet {
  const entries = rule.peers.flatMap(({ ipBlock }) => {
    if (ipBlock === undefined) return [];
    return [
      ...netsOf(ipBlock.cidr, family).map((net) => entryOf(net, owner)),
      ...ipBlock.except
        .flatMap((except) => netsOf(except, family))
        .map((net) => ({ ...entryOf(net, owner), nomatch: true })),
    ];
  });
  return { spec: { name, type: "hash:net", family, options: ["timeout", "0"], owner }, entries };
}

function entryOf({ base, prefixLength }: Cidr, owner: Owner): SetEntry {
  return { element: [{ kind: "net", base, prefixLength }], timeout: 0, owner };
}

/** hash:net holds no /0: kube-router writes two halves, of IPv6 the parts that are in use. */
const halves: Readonly<Record<Family, readonly string[]>> = {
  ipv4: ["0.0.0.0/1", "128.0.0.0/1"],
  ipv6: ["2000::/3", "fd00::/8"],
};

function netsOf(text: string, family: Family): readonly Cidr[] {
  const block = parseCidr(text);
  if (block === undefined || familyOf(block.base) !== family) return [];
  return block.prefixLength > 0 ? [block] : halves[family].flatMap((half) => parseCidr(half) ?? []);
}

/** The addresses of a pod in a family. */
export function podAddresses(pod: Pod, family: Family): readonly Address[] {
  return pod.status.podIPs
    .map((text) => parseAddress(text))
    .filter((address): address is Address => address !== undefined && familyOf(address) === family);
}
