import type { CompletionContext, CompletionResult } from "@codemirror/autocomplete";
import schema from "../../../schema/scenario.json";

/** Kinds that are read, and the fields of theirs that decide where packets go. */
const kinds = ["Pod", "Service", "EndpointSlice", "NetworkPolicy", "Node", "Namespace", "ConfigMap", "Deployment"];
const moreKinds = ["ReplicaSet", "StatefulSet", "DaemonSet", "Job", "CronJob"];
const fields =
  "apiVersion kind metadata name namespace labels annotations spec status selector ports port targetPort nodePort protocol type clusterIP externalIPs externalTrafficPolicy internalTrafficPolicy sessionAffinity nodeName hostNetwork containers containerPort hostPort dnsPolicy dnsConfig podSelector namespaceSelector matchLabels matchExpressions policyTypes ingress egress from to ipBlock cidr except endPort replicas template podIPs podCIDR addressType endpoints addresses conditions ready";

const keys = new Set([...fields.split(" "), ...schemaKeys(schema)]);

/** Every property that a JSON Schema names. */
function schemaKeys(node: unknown): string[] {
  if (typeof node !== "object" || node === null) return [];
  return Object.entries(node).flatMap(([name, value]) => [
    ...(name === "properties" && typeof value === "object" && value !== null ? Object.keys(value) : []),
    ...schemaKeys(value),
  ]);
}

/** Keys at the start of an entry, kinds after `kind:`. */
export function complete(context: CompletionContext): CompletionResult | null {
  const word = context.matchBefore(/[\w-]+/);
  if (word === null && !context.explicit) return null;
  const from = word?.from ?? context.pos;
  const before = context.state.doc.lineAt(from).text.slice(0, from - context.state.doc.lineAt(from).from);
  if (/\bkind:\s*$/.test(before))
    return { from, options: [...kinds, ...moreKinds].map((label) => ({ label, type: "class" })) };
  if (!/^[\s-]*$|[{,]\s*$/.test(before)) return null;
  return { from, options: [...keys].map((label) => ({ label, type: "property", apply: `${label}: ` })) };
}
