import fc from "fast-check";
import { expect, test } from "vitest";
import { benchNode, benchOptions, generatedObjects, generatedSlice } from "../../bench/kube-proxy-objects.ts";
import { createIptables } from "../../src/iptables/netns.ts";
import { printRuleset } from "../../src/iptables/print.ts";
import { applyToNamespace } from "../../src/iptables/proxier-apply.ts";
import { type IptablesProxierState, iptablesProxier } from "../../src/iptables/proxier.ts";
import { createIpvs } from "../../src/ipvs/netns.ts";
import { applyToNamespace as applyIpvs } from "../../src/ipvs/proxier-apply.ts";
import { formatDummyAddresses, formatSets, formatVirtualServers } from "../../src/ipvs/proxier-print.ts";
import { setName } from "../../src/ipvs/proxier-sets.ts";
import { type IpvsProxierState, dummyDevice, ipvsProxier } from "../../src/ipvs/proxier.ts";
import type { ProxyObjects } from "../../src/proxy/tracker.ts";
import { formatAddress } from "../../src/wire/address.ts";
import { emptyNamespace } from "./namespaces.ts";

/** One edit: a Service, or a slice, is removed, or the slice gets another number of endpoints. */
const edits = fc.array(
  fc.record({
    what: fc.constantFrom("service", "slice", "resize"),
    at: fc.nat({ max: 11 }),
    count: fc.nat({ max: 4 }),
  }),
  { maxLength: 8 },
);

type Edit = typeof edits extends fc.Arbitrary<(infer E)[]> ? E : never;

function edited(objects: ProxyObjects, { what, at, count }: Edit): ProxyObjects {
  const { services, endpointSlices } = objects;
  if (what === "service") return { ...objects, services: services.toSpliced(at, 1) };
  if (what === "slice") return { ...objects, endpointSlices: endpointSlices.toSpliced(at, 1) };
  const slice = endpointSlices[at];
  if (slice === undefined) return objects;
  const service = slice.metadata.labels["kubernetes.io/service-name"] ?? "";
  return { ...objects, endpointSlices: endpointSlices.with(at, generatedSlice(service, at * 10, count)) };
}

test("partial syncs leave the kernel as one full sync of the last state does", () => {
  fc.assert(
    fc.property(edits, (all) => {
      const rules = (steps: readonly ProxyObjects[]): string => {
        const namespace = emptyNamespace("node");
        const iptables = createIptables(namespace);
        let state: IptablesProxierState | undefined;
        for (const objects of steps) {
          const sync = iptablesProxier.sync(objects, benchNode, benchOptions, state);
          ({ state } = sync);
          applyToNamespace(sync.commands, namespace, iptables);
        }
        return printRuleset(iptables.ruleset("ipv4")).split("\n").sort().join("\n");
      };
      const steps = stepsOf(all);
      expect(rules(steps)).toBe(rules(steps.slice(-1)));
    }),
    { numRuns: 25 },
  );
});

test("IPVS: what the node holds is what the last state asks for", () => {
  fc.assert(
    fc.property(edits, (all) => {
      const namespace = emptyNamespace("node");
      const iptables = createIptables(namespace);
      const ipvs = createIpvs(namespace, iptables);
      let state: IpvsProxierState | undefined;
      const steps = stepsOf(all);
      for (const objects of steps) {
        const sync = ipvsProxier.sync(objects, benchNode, benchOptions, state);
        ({ state } = sync);
        applyIpvs(sync.commands, { namespace, iptables, ipvs });
      }
      const last = ipvsProxier.sync(steps.at(-1) as ProxyObjects, benchNode, benchOptions).state;
      for (const print of [formatDummyAddresses, (own: IpvsProxierState) => formatSets(own, "ipv4")]) {
        expect(print(state as IpvsProxierState)).toBe(print(last));
      }
      expect(formatVirtualServers(state as IpvsProxierState, "rr")).toBe(formatVirtualServers(last, "rr"));
      const bound = namespace.devices.get(dummyDevice)?.addresses.map((own) => formatAddress(own.address)) ?? [];
      expect(bound.sort()).toEqual([...last.addresses.keys()].sort());
      const servers = ipvs.table.services().reduce((count, service) => count + service.servers.length, 0);
      expect(servers).toBe([...last.services.values()].reduce((count, service) => count + service.servers.length, 0));
      for (const [id, members] of last.members) {
        expect([id, iptables.sets.get(setName(id, "ipv4"))?.size]).toEqual([id, members.size]);
      }
    }),
    { numRuns: 25 },
  );
});

function stepsOf(all: readonly Edit[]): ProxyObjects[] {
  const steps = [generatedObjects(12, 3)];
  for (const edit of all) steps.push(edited(steps.at(-1) as ProxyObjects, edit));
  return steps;
}

test("nodes share what does not depend on them: one set of rules for all, and each node its own for the policy Local", () => {
  const objects = generatedObjects(3, 2);
  const [first] = objects.services;
  if (first === undefined) throw new Error("no Service");
  const local = { ...first, spec: { ...first.spec, internalTrafficPolicy: "Local" as const } };
  const services = [local, ...objects.services.slice(1)];
  const rulesOn = (name: string): IptablesProxierState["rules"] =>
    iptablesProxier.sync({ ...objects, services }, { ...benchNode, name }, benchOptions).state.rules;
  const [a, b] = [rulesOn("node-000"), rulesOn("node-001")];
  expect(a.map((rules, index) => rules[0] === b[index]?.[0])).toEqual([false, true, true]);
  const endpointsOf = (rules: IptablesProxierState["rules"]): number =>
    rules[0]?.[0]?.chains.filter(({ name }) => name.startsWith("KUBE-SEP-")).length ?? 0;
  expect([endpointsOf(a), endpointsOf(b), endpointsOf(rulesOn("node-050"))]).toEqual([1, 1, 0]);
});
