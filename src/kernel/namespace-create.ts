import { ipv4, ipv6 } from "../wire/address.ts";
import { addAddress } from "./address.ts";
import { createConntrack } from "./conntrack/create.ts";
import { createFib } from "./fib-create.ts";
import { createIpState } from "./ip/state.ts";
import { addDevice, setUp } from "./link.ts";
import type { NetworkNamespace, Surroundings } from "./namespace.ts";
import { NeighbourTable } from "./neighbour-table.ts";
import { Hooks } from "./netfilter.ts";
import { createSockets } from "./socket/create.ts";
import { createSysctls } from "./sysctl.ts";

export interface NamespaceSpec {
  readonly name: string;
  /** The Kubernetes node it lives on, for the trace. */
  readonly node?: string;
  readonly surroundings: Surroundings;
}

/** A network namespace as `ip netns add` makes it, with the loopback up, as every container runtime leaves it. */
export function createNamespace(spec: NamespaceSpec): NetworkNamespace {
  const own: { -readonly [K in keyof NetworkNamespace]?: NetworkNamespace[K] } = {
    name: spec.name,
    ...(spec.node !== undefined && { node: spec.node }),
    surroundings: spec.surroundings,
    devices: new Map(),
    fib: { ipv4: createFib("ipv4"), ipv6: createFib("ipv6") },
    hooks: new Hooks(),
    sysctls: createSysctls(),
    ip: createIpState(),
  };
  // Neighbours, connections and sockets know their namespace: it is complete once they stand in it.
  const ns = own as NetworkNamespace;
  own.neighbours = new NeighbourTable(() => ns);
  own.conntrack = createConntrack(ns);
  own.sockets = createSockets(ns);
  addDevice(ns, { kind: "loopback", name: "lo" });
  addAddress(ns, "lo", ipv4(0x7f000001), 8);
  addAddress(ns, "lo", ipv6(1n), 128);
  setUp(ns, "lo");
  return ns;
}
