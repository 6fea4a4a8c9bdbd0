import type { Assumptions } from "../assumptions.ts";
import { append, groupBy } from "../group.ts";
import { inheritPlace, setMaker } from "../load/origin.ts";
import type { EndpointSlice, Endpoints, Node, Pod, Service } from "../objects.ts";
import { matchesLabels } from "../selector.ts";
import { type ServiceSlices, type SliceContext, serviceNameLabel, slicesOf } from "./endpoint-slices.ts";
import { asksForHints, topologyOf } from "./hints.ts";
import { isMirrored, mirrored } from "./mirror.ts";
import type { ServiceAllocator } from "./service-addresses.ts";

/** Every Service with its addresses, sorted; and by key what each was made from. */
export interface AllocatedServices {
  readonly services: readonly Service[];
  readonly byKey: ReadonlyMap<string, { readonly wanted: Service; readonly service: Service }>;
}

/** Keys that were asked for: every edit asks for those of all 10,000 Services again. */
const keys = new WeakMap<object, string>();

/** `namespace/name`. */
export function serviceKey({ metadata }: { readonly metadata: Service["metadata"] }): string {
  return remembered(metadata, metadata.name);
}

/** The key of the Service that a slice belongs to; `namespace/` where it has none. */
export function keyOfSlice({ metadata }: EndpointSlice): string {
  return remembered(metadata, metadata.labels[serviceNameLabel] ?? "");
}

function remembered(metadata: Service["metadata"], name: string): string {
  let key = keys.get(metadata);
  if (key === undefined) keys.set(metadata, (key = `${metadata.namespace}/${name}`));
  return key;
}

/** Gives every Service its addresses: those of the last run first, then what is new. */
export function runServices(
  wanted: readonly Service[],
  before: AllocatedServices | undefined,
  allocator: ServiceAllocator,
): AllocatedServices {
  const entries = wanted.map((service) => {
    const key = serviceKey(service);
    const known = before?.byKey.get(key);
    return { key, service, known: known?.wanted === service ? known : undefined };
  });
  for (const { service, known } of entries) allocator.claim(known?.service ?? service);
  const byKey = new Map(
    entries.map(({ key, service, known }) => [
      key,
      known ?? { wanted: service, service: inheritPlace(allocator.complete(service), service) },
    ]),
  );
  return { services: [...byKey.values()].map(({ service }) => service), byKey };
}

/** Services that have gone through the API server's allocators: what they lack was not given. */
export function servicesAsGiven(services: readonly Service[]): AllocatedServices {
  const byKey = new Map(services.map((service) => [serviceKey(service), { wanted: service, service }]));
  return { services, byKey };
}

export interface SliceInputs {
  readonly services: readonly Service[];
  readonly stated: readonly EndpointSlice[];
  readonly endpoints: readonly Endpoints[];
  readonly pods: readonly Pod[];
  readonly nodes: readonly Node[];
  /** The minor release of Kubernetes 1.x. */
  readonly release: number;
}

export interface SliceRun {
  readonly slices: readonly EndpointSlice[];
  /** The pods that the selector of each Service takes, by the Service's key. */
  readonly selected: ReadonlyMap<string, { readonly service: Service; readonly pods: readonly Pod[] }>;
  readonly made: ReadonlyMap<string, MadeSlices>;
  readonly indexes: ReadonlyMap<string, PodIndex>;
}

interface MadeSlices extends ServiceSlices {
  readonly service: Service;
  readonly selected: readonly Pod[];
  readonly nodes: readonly Node[];
}

/**
 * The EndpointSlices of all Services. What the input states is used as it stands; then hand-made Endpoints are
 * mirrored; then selectors are followed.
 */
