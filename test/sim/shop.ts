import type { InputOptions } from "../../src/scenario/input.ts";
import type { Trace } from "../../src/trace/records.ts";
import { inputOf, probe } from "./traces.ts";

export const pod = (name: string, spec = "containers: [{ name: c }]", rest = ""): string => `---
apiVersion: v1
kind: Pod
metadata: { name: ${name}, namespace: shop, labels: { app: ${name} } }
spec: { ${spec} }
${rest}
`;
const service = (name: string, spec: string): string => `---
apiVersion: v1
kind: Service
metadata: { name: ${name}, namespace: shop }
spec: { ${spec} }
`;

/** node-a: client, near; node-b: web. 10.244.0.77 and 10.244.1.77 are nobody's. */
const shop =
  pod("client", "nodeName: node-a, containers: [{ name: c }]") +
  pod("near", "nodeName: node-a, containers: [{ name: c, ports: [{ containerPort: 8080 }] }]") +
  pod(
    "web",
    "nodeName: node-b, containers: [{ name: c, ports: [{ containerPort: 8080 }] }]",
    "status: { podIP: 10.244.1.9 }",
  ) +
  service("web", "clusterIP: 10.96.10.10, selector: { app: web }, ports: [{ port: 80, targetPort: 8080 }]") +
  service("wrong", "selector: { app: web }, ports: [{ port: 80, targetPort: 8081 }]") +
  service("nobody", "selector: { app: none }, ports: [{ port: 80 }]") +
  service("away", "type: ExternalName, externalName: www.example.org");

/** A probe in the shop; `more` manifests may stand beside its own. */
export interface ShopProbe {
  readonly name?: string;
  readonly run: string;
  readonly from?: string;
  readonly more?: string;
  readonly options?: InputOptions;
}

export function run({ from = "shop/pod/client", run: command, more = "", options = {} }: ShopProbe): Trace {
  return probe(inputOf(shop + more, { namespace: "shop", ...options }), from, command);
}
