import type { NodeContext } from "../plugin.ts";

/**
 * br_netfilter, as kubeadm's preflight check asks for it (`bridge-nf-call-iptables` must be 1): frames that cross a
 * bridge traverse iptables too. Where `settings.bridgeNfCallIptables` is false the module is not loaded.
 */
export function setBridgeNetfilter({ cluster, host }: NodeContext): void {
  const value = cluster.settings.bridgeNfCallIptables ? 1 : 0;
  host.sysctls.set("net.bridge.bridge-nf-call-iptables", value);
  host.sysctls.set("net.bridge.bridge-nf-call-ip6tables", value);
}
