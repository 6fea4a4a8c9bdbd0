import fc from "fast-check";
import { expect, test } from "vitest";
import type { ConfigMap, KubernetesObject } from "../../src/cluster/objects.ts";
import { type Store, type StoreDraft, carryLists, list, put, remove, storeOf } from "../../src/cluster/store.ts";

function configMap(namespace: string, name: string): ConfigMap {
  return { kind: "ConfigMap", metadata: { name, namespace, labels: {}, annotations: {} }, data: {} };
}

/** A copy of all containers, so that nothing is shared but what the store says is the same. */
function changed(store: Store, objects: readonly KubernetesObject[], edit: (draft: StoreDraft) => void): Store {
  const draft = storeOf(objects) as StoreDraft;
  edit(draft);
  for (const [kind, namespaces] of Object.entries(draft)) {
    for (const [namespace, buckets] of Object.entries(namespaces)) {
      for (const [name, bucket] of Object.entries(buckets)) {
        const old = store[kind as "ConfigMap"]?.[namespace]?.[name];
        const same = old !== undefined && JSON.stringify(old) === JSON.stringify(bucket);
        if (same && Object.keys(bucket).every((key) => old[key] === bucket[key])) buckets[name] = old;
      }
    }
  }
  return draft as Store;
}

const name = fc.tuple(
  fc.constantFrom("a", "b"),
  fc.integer({ min: 0, max: 40 }).map((number) => `object-${number}`),
);

test("lists that are carried over an edit are those of the new store", () => {
  fc.assert(
    fc.property(fc.uniqueArray(name, { selector: String }), fc.array(name), fc.array(name), (stored, puts, removes) => {
      const objects = stored.map(([namespace, own]) => configMap(namespace, own));
      const before = storeOf(objects);
      list(before, "ConfigMap");
      const after = changed(before, objects, (draft) => {
        for (const [namespace, own] of removes) remove(draft, configMap(namespace, own));
        for (const [namespace, own] of puts) put(draft, configMap(namespace, own));
      });
      carryLists(before, after);
      const carried = list(after, "ConfigMap");
      const all = Object.values(after.ConfigMap ?? {}).flatMap((shard) => Object.values(shard).flatMap(Object.values));
      expect(carried).toEqual(list(storeOf(all as ConfigMap[]), "ConfigMap"));
      expect(new Set(carried)).toEqual(new Set(all));
    }),
    { numRuns: 200 },
  );
});
