import { describe, expect, test } from "vitest";
import { type Edit, applyEdit } from "../../src/cluster/edit.ts";
import type { ClusterState } from "../../src/cluster/reconcile.ts";
import type { Chain } from "../../src/iptables/rule.ts";
import type { NetworkNamespace } from "../../src/kernel/namespace.ts";
import type { Payload } from "../../src/wire/packet.ts";
import { formatConnection } from "../../src/kernel/conntrack/format.ts";
import { World } from "../../src/sim/world.ts";
import { address } from "../../src/wire/address.ts";
import { inputOf } from "../sim/traces.ts";

/*
 * What a running node does when the cluster changes: facts/kube-proxy.md, sections 2 (conntrack cleaning), 3.5
 * (partial sync) and 6.14 (established flows keep their endpoint).
 */

const pod = (name: string, node: string, ip: string, labels = ""): string => `
apiVersion: v1
kind: Pod
metadata: { name: ${name}, labels: { ${labels} } }
spec:
  nodeName: ${node}
  containers: [{ name: c, image: c, ports: [{ containerPort: 8080 }, { containerPort: 5353, protocol: UDP }] }]
status: { phase: Running, podIP: ${ip}, podIPs: [{ ip: ${ip} }] }
---`;

const manifests = `${pod("client", "node-a", "10.244.0.10")}${pod("web-0", "node-a", "10.244.0.20", "app: web")}${pod("web-1", "node-b", "10.244.1.20", "app: web, dns: 'yes'")}${pod("other-0", "node-b", "10.244.1.30", "app: other")}
apiVersion: v1
kind: Service
metadata: { name: web }
spec: { clusterIP: 10.96.0.30, selector: { app: web }, ports: [{ port: 80, targetPort: 8080 }] }
---
apiVersion: v1
kind: Service
metadata: { name: dns }
spec: { clusterIP: 10.96.0.53, selector: { dns: 'yes' }, ports: [{ port: 53, targetPort: 5353, protocol: UDP }] }
---
apiVersion: v1
kind: Service
metadata: { name: open }
spec:
  type: LoadBalancer
  clusterIP: 10.96.0.54
  externalIPs: [192.0.2.54]
  selector: { dns: 'yes' }
  ports: [{ port: 53, targetPort: 5353, protocol: UDP, nodePort: 30053 }]
status: { loadBalancer: { ingress: [{ ip: 192.0.2.55 }] } }
---
apiVersion: v1
kind: Service
metadata: { name: other }
spec: { clusterIP: 10.96.0.40, selector: { app: other }, ports: [{ port: 80, targetPort: 8080 }] }
`;

class Running {
  readonly world: World;
  #state: ClusterState;

  constructor(kubeVersion = "1.30") {
    const input = inputOf(manifests, { settings: { systemComponents: "none", kubeVersion } });
    this.#state = input.state;
    this.world = new World(input.cluster, { seed: 1, level: "step", listens: {}, namespace: "default" });
  }

