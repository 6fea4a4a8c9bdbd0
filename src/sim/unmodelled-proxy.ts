import type { Cluster } from "../cluster/cluster.ts";
import type { Node, Service } from "../cluster/objects.ts";
import { type Address, parseAddress } from "../wire/address.ts";
import { type Packet, hasPorts } from "../wire/packet.ts";
import type { NodeProxy, RunningProxy } from "./proxies.ts";
import { endAsUnknown } from "./unmodelled.ts";

/** A mode of kube-proxy that exists but is not modelled: what happens to a packet for a Service is unknown. */
export function unmodelledProxy(mode: string): NodeProxy {
  return {
    start(host) {
      const proxy = new UnmodelledProxy();
      endAsUnknown(host, ["PREROUTING", "OUTPUT"], ({ skb }) => {
        const service = proxy.serviceOf(skb.packet);
        return service === undefined
          ? undefined
          : `Here kube-proxy decides what becomes of a packet for Service ${service}; its mode ${mode} is not modelled.`;
      });
      return proxy;
    },
  };
}

class UnmodelledProxy implements RunningProxy {
  #byAddress = new Map<Address, string>();
  #byNodePort = new Map<number, string>();
  #own = new Set<Address>();

  sync(cluster: Cluster, node: Node): void {
    const named = cluster.services.map((service) => ({ service, name: nameOf(service) }));
    this.#byAddress = new Map(
      named.flatMap(({ service, name }) => addressesOf(service).map((address) => [address, name] as const)),
    );
    this.#byNodePort = new Map(
      named.flatMap(({ service, name }) => service.spec.ports.map(({ nodePort }) => [nodePort, name] as const)),
    );
    this.#own = new Set(node.status.addresses.flatMap(({ address }) => parseAddress(address) ?? []));
  }

  serviceOf({ dst, transport }: Packet): string | undefined {
    const atNodePort = this.#own.has(dst) && hasPorts(transport) ? this.#byNodePort.get(transport.dstPort) : undefined;
    return this.#byAddress.get(dst) ?? atNodePort;
  }
}

function nameOf({ metadata }: Service): string {
  return `${metadata.namespace}/${metadata.name}`;
}

function addressesOf({ spec, status }: Service): readonly Address[] {
  const texts = [...spec.clusterIPs, ...spec.externalIPs, ...status.loadBalancer.ingress.flatMap(({ ip }) => ip ?? [])];
  return texts.flatMap((text) => parseAddress(text) ?? []);
}
