import { type Command, InvalidArgumentError, Option } from "commander";
import type { ClusterSettings } from "../index.ts";
import { wholeNumber } from "./input.ts";

/** kube-proxy's own options, by the names of its flags. */
export interface KubeProxyFlags {
  readonly masqueradeAll?: boolean;
  readonly masqueradeBit?: number;
  readonly nodeportAddresses?: readonly string[];
  readonly localhostNodeports?: boolean;
  readonly detectLocalMode?: NonNullable<ClusterSettings["kubeProxy"]>["detectLocalMode"];
  readonly podBridgeInterface?: string;
  readonly podInterfaceNamePrefix?: string;
  readonly ipvsScheduler?: string;
  readonly ipvsStrictArp?: boolean;
}

function bit(value: string): number {
  const number = wholeNumber(value);
  if (number > 31) throw new InvalidArgumentError("a mark has the bits 0 to 31");
  return number;
}

/** Adds kube-proxy's options to a verb. */
export function withKubeProxy(command: Command): Command {
  return command
    .option("--masquerade-all", "kube-proxy masquerades all traffic for cluster IPs")
    .option("--masquerade-bit <n>", "bit of the mark that says masquerade (14)", bit)
    .option("--nodeport-addresses <cidrs>", "node addresses that serve nodePorts, comma-separated (all)", (value) =>
      value.split(","),
    )
    .option("--no-localhost-nodeports", "nodePorts are not served on 127.0.0.1")
    .addOption(
      new Option("--detect-local-mode <mode>", "how kube-proxy tells local pods (ClusterCIDR)").choices([
        "ClusterCIDR",
        "NodeCIDR",
        "BridgeInterface",
        "InterfaceNamePrefix",
      ]),
    )
    .option("--pod-bridge-interface <name>", "the bridge, for --detect-local-mode BridgeInterface")
    .option("--pod-interface-name-prefix <prefix>", "the prefix, for --detect-local-mode InterfaceNamePrefix")
    .option("--ipvs-scheduler <name>", "scheduler of all Services in IPVS mode (rr)")
    .option("--ipvs-strict-arp", "in IPVS mode, answer ARP for the addresses of the asked device alone");
}

/** The settings that the flags state. */
export function kubeProxySettings(flags: KubeProxyFlags): Partial<ClusterSettings> {
  const { masqueradeAll, masqueradeBit, nodeportAddresses, detectLocalMode, ipvsScheduler, ipvsStrictArp } = flags;
  const { podBridgeInterface: bridgeInterface, podInterfaceNamePrefix: interfaceNamePrefix } = flags;
  return {
    ...(ipvsScheduler !== undefined && { ipvsScheduler }),
    kubeProxy: {
      ...(masqueradeAll !== undefined && { masqueradeAll }),
      ...(masqueradeBit !== undefined && { masqueradeBit }),
      ...(nodeportAddresses !== undefined && { nodePortAddresses: nodeportAddresses }),
      ...(ipvsStrictArp !== undefined && { ipvsStrictArp }),
      ...(flags.localhostNodeports === false && { localhostNodePorts: false }),
      ...(detectLocalMode !== undefined && { detectLocalMode }),
      ...(bridgeInterface !== undefined && { bridgeInterface }),
      ...(interfaceNamePrefix !== undefined && { interfaceNamePrefix }),
    },
  };
}
