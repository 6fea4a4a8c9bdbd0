import { expect, test } from "vitest";
import type { Service } from "../../src/cluster/objects.ts";
import { servicePorts } from "../../src/proxy/service-port.ts";
import { clusterOf } from "../cluster/build-from.ts";

// Expectations: counted in the text.
const text = `apiVersion: v1
kind: Service
metadata: { name: web, namespace: shop }
spec:
  selector: { app: web }
  ports:
    - name: http
      port: 80
    - { name: admin, port: 9000 }
`;

test("a rule names the line of the very port it serves", () => {
  const cluster = clusterOf(text);
  const web = cluster.services.find(({ metadata }) => metadata.name === "web") as Service;
  const ports = servicePorts(web, "ipv4", cluster.ownerOf);
  expect(ports.map(({ owner }) => `${owner.detail} ${owner.origin?.line}:${owner.origin?.column}`)).toEqual([
    "port admin 9:7",
    "port http 7:7",
  ]);
});
