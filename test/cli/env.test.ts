import { mkdtempSync, rmSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { afterAll, expect, test } from "vitest";
import { kubehop } from "./kubehop.ts";

/*
 * Names and values: kubernetes.io/docs/concepts/services-networking/service (environment variables, the example
 * redis-primary) and pkg/kubelet/envvars/envvars.go, whose order it is.
 */

const folder = mkdtempSync(join(tmpdir(), "kubehop-"));
afterAll(() => rmSync(folder, { recursive: true }));

const manifests = `apiVersion: v1
kind: Pod
metadata: { name: client, namespace: shop }
spec: { containers: [{ name: c, image: c }] }
---
apiVersion: v1
kind: Service
metadata: { name: redis-primary, namespace: shop }
spec: { clusterIP: 10.96.0.11, ports: [{ port: 6379 }] }
---
apiVersion: v1
kind: Service
metadata: { name: elsewhere, namespace: other }
spec: { clusterIP: 10.96.0.12, ports: [{ port: 80 }] }
`;
const file = join(folder, "shop.yaml");
writeFileSync(file, manifests);

function env(from: string, ...flags: readonly string[]): ReturnType<typeof kubehop> {
  return kubehop("env", "-f", file, "-n", "shop", "--from", from, ...flags);
}

test("kubehop env prints a pod's variables as env(1) does, by the Services' names", async () => {
  const { code, out } = await env("pod/client");
  expect(code).toBe(0);
  expect(out.split("\n").map((line) => line.replace(/^(KUBERNETES_\w+)=.*/, "$1"))).toEqual([
    "KUBERNETES_SERVICE_HOST",
    "KUBERNETES_SERVICE_PORT",
    "KUBERNETES_SERVICE_PORT_HTTPS",
    "KUBERNETES_PORT",
    "KUBERNETES_PORT_443_TCP",
    "KUBERNETES_PORT_443_TCP_PROTO",
    "KUBERNETES_PORT_443_TCP_PORT",
    "KUBERNETES_PORT_443_TCP_ADDR",
    "REDIS_PRIMARY_SERVICE_HOST=10.96.0.11",
    "REDIS_PRIMARY_SERVICE_PORT=6379",
    "REDIS_PRIMARY_PORT=tcp://10.96.0.11:6379",
    "REDIS_PRIMARY_PORT_6379_TCP=tcp://10.96.0.11:6379",
    "REDIS_PRIMARY_PORT_6379_TCP_PROTO=tcp",
    "REDIS_PRIMARY_PORT_6379_TCP_PORT=6379",
    "REDIS_PRIMARY_PORT_6379_TCP_ADDR=10.96.0.11",
    "",
  ]);
});

test("-o json is one object", async () => {
  const { out } = await env("shop/pod/client", "-o", "json");
  expect(JSON.parse(out)).toMatchObject({ REDIS_PRIMARY_SERVICE_HOST: "10.96.0.11" });
});

test.each([
  ["node/node-a", "BAD_WHO"],
  ["pod/nobody", "NO_SUCH_SENDER"],
])("%s has none: %s", async (from, problem) => {
  const { code, out, notes } = await env(from);
  expect({ code, out }).toEqual({ code: 2, out: "" });
  expect(notes).toContain(`error ${problem}`);
});
