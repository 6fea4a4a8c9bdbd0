import type { Endpoint, Node, Service } from "../objects.ts";
import { compareText } from "../problem.ts";

/** A zone may get so much more traffic than its share before hints are given up. */
const overloadThreshold = 0.2;

/** CPUs of a node whose status does not say how many it has: nodes of one size, so that only their number counts. */
const assumedMilliCpu = 4000;

const zoneLabel = "topology.kubernetes.io/zone";
const controlPlaneLabels = ["node-role.kubernetes.io/control-plane", "node-role.kubernetes.io/master"];

/** The parts of the cluster's CPUs in each zone; undefined where no hints can be given. */
export interface Topology {
  readonly ratios: ReadonlyMap<string, number> | undefined;
  /** Why not, in words. */
  readonly lack: string;
  /** Some node's CPUs are not stated. */
  readonly isAssumed: boolean;
}

/**
 * Nodes in each zone, weighed by their CPUs; control planes and nodes that are not ready do not count. One node
 * without a zone is enough to do without hints. k8s.io/endpointslice topologycache (SetNodes).
 */
export function topologyOf(nodes: readonly Node[]): Topology {
  const counted = nodes.filter(
    ({ metadata, status }) =>
      status.ready !== false && !controlPlaneLabels.some((label) => Object.hasOwn(metadata.labels, label)),
  );
  const isAssumed = counted.some(({ status }) => status.allocatableMilliCpu === undefined);
  const without = counted.find(({ metadata, status }) => {
    return (metadata.labels[zoneLabel] ?? "") === "" || status.allocatableMilliCpu === 0;
  });
  const none = (lack: string): Topology => ({ ratios: undefined, lack, isAssumed });
  if (without !== undefined) return none(`node ${without.metadata.name} has no zone or no CPUs`);
  const byZone = new Map<string, number>();
  let total = 0;
  for (const { metadata, status } of counted) {
    const cpu = status.allocatableMilliCpu ?? assumedMilliCpu;
    const zone = metadata.labels[zoneLabel] as string;
    byZone.set(zone, (byZone.get(zone) ?? 0) + cpu);
    total += cpu;
  }
  if (byZone.size < 2) return none("nodes are ready in one zone only");
  return { ratios: new Map([...byZone].map(([zone, cpu]) => [zone, cpu / total])), lack: "", isAssumed };
}

/** What became of a Service's hints: the endpoints with them, or why there are none. */
export interface Hinted {
  readonly endpoints: readonly Endpoint[];
  readonly lack?: string;
}

/** Whether the controller gives hints by the Service's annotation: these two values and no other. reconciler.go. */
export function asksForHints({ metadata: { annotations } }: Service): boolean {
  const value =
    annotations["service.kubernetes.io/topology-aware-hints"] ?? annotations["service.kubernetes.io/topology-mode"];
  return value === "Auto" || value === "auto";
}

/**
 * Topology aware hints: each ready endpoint for its own zone, then some moved to zones that have fewer than their
 * part of the CPUs. k8s.io/endpointslice topologycache (AddHints).
 */
export function withTopologyHints(endpoints: readonly Endpoint[], { ratios, lack }: Topology): Hinted {
  const ready = endpoints.filter(isReady);
  if (ratios === undefined) return { endpoints, lack };
  const desired = desiredByZone(ratios, ready.length);
  if (typeof desired === "string") return { endpoints, lack: desired };
  const homeless = ready.find(({ zone }) => zone === undefined || zone === "");
  if (homeless !== undefined) return { endpoints, lack: `endpoint ${homeless.addresses[0] ?? ""} has no zone` };

  const { giving, receiving } = exchange(desired, ready);
  const hinted = endpoints.map((endpoint): Endpoint => {
    const { zone } = endpoint;
    if (!isReady(endpoint) || zone === undefined) return endpoint;
    const [to] = receiving.keys();
    if (to === undefined || !giving.has(zone)) return { ...endpoint, hints: { forZones: [zone] } };
    takeOne(giving, zone);
    takeOne(receiving, to);
    return { ...endpoint, hints: { forZones: [to] } };
  });
  return { endpoints: hinted };
}

/**
 * The hints of `trafficDistribution`: each ready endpoint for its own zone, and for PreferSameNode its own node.
 * k8s.io/endpointslice trafficdist (ReconcileHints).
 */
export function withCloseHints(endpoints: readonly Endpoint[], isForNodes: boolean): readonly Endpoint[] {
  return endpoints.map((endpoint): Endpoint => {
    const { zone, nodeName } = endpoint;
    if (!isReady(endpoint)) return endpoint;
    const forNodes = isForNodes && nodeName !== undefined ? [nodeName] : undefined;
    if (zone === undefined && forNodes === undefined) return endpoint;
    return { ...endpoint, hints: { forZones: zone === undefined ? [] : [zone], ...(forNodes && { forNodes }) } };
  });
}

function isReady({ conditions }: Endpoint): boolean {
  return conditions.ready === true;
}

/** How many endpoints each zone should have, or why that cannot be. getAllocations. */
function desiredByZone(ratios: ReadonlyMap<string, number>, count: number): ReadonlyMap<string, number> | string {
  const sizes = `${count} endpoints, ${ratios.size} zones`;
  if (ratios.size > count) return `there are fewer endpoints than zones (${sizes})`;
  const desired = new Map<string, number>();
  let left = count;
  for (const [zone, ratio] of ratios) {
    const share = ratio * count;
    const minimum = Math.ceil(share * (1 / (1 + overloadThreshold)));
    desired.set(zone, Math.max(share, minimum));
    left -= minimum;
    if (left < 0) return `no way to share them out keeps each zone below 120 % of its share (${sizes})`;
  }
  return desired;
}

/** Which zones give how many endpoints away, and which get how many. getGivingAndReceivingZones. */
function exchange(
  desired: ReadonlyMap<string, number>,
  ready: readonly Endpoint[],
): { readonly giving: Map<string, number>; readonly receiving: Map<string, number> } {
  const tooMany = new Map<string, number>();
  const tooFew = new Map<string, number>();
  for (const [zone, target] of desired) {
    const count = ready.filter((endpoint) => endpoint.zone === zone).length;
    if (count > target) tooMany.set(zone, count - target);
    else if (count < target) tooFew.set(zone, target - count);
  }
  const giving = new Map<string, number>();
  const receiving = new Map<string, number>();
  for (;;) {
    const [from, toGive] = most(tooMany);
    const [to, toReceive] = most(tooFew);
    if ((toGive < 1 && toReceive < 1) || toGive < 0.5 || toReceive < 0.5) return { giving, receiving };
    tooMany.set(from, toGive - 1);
    tooFew.set(to, toReceive - 1);
    giving.set(from, (giving.get(from) ?? 0) + 1);
    receiving.set(to, (receiving.get(to) ?? 0) + 1);
  }
}

/** The zone with most; of equal ones the first by name, where the controller takes any. */
function most(zones: ReadonlyMap<string, number>): readonly [string, number] {
  const sorted = [...zones].toSorted(([a], [b]) => compareText(a, b));
  return sorted.reduce((best, next) => (next[1] > best[1] ? next : best), ["", 0] as const);
}

function takeOne(counts: Map<string, number>, zone: string): void {
  const left = (counts.get(zone) ?? 0) - 1;
  if (left > 0) counts.set(zone, left);
  else counts.delete(zone);
}