  edit(edit: Edit): void {
    const { state, problems } = applyEdit(this.#state, edit);
    expect(problems.filter(({ severity }) => severity === "error")).toEqual([]);
    this.#state = state;
    this.world.update(state.cluster);
  }

  client(): NetworkNamespace {
    const own = this.world.cluster.pods.find(({ metadata }) => metadata.name === "client");
    if (own === undefined) throw new Error("no client");
    return this.world.namespaceOf({ kind: "pod", pod: own });
  }

  wait(): void {
    const { clock } = this.world;
    clock.run({ untilNanos: clock.nowNanos() + 100_000_000 });
  }

  /** Connections of node-a that were asked for at an address, as `conntrack -L` prints them. */
  tracked(destination: string): readonly string[] {
    const entries = this.world.node("node-a").host.conntrack.entries();
    return entries.map(formatConnection).filter((text) => text.includes(` dst=${destination} `));
  }
}

const ready = (name: string, isReady: boolean): Edit => ({
  kind: "set-ready",
  target: { kind: "Pod", namespace: "default", name },
  ready: isReady,
});
const hello: Payload = { kind: "bytes", length: 6, text: "hello" };

/** A datagram from the same port each time: to conntrack, one connection. */
function asked(running: Running, at = "10.96.0.53", port = 53): void {
  const { sockets } = running.client();
  const socket = sockets.openUdp(
    { address: address(at), port },
    {},
    { flowKey: "udp", process: "c", sourcePort: 4000 },
  );
  socket.send(hello);
  running.wait();
  socket.close();
}

describe("established connections", () => {
  test("a TCP connection keeps its endpoint when that is no longer one; the next one goes elsewhere", () => {
    const running = new Running();
    running.edit(ready("web-0", false));
    const answers: string[] = [];
    const dial = (): ReturnType<NetworkNamespace["sockets"]["connectTcp"]> =>
      running
        .client()
        .sockets.connectTcp(
          { address: address("10.96.0.30"), port: 80 },
          { received: (_, payload) => void answers.push(payload.kind === "bytes" ? (payload.text ?? "") : "") },
          { flowKey: `dial-${answers.length}`, process: "client" },
        );
    const first = dial();
    running.wait();
    first.send(hello);
    running.wait();
    running.edit(ready("web-0", true));
    running.edit(ready("web-1", false));
    first.send(hello);
    running.wait();
    const second = dial();
    running.wait();
    second.send(hello);
    running.wait();
    expect(answers).toEqual(["hello from default/web-1", "hello from default/web-1", "hello from default/web-0"]);
  });
});

describe("UDP entries", () => {
  test("those of an endpoint that is gone are deleted", () => {
    const running = new Running();
    asked(running);
    expect(running.tracked("10.96.0.53").length).toBe(1);
    running.edit({ kind: "delete", target: { kind: "Pod", namespace: "default", name: "web-1" } });
    expect(running.tracked("10.96.0.53")).toEqual([]);
  });

  // endpointschangetracker.go of 1.30 compares `ip:port` alone, whatever its own comment says of readiness.
  test("those of an endpoint that stays and serves no more are left", () => {
    const running = new Running();
    asked(running);
    running.edit(ready("web-1", false));
    expect(running.tracked("10.96.0.53").length).toBe(1);
  });

  test("those of other endpoints stay", () => {
    const running = new Running();
    asked(running);
    running.edit(ready("other-0", false));
    expect(running.tracked("10.96.0.53").length).toBe(1);
  });

  test("those of a deleted Service are deleted, TCP connections are not", () => {
    const running = new Running();
    asked(running);
    running
      .client()
      .sockets.connectTcp({ address: address("10.96.0.40"), port: 80 }, {}, { flowKey: "tcp", process: "c" });
    running.wait();
    for (const name of ["dns", "other"]) {
      running.edit({ kind: "delete", target: { kind: "Service", namespace: "default", name } });
    }
    expect(running.tracked("10.96.0.53")).toEqual([]);
    expect(running.tracked("10.96.0.40").length).toBe(1);
  });

  test("a client that was told nobody is there reaches the first endpoint that comes", () => {
    const running = new Running();
    running.edit(ready("web-1", false));
    asked(running);
    running.edit(ready("web-1", true));
    asked(running);
    expect(running.tracked("10.96.0.53").join()).toContain("src=10.244.1.20 ");
  });
});

/*
 * By every way in: pkg/proxy/conntrack/cleanup.go (deleteStaleServiceConntrackEntries, deleteStaleEndpointConntrackEntries).
 */
describe("UDP entries of nodePorts, external and load balancer addresses", () => {
  const node = "172.18.0.2";
  const ways = [
    { way: "a nodePort", at: node, port: 30_053 },
    { way: "an external IP", at: "192.0.2.54", port: 53 },
    { way: "a load balancer's IP", at: "192.0.2.55", port: 53 },
  ];
  const gone: Edit = { kind: "delete", target: { kind: "Pod", namespace: "default", name: "web-1" } };

  test.each(ways)("$way: gone with the endpoint", ({ at, port }) => {
    const running = new Running();
    asked(running, at, port);
    expect(running.tracked(at).join()).toContain("src=10.244.1.20 ");
    running.edit(gone);
    expect(running.tracked(at)).toEqual([]);
  });

  test.each(ways)("$way: who was refused reaches the first endpoint that comes", ({ at, port }) => {
    const running = new Running();
    running.edit(ready("web-1", false));
    asked(running, at, port);
    running.edit(ready("web-1", true));
    asked(running, at, port);
    expect(running.tracked(at).join()).toContain("src=10.244.1.20 ");
  });

  // Facts 2: with a nodePort kube-proxy asks conntrack for that port, and not for the cluster IP.
  test("those of the cluster IP stay where the port has a nodePort, too", () => {
    const running = new Running();
    asked(running, "10.96.0.54", 53);
    running.edit(gone);
    expect(running.tracked("10.96.0.54").length).toBe(1);
  });

  test("nobody deletes them on a node whose kube-proxy stands still", () => {
    const running = new Running();
    asked(running);
    running.world.node("node-a").stop("kube-proxy");
    running.edit(gone);
    expect(running.tracked("10.96.0.53").join()).toContain("src=10.244.1.20 ");
  });
});

/*
 * From 1.32 on: pkg/proxy/conntrack/cleanup.go (CleanStaleEntries); what changed in 1.37 and 1.38: kubernetes#139629
 * and kubernetes#141371.
 */
describe("UDP entries in later releases", () => {
  const target = (kind: "Pod" | "Service", name: string): { kind: typeof kind; namespace: string; name: string } => ({
    kind,
    namespace: "default",
    name,
  });
  const bring: Edit = {
    kind: "apply",
    objects: inputOf(`${pod("web-2", "node-a", "10.244.0.22", "dns: 'yes'")}`).cluster.pods.filter(
      ({ metadata }) => metadata.name === "web-2",
    ),
  };

  test.each<{
    readonly version: string;
    readonly what: string;
    readonly edits: readonly Edit[];
    readonly left: number;
  }>([
    { version: "1.31", what: "an endpoint that serves no more", edits: [bring, ready("web-1", false)], left: 1 },
    { version: "1.32", what: "an endpoint that serves no more", edits: [bring, ready("web-1", false)], left: 0 },
    {
      version: "1.36",
      what: "the last endpoint",
      edits: [{ kind: "delete", target: target("Pod", "web-1") }],
      left: 1,
    },
    {
      version: "1.37",
      what: "the last endpoint",
      edits: [{ kind: "delete", target: target("Pod", "web-1") }],
      left: 0,
    },
    {
      version: "1.37",
      what: "a deleted Service",
      edits: [{ kind: "delete", target: target("Service", "dns") }],
      left: 1,
    },
    {
      version: "1.38",
      what: "a deleted Service",
      edits: [{ kind: "delete", target: target("Service", "dns") }],
      left: 0,
    },
  ])("$version: $left of $what", ({ version, edits, left }) => {
    const running = new Running(version);
    asked(running);
    expect(running.tracked("10.96.0.53").length).toBe(1);
    for (const edit of edits) running.edit(edit);
    expect(running.tracked("10.96.0.53").length).toBe(left);
  });
});

test("an EndpointSlice update rewrites the chains of its own Service and the shared ones", () => {
  const running = new Running();
  const chains = (): ReadonlyMap<string, Chain> =>
    running.world.node("node-a").iptables.ruleset("ipv4").tables.get("nat")?.chains ?? new Map<string, Chain>();
  const before = new Map(chains());
  running.edit(ready("web-0", false));
  const after = chains();
  const rewritten = [...after.keys()].filter((name) => before.get(name) !== after.get(name));
  const owners = (chain: Chain | undefined): readonly string[] =>
    (chain?.rules ?? []).map(({ owner }) => owner?.name ?? "").filter((name) => name !== "kube-proxy");
  const own = rewritten.filter((name) => /^KUBE-S(VC|EP)-/.test(name));
  expect(own.length).toBe(2);
  for (const name of own) for (const owner of owners(after.get(name))) expect(owner).toMatch(/^web/);
  const shared = ["KUBE-MARK-MASQ", "KUBE-NODEPORTS", "KUBE-POSTROUTING", "KUBE-SERVICES"];
  expect(rewritten.filter((name) => !own.includes(name)).toSorted()).toEqual(shared);
  expect([...before.keys()].filter((name) => !after.has(name)).length).toBe(1);
});
