import type { Pod } from "../cluster/objects.ts";
import { addressType } from "../kernel/ip/route.ts";
import type { NetworkNamespace } from "../kernel/namespace.ts";
import { hasPorts } from "../wire/packet.ts";
import { endAsUnknown } from "./unmodelled.ts";

/** The ports of its node that a pod asks for; with `hostNetwork` they are simply its own. */
function hostPortsOf({ spec }: Pod): readonly { readonly port: number; readonly protocol: string }[] {
  if (spec.hostNetwork) return [];
  return spec.containers.flatMap(({ ports }) =>
    ports.flatMap(({ hostPort, protocol }) => (hostPort ? [{ port: hostPort, protocol: protocol.toLowerCase() }] : [])),
  );
}

/** What comes to a hostPort of a node ends as unknown: the portmap plugin is not modelled. */
export class HostPorts {
  readonly #host: NetworkNamespace;
  #pods = new Map<string, string>();
  #watching = false;

  constructor(host: NetworkNamespace) {
    this.#host = host;
  }

  sync(pods: readonly Pod[]): void {
    this.#pods = new Map(
      pods.flatMap((pod) =>
        hostPortsOf(pod).map(({ port, protocol }) => [
          `${protocol} ${port}`,
          `${pod.metadata.namespace}/${pod.metadata.name}`,
        ]),
      ),
    );
    if (this.#pods.size === 0 || this.#watching) return;
    this.#watching = true;
    endAsUnknown(this.#host, ["PREROUTING", "OUTPUT"], ({ skb: { packet } }) => {
      const { dst, transport } = packet;
      if (!hasPorts(transport)) return undefined;
      const pod = this.#pods.get(`${transport.protocol} ${transport.dstPort}`);
      if (pod === undefined || addressType(this.#host, dst) !== "LOCAL") return undefined;
      return `Port ${transport.dstPort} of ${this.#host.name} is a hostPort of Pod ${pod}; the portmap plugin is not modelled.`;
    });
  }
}
