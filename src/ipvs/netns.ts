import type { Iptables } from "../iptables/netns.ts";
import type { NetworkNamespace } from "../kernel/namespace.ts";
import { Ipvs } from "./ipvs.ts";

/** Gives a namespace IPVS, without servers: its hooks, and what `-m ipvs` asks. */
export function createIpvs(namespace: NetworkNamespace, iptables?: Iptables): Ipvs {
  const ipvs = new Ipvs(namespace);
  iptables?.setIpvsView((state) => ipvs.view(state));
  return ipvs;
}
