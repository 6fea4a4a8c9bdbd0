import type { Iptables } from "../iptables/netns.ts";
import type { Ipvs } from "../ipvs/ipvs.ts";
import type { NetworkNamespace } from "../kernel/namespace.ts";
import { routerName, switchName } from "../sim/underlay-build.ts";
import type { World } from "../sim/world.ts";
import { DeviceNames } from "./device-names.ts";

/** One namespace of a world, to be made as a real one. */
export interface PlannedNamespace {
  readonly ns: NetworkNamespace;
  /** Its name on this machine. */
  readonly id: string;
  /** What its devices are called there. */
  readonly names: DeviceNames;
  /** Nodes have tables; pods, the switch and hosts outside have none. */
  readonly iptables?: Iptables;
  /** Of nodes that balance with IPVS. */
  readonly ipvs?: Ipvs;
  /** It has no power: its ends of cables exist, and nobody listens to them. */
  readonly dark: boolean;
}

/** All namespaces of a world: every node boots, every pod is wired. */
export function planOf(world: World): readonly PlannedNamespace[] {
  bootAll(world);
  const nodes = tablesOf(world);
  return world.network.namespaces().map((ns, index) => {
    const iptables = nodes.get(ns.name);
    const ipvs = iptables && world.node(ns.name).ipvs;
    return {
      ns,
      id: `kubehop${index}`,
      names: new DeviceNames(ns.devices.keys()),
      ...(iptables && { iptables }),
      ...(ipvs && { ipvs }),
      dark: world.network.isDown(ns.name),
    };
  });
}

/** The tables of the nodes by name. */
export function tablesOf(world: World): ReadonlyMap<string, Iptables> {
  return new Map(world.cluster.nodes.map(({ metadata: { name } }) => [name, world.node(name).iptables]));
}

/** Boots all nodes, the switch between them and the router. */
export function bootAll(world: World): void {
  for (const { metadata } of world.cluster.nodes) world.node(metadata.name);
  world.network.get(switchName);
  world.network.get(routerName);
}
