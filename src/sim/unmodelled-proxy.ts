import type { Cluster } from "../cluster/cluster.ts";
import type { Node, Service } from "../cluster/objects.ts";
import { type HookState, type HookVerdict, priorities } from "../kernel/netfilter.ts";
import type { NetworkNamespace } from "../kernel/namespace.ts";
import { type Address, parseAddress } from "../wire/address.ts";
import { hasPorts } from "../wire/packet.ts";
import type { NodeProxy, RunningProxy } from "./proxies.ts";

/** A mode of kube-proxy that exists but is not modelled: what happens to a packet for a Service is unknown. */
export function unmodelledProxy(mode: string): NodeProxy {
  return {
    start(host) {
      const proxy = new UnmodelledProxy(mode);
      for (const family of ["ipv4", "ipv6"] as const) {
        for (const hook of ["PREROUTING", "OUTPUT"] as const) {
          host.hooks.register(family, hook, {
            name: "nat",
            priority: priorities.natDst,
            run: (state) => proxy.meet(host, state),
          });
        }
      }
      return proxy;
    },
  };
}

class UnmodelledProxy implements RunningProxy {
  readonly #mode: string;
  #byAddress = new Map<Address, string>();
  #byNodePort = new Map<number, string>();
  #own = new Set<Address>();

  constructor(mode: string) {
    this.#mode = mode;
  }

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

  meet(host: NetworkNamespace, { skb }: HookState): HookVerdict {
    const { dst, transport } = skb.packet;
    const atNodePort = this.#own.has(dst) && hasPorts(transport) ? this.#byNodePort.get(transport.dstPort) : undefined;
    const service = this.#byAddress.get(dst) ?? atNodePort;
    if (service === undefined) return "accept";
    const text = `Here kube-proxy decides what becomes of a packet for Service ${service}; its mode ${this.#mode} is not modelled.`;
    skb.track?.step({ kind: "nat", manip: "dst", action: "none", text });
    skb.track?.verdict("unknown");
    host.surroundings.recorder.doubt(text);
    return "unknown";
  }
}

function nameOf({ metadata }: Service): string {
  return `${metadata.namespace}/${metadata.name}`;
}

function addressesOf({ spec, status }: Service): readonly Address[] {
  const texts = [...spec.clusterIPs, ...spec.externalIPs, ...status.loadBalancer.ingress.flatMap(({ ip }) => ip ?? [])];
  return texts.flatMap((text) => parseAddress(text) ?? []);
}
