import { mkdtempSync, readFileSync, rmSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { describe, expect, test } from "vitest";
import { parse } from "yaml";
import type { Trace } from "../../src/trace/records.ts";
import { kubehop, root } from "./kubehop.ts";

/*
 * A dump of a running cluster as kubectl prints it, traced as it stands. Expectations: the addresses, nodes and names
 * that the dump states.
 */

const file = join(root, "test/cli/fixtures/dump.yaml");

async function trace(from: string, ...words: readonly string[]): Promise<Trace> {
  const { out, notes } = await kubehop("trace", "-f", file, "-o", "json", "--from", from, ...words);
  expect(notes).toBe("");
  return JSON.parse(out) as Trace;
}

/** The namespaces that the first packet of a protocol passed. */
function wayOf({ flows }: Trace, protocol: string): readonly string[] {
  const flow = flows.find((one) => one.protocol === protocol);
  return flow?.packets[0]?.hops.map(({ namespace }) => namespace) ?? [];
}

describe("a dump of a running cluster", () => {
  test("is traced through its own Service, slice and pods", async () => {
    const seen = await trace("shop/pod/homeless", "curl", "http://web");
    expect(seen).toMatchObject({ outcome: "answered", answeredBy: "shop/web-6f5d8c7b9-x7v4c" });
    const tcp = seen.flows.find(({ protocol }) => protocol === "tcp");
    expect(tcp).toMatchObject({ from: expect.stringMatching(/^10\.200\.0\.91:/), to: "10.97.42.42:80" });
    const last = tcp?.packets[0]?.hops.at(-1);
    expect(last).toMatchObject({ node: "worker", packet: { dst: "10.200.1.23", dstPort: 8080 } });
    const text = JSON.stringify(seen);
    for (const stated of ["10.97.0.10", "10.200.0.44", "10.0.7.11", "10.0.7.12", "kube-dns-q7w2l", "web-5hj6t"]) {
      expect(text).toContain(stated);
    }
  });

  test("nothing that it does not hold is made, but for what is assumed aloud", async () => {
    const seen = await trace("shop/pod/homeless", "curl", "http://web");
    const assumed = seen.assumptions.map(({ id }) => id);
    expect(assumed).toEqual(expect.arrayContaining(["from-cluster", "corefile"]));
    for (const made of ["nodes", "dns", "pod-addresses", "cluster-ips", "endpoint-slices"]) {
      expect(assumed).not.toContain(made);
    }
  });

  test("a pod without a node is on the one whose podCIDR holds its address", async () => {
    const seen = await trace("shop/pod/homeless", "ping", "10.200.0.44");
    expect(wayOf(seen, "icmp")).toEqual(["shop/homeless", "cp", "kube-system/coredns-7db6d8ff4d-8k2xz"]);
  });

  test("an address outside every CIDR has a route of its own, on its node and on the others", async () => {
    for (const [from, way] of [
      ["shop/deploy/web", ["shop/web-6f5d8c7b9-x7v4c", "worker", "shop/stray"]],
      ["shop/pod/homeless", ["shop/homeless", "cp", "(switch)", "worker", "shop/stray"]],
    ] as const) {
      const seen = await trace(from, "tcp", "192.168.77.9:9000");
      expect(seen).toMatchObject({ outcome: "answered", answeredBy: "shop/stray" });
      expect(wayOf(seen, "tcp")).toEqual(way);
    }
    const routes = await kubehop("rules", "-f", file, "--node", "cp", "-o", "ip");
    expect(routes.out).toContain("192.168.77.9 via 10.0.7.12 dev eth0");
    expect(await trace("shop/pod/stray", "curl", "http://web")).toMatchObject({ outcome: "answered" });
  });

  test("a pod that has ended sends nothing", async () => {
    const run = await kubehop("trace", "-f", file, "--from", "shop/pod/done-7xk2p", "curl", "http://web");
    expect(run).toMatchObject({ code: 2, out: "" });
    expect(run.notes).toContain("pod shop/done-7xk2p does not run: its phase is Succeeded");
  });

  test("the names of ReplicaSets tell the Deployments", async () => {
    expect(await trace("shop/deploy/web", "dig", "kubernetes.default.svc.cluster.local")).toMatchObject({
      outcome: "answered",
      message: expect.stringMatching(/IN A 10\.97\.0\.1$/),
    });
  });

  test("as JSON it is the same cluster", async () => {
    const folder = mkdtempSync(join(tmpdir(), "kubehop-"));
    const json = join(folder, "dump.json");
    writeFileSync(json, JSON.stringify(parse(readFileSync(file, "utf8"))));
    try {
      const args = ["--from", "shop/deploy/web", "--expect", "answered", "curl", "http://web"] as const;
      const [a, b] = [await kubehop("trace", "-f", json, ...args), await kubehop("trace", "-f", file, ...args)];
      expect([a.code, b.code]).toEqual([0, 0]);
      const bare = (text: string): string => text.replaceAll(/ {2}\S+dump\.(?:yaml|json):\d+/g, "");
      expect(bare(a.out)).toBe(bare(b.out));
    } finally {
      rmSync(folder, { recursive: true });
    }
  });
});
