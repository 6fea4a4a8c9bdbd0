import type { KubernetesObject } from "./objects.ts";
import { compareText } from "./problem.ts";

export type Kind = KubernetesObject["kind"];
type Bucket = Readonly<Record<string, KubernetesObject>>;
type NamespaceShard = Readonly<Record<string, Bucket>>;

/**
 * The input's objects by kind, namespace, a bucket of the name's hash, and name: an edit copies the containers on its
 * way only, and none of them has more than a few hundred keys even with 10,000 Services in one namespace.
 */
export type Store = Readonly<Partial<Record<Kind, Readonly<Record<string, NamespaceShard>>>>>;

/** The draft form, for immer and for the first filling. */
export type StoreDraft = Partial<Record<Kind, Record<string, Record<string, Record<string, KubernetesObject>>>>>;

const bucketCount = 128;

function bucketOf(name: string): string {
  let hash = 0;
  for (let i = 0; i < name.length; i++) hash = (Math.imul(hash, 31) + name.charCodeAt(i)) >>> 0;
  return String(hash % bucketCount);
}

/** Unmodelled objects of several kinds share one shelf. */
function storedName(object: KubernetesObject): string {
  return object.kind === "Unmodelled" ? `${object.apiKind}/${object.metadata.name}` : object.metadata.name;
}

export function put(store: StoreDraft, object: KubernetesObject): void {
  const name = storedName(object);
  const namespaces = (store[object.kind] ??= {});
  const buckets = (namespaces[object.metadata.namespace] ??= {});
  const bucket = (buckets[bucketOf(name)] ??= {});
  bucket[name] = object;
}

export function remove(store: StoreDraft, object: KubernetesObject): void {
  const name = storedName(object);
  const bucket = store[object.kind]?.[object.metadata.namespace]?.[bucketOf(name)];
  if (bucket !== undefined) delete bucket[name];
}

export function find<K extends Kind>(
  store: Store,
  kind: K,
  namespace: string,
  name: string,
): Extract<KubernetesObject, { kind: K }> | undefined {
  const namespaces = store[kind];
  const shard = namespaces !== undefined && Object.hasOwn(namespaces, namespace) ? namespaces[namespace] : undefined;
  const bucket = shard?.[bucketOf(name)];
  if (bucket === undefined || !Object.hasOwn(bucket, name)) return undefined;
  return bucket[name] as Extract<KubernetesObject, { kind: K }>;
}

export function storeOf(objects: Iterable<KubernetesObject>): Store {
  const store: StoreDraft = {};
  for (const object of objects) put(store, object);
  return store;
}

const listed = new WeakMap<object, readonly KubernetesObject[]>();
const nothing: readonly never[] = [];

/** All objects of a kind by namespace and name. The same list as long as none of the kind changes. */
export function list<K extends Kind>(store: Store, kind: K): readonly Extract<KubernetesObject, { kind: K }>[] {
  const shards: Readonly<Record<string, NamespaceShard>> | undefined = store[kind];
  if (shards === undefined) return nothing;
  let objects = listed.get(shards);
  if (objects === undefined) {
    const namespaces = Object.entries(shards).toSorted(([a], [b]) => compareText(a, b));
    objects = namespaces.flatMap(([, shard]) => listShard(shard));
    listed.set(shards, objects);
  }
  return objects as readonly Extract<KubernetesObject, { kind: K }>[];
}

/**
 * Works out the lists of a store from those of the one that it was made of, where these were asked for: of 10,000
 * objects in order one edit moves a few.
 */
export function carryLists(before: Store, after: Store): void {
  for (const kind of Object.keys(after) as Kind[]) {
    const [old, next] = [before[kind], after[kind]];
    if (old === undefined || next === undefined || old === next) continue;
    for (const [namespace, shard] of Object.entries(next)) {
      const oldShard = Object.hasOwn(old, namespace) ? old[namespace] : undefined;
      const oldList = oldShard && listed.get(oldShard);
      if (oldShard === undefined || oldList === undefined || oldShard === shard || listed.has(shard)) continue;
      listed.set(shard, editedList(oldList, oldShard, shard));
    }
  }
}

function editedList(
  list: readonly KubernetesObject[],
  before: NamespaceShard,
  after: NamespaceShard,
): readonly KubernetesObject[] {
  const edited = list.slice();
  for (const name of new Set([...Object.keys(before), ...Object.keys(after)])) {
    const [old, next] = [before[name] ?? {}, after[name] ?? {}];
    if (old === next) continue;
    const kept = new Set(Object.values(next));
    for (const object of Object.values(old)) if (!kept.has(object)) edited.splice(edited.indexOf(object), 1);
    const known = new Set(Object.values(old));
    for (const object of kept) if (!known.has(object)) edited.splice(placeOf(edited, object), 0, object);
  }
  return edited;
}

/** Where an object belongs: before the first whose name is greater. */
function placeOf(list: readonly KubernetesObject[], { metadata: { name } }: KubernetesObject): number {
  let low = 0;
  let high = list.length;
  while (low < high) {
    const middle = (low + high) >> 1;
    if (compareText((list[middle] as KubernetesObject).metadata.name, name) > 0) high = middle;
    else low = middle + 1;
  }
  return low;
}

function listShard(shard: NamespaceShard): readonly KubernetesObject[] {
  let objects = listed.get(shard);
  if (objects === undefined) {
    objects = Object.values(shard)
      .flatMap((bucket) => Object.values(bucket))
      .toSorted((a, b) => compareText(a.metadata.name, b.metadata.name));
    listed.set(shard, objects);
  }
  return objects;
}