export function runSlices(inputs: SliceInputs, before: SliceRun | undefined, assumptions: Assumptions): SliceRun {
  const stated = new Set(inputs.stated.map(keyOfSlice));
  const endpoints = new Map(inputs.endpoints.map((object) => [serviceKey(object), object]));
  const nodes = new Map(inputs.nodes.map((node) => [node.metadata.name, node]));
  const context: SliceContext = { nodes, topology: topologyOf(inputs.nodes), release: inputs.release };
  const indexes = indexPods(inputs.pods, before?.indexes);
  const made = new Map<string, MadeSlices>();
  const selected = new Map<string, { readonly service: Service; readonly pods: readonly Pod[] }>();
  const slices: EndpointSlice[] = [...inputs.stated];
  for (const service of inputs.services) {
    const key = serviceKey(service);
    const selects = hasSelector(service);
    const pods = (selects && indexes.get(service.metadata.namespace)?.select(service.spec.selector)) || noPods;
    if (selects) selected.set(key, { service, pods });
    if (stated.has(key) || service.spec.type === "ExternalName") continue;
    const byHand = endpoints.get(key);
    if (byHand !== undefined && pods.length === 0) {
      const mirror = isMirrored(byHand) ? mirrored(byHand) : [];
      for (const slice of mirror) inheritPlace(slice, byHand);
      slices.push(...mirror);
    } else if (selects) {
      const entry = sliced(service, pods, inputs.nodes, context, before?.made.get(key));
      made.set(key, entry);
      slices.push(...entry.slices);
      if (context.topology.isAssumed && entry.lack === undefined && asksForHints(service)) {
        assumptions.add(
          "node-cpus",
          "nodes that do not state their CPUs have as many as one another",
          "status.allocatable.cpu",
        );
      }
    }
  }
  if (made.size > 0)
    assumptions.add(
      "endpoint-slices",
      "Services without EndpointSlices have those that their selectors give",
      "EndpointSlice objects",
    );
  return { slices, selected, made, indexes };
}

const noPods: readonly Pod[] = [];

/** The API takes an empty selector for none. */
export function hasSelector({ spec }: Service): boolean {
  return spec.type !== "ExternalName" && spec.selector !== undefined && Object.keys(spec.selector).length > 0;
}

function sliced(
  service: Service,
  selected: readonly Pod[],
  list: readonly Node[],
  context: SliceContext,
  before: MadeSlices | undefined,
): MadeSlices {
  if (before?.service === service && before.nodes === list && sameItems(before.selected, selected)) return before;
  const made = slicesOf(service, selected, context);
  for (const slice of made.slices) setMaker(slice, service);
  return { service, selected, nodes: list, ...made };
}

export function sameItems(a: readonly unknown[], b: readonly unknown[]): boolean {
  return a === b || (a.length === b.length && a.every((item, index) => item === b[index]));
}

/** The pods of a namespace by label, so that 10,000 selectors do not each look at 150,000 pods. */
export interface PodIndex {
  readonly pods: readonly Pod[];
  select(selector: Readonly<Record<string, string>> | undefined): readonly Pod[];
}

function indexPods(
  pods: readonly Pod[],
  before: ReadonlyMap<string, PodIndex> | undefined,
): ReadonlyMap<string, PodIndex> {
  const byNamespace = groupBy(pods, ({ metadata }) => metadata.namespace);
  const indexes = new Map<string, PodIndex>();
  for (const [namespace, members] of byNamespace) {
    const known = before?.get(namespace);
    indexes.set(namespace, known !== undefined && sameItems(known.pods, members) ? known : indexOf(members));
  }
  return indexes;
}

function indexOf(pods: readonly Pod[]): PodIndex {
  let byLabel: Map<string, Pod[]> | undefined;
  const fill = (): Map<string, Pod[]> => {
    const filled = new Map<string, Pod[]>();
    for (const pod of pods) {
      for (const [key, value] of Object.entries(pod.metadata.labels)) append(filled, `${key}=${value}`, pod);
    }
    return filled;
  };
  return {
    pods,
    select(selector) {
      const labels = Object.entries(selector ?? {});
      if (labels.length === 0) return [];
      byLabel ??= fill();
      let smallest: readonly Pod[] | undefined;
      for (const [key, value] of labels) {
        const list = byLabel.get(`${key}=${value}`) ?? [];
        if (smallest === undefined || list.length < smallest.length) smallest = list;
      }
      return (smallest ?? []).filter((pod) => matchesLabels(selector ?? {}, pod.metadata.labels));
    },
  };
}
