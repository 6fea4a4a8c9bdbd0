import { addAddress } from "../../kernel/address.ts";
import { addDevice, enslave, removeDevice, setUp } from "../../kernel/link.ts";
import { addRoute } from "../../kernel/routes.ts";
import type { Pod } from "../../cluster/objects.ts";
import type { Owner } from "../../trace/records.ts";
import { type Address, familyOf, parseAddress, unspecified } from "../../wire/address.ts";
import { type Cidr, addressBits, cidr, contains, hostCidr, nthAddress, parseCidr } from "../../wire/cidr.ts";
import { podKey, stableMac, vethName } from "../names.ts";
import type { CniPlugin, NodeContext } from "../plugin.ts";

/** Keys of the plugin's configuration that are modelled. */
export interface BridgeOptions {
  /** `bridge`. */
  readonly bridge?: string;
  /** Bytes; the kernel's 1500 where absent. Of the bridge and both ends of every veth pair. */
  readonly mtu?: number;
  readonly hairpinMode?: boolean;
  readonly portIsolation?: boolean;
}

const owner: Owner = { kind: "Component", name: "CNI plugin bridge" };

/** The CNI plugin `bridge` with `isGateway` and host-local addresses: plugins/main/bridge/bridge.go. See README.md. */
export function bridgePlugin(options: BridgeOptions = {}): CniPlugin {
  const { bridge = "cni0", hairpinMode = true, portIsolation = false } = options;
  const mtu = options.mtu === undefined ? {} : { mtu: options.mtu };

  return {
    name: "bridge",

    prepareNode({ node, host }) {
      // A MAC of its own: otherwise the bridge would take the lowest of its ports and change it as pods come and go.
      addDevice(host, {
        kind: "bridge",
        name: bridge,
        mac: stableMac(`${node.metadata.name}/${bridge}`),
        ...mtu,
        owner,
      });
      host.sysctls.set(`net.ipv6.conf.${bridge}.accept_ra`, 0);
      for (const block of podCidrsOf(node)) {
        const gateway = gatewayOf(block);
        addAddress(host, bridge, gateway, block.prefixLength, { owner });
        host.sysctls.set(familyOf(gateway) === "ipv4" ? "net.ipv4.ip_forward" : "net.ipv6.conf.all.forwarding", 1);
      }
      setUp(host, bridge);
    },

    add(context, pod, namespace) {
      const { host, cluster } = context;
      const name = vethName(pod);
      const podOwner = { ...cluster.ownerOf(pod), detail: "eth0" };
      const ends = [
        { ns: namespace, name: "eth0", peer: { namespace: host.name, device: name } },
        { ns: host, name, peer: { namespace: namespace.name, device: "eth0" } },
      ];
      for (const { ns, ...end } of ends) {
        addDevice(ns, { kind: "veth", ...end, mac: stableMac(`${podKey(pod)}/${end.name}`), ...mtu, owner: podOwner });
      }
      setUp(host, name);
      enslave(host, name, bridge, { hairpin: hairpinMode, isolated: portIsolation });

      namespace.sysctls.set("net.ipv4.conf.eth0.arp_notify", 1);
      const addresses = addressesOf(context, pod);
      if (addresses.some(({ address }) => familyOf(address) === "ipv6")) {
        namespace.sysctls.set("net.ipv6.conf.eth0.accept_dad", 0);
      }
      for (const { address, prefixLength } of addresses) {
        addAddress(namespace, "eth0", address, prefixLength, { owner: podOwner });
      }
      setUp(namespace, "eth0");
      for (const { address, prefixLength, gateway } of addresses) {
        if (prefixLength === addressBits(address)) {
          // An address from outside of the node's CIDRs: both sides must be told that the other is on the link.
          addRoute(namespace, { destination: hostCidr(gateway), device: "eth0", owner });
          addRoute(host, { destination: hostCidr(address), device: bridge, owner: podOwner });
        }
        addRoute(namespace, {
          destination: cidr(unspecified[familyOf(address)], 0),
          via: gateway,
          device: "eth0",
          owner,
        });
      }
    },

    del({ node, host }, pod) {
      removeDevice(host, vethName(pod));
      for (const text of pod.status.podIPs) {
        const address = parseAddress(text);
        if (address === undefined || podCidrsOf(node).some((block) => contains(block, address))) continue;
        host.fib[familyOf(address)].delete({ destination: hostCidr(address), device: bridge });
      }
    },

    hostDevice: vethName,
  };
}

export const bridge: CniPlugin = bridgePlugin();

interface PodAddress {
  readonly address: Address;
  readonly prefixLength: number;
  readonly gateway: Address;
}

/** The addresses that IPAM gave the pod, each with the mask and the gateway of the node's CIDR that it lies in. */
function addressesOf({ node }: NodeContext, pod: Pod): readonly PodAddress[] {
  const blocks = podCidrsOf(node);
  return pod.status.podIPs.flatMap((text) => {
    const address = parseAddress(text);
    if (address === undefined) return [];
    const own = blocks.find((block) => contains(block, address));
    if (own !== undefined) return [{ address, prefixLength: own.prefixLength, gateway: gatewayOf(own) }];
    const other = blocks.find((block) => typeof block.base === typeof address);
    return other === undefined ? [] : [{ address, prefixLength: addressBits(address), gateway: gatewayOf(other) }];
  });
}

function podCidrsOf(node: NodeContext["node"]): readonly Cidr[] {
  return node.spec.podCIDRs.flatMap((text) => parseCidr(text) ?? []);
}

/** host-local's default gateway: the first address of the range. */
function gatewayOf(block: Cidr): Address {
  return nthAddress(block, 1);
}
