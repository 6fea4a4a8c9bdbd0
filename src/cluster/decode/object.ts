import { type Place, originAt, setPlace } from "../load/origin.ts";
import type { KubernetesObject, UnmodelledObject } from "../objects.ts";
import type { ProblemList } from "../problem.ts";
import { readEndpointSlice, readEndpoints } from "./endpoints.ts";
import { type ReadKind, judgeKind } from "./kinds.ts";
import { readLooseMeta } from "./meta.ts";
import { nearest } from "./nearest.ts";
import { readConfigMap, readNamespace, readNode } from "./node.ts";
import { readPod } from "./pod.ts";
import { readNetworkPolicy } from "./policy.ts";
import { Reader, isMapping } from "./reader.ts";
import { readService } from "./service.ts";
import { readWorkload } from "./workload.ts";

/** ConfigMaps that components of the network read; the others are applications' own. */
const networkConfigMaps: ReadonlySet<string> = new Set([
  "coredns",
  "coredns-custom",
  "kube-dns",
  "kube-proxy",
  "node-local-dns",
]);

export interface Decoding {
  readonly problems: ProblemList;
  /** Kinds that were left out, with how often. */
  readonly ignored: Map<string, number>;
  /** The namespace of objects that state none. */
  readonly namespace: string;
  readonly lenient: boolean;
  /** Objects as the API server hands them out: what is absent was not given a default. */
  readonly isAsGiven: boolean;
}

/** Makes a typed object of a parsed one: checked and defaulted as the API server does. Undefined for what is left out. */
export function decodeObject(
  value: unknown,
  place: Place | undefined,
  decoding: Decoding,
): KubernetesObject | undefined {
  const { problems, namespace } = decoding;
  if (!isMapping(value) || typeof value["kind"] !== "string" || typeof value["apiVersion"] !== "string") {
    const lack = !isMapping(value)
      ? "this is no mapping"
      : typeof value["kind"] === "string"
        ? "apiVersion is missing"
        : "kind is missing";
    problems.add("NOT_AN_OBJECT", `not a Kubernetes object: ${lack}`, place ? { origin: originAt(place) } : {});
    return undefined;
  }
  const { kind, apiVersion } = value as { readonly kind: string; readonly apiVersion: string };
  const metadata = isMapping(value["metadata"]) ? value["metadata"] : {};
  const inNamespace = typeof metadata["namespace"] === "string" ? metadata["namespace"] : namespace;
  const name = typeof metadata["name"] === "string" ? metadata["name"] : "(no name)";
  const object = kind === "Node" || kind === "Namespace" ? `${kind} ${name}` : `${kind} ${inNamespace}/${name}`;
  const reader = new Reader(value, { problems, place, object, isAsGiven: decoding.isAsGiven });
  const verdict = judgeKind(apiVersion, kind);
  let decoded: KubernetesObject | undefined;
  switch (verdict.is) {
    case "read":
      decoded = read(reader, verdict.kind, namespace);
      break;
    case "unmodelled":
      decoded = unmodelled(reader, kind);
      break;
    case "ignored":
      break;
    case "wrong-version":
      reader.report(
        "BAD_API_VERSION",
        "apiVersion",
        `${kind} is not in ${apiVersion}`,
        `Write apiVersion: ${verdict.wanted}.`,
      );
      return undefined;
    case "misspelt": {
      const near = nearest(kind, verdict.candidates);
      if (near === undefined) break;
      reader.report("UNKNOWN_KIND", "kind", `${apiVersion} has no kind ${kind}`, `Did you mean ${near}?`);
      return undefined;
    }
  }
  if (decoded === undefined) decoding.ignored.set(kind, (decoding.ignored.get(kind) ?? 0) + 1);
  else if (place !== undefined) setPlace(decoded, place);
  return decoded;
}

function read(reader: Reader, kind: ReadKind, namespace: string): KubernetesObject | undefined {
  switch (kind) {
    case "Node":
      return readNode(reader);
    case "Namespace":
      return readNamespace(reader);
    case "Pod":
      return readPod(reader, namespace);
    case "Service":
      return readService(reader, namespace);
    case "EndpointSlice":
      return readEndpointSlice(reader, namespace);
    case "Endpoints":
      return readEndpoints(reader, namespace);
    case "NetworkPolicy":
      return readNetworkPolicy(reader, namespace);
    case "ConfigMap": {
      const { name } = readLooseMeta(reader);
      return networkConfigMaps.has(name) ? readConfigMap(reader, namespace) : undefined;
    }
    case "List":
      // A List's items were given one by one; what is left is a list without any.
      return undefined;
    case "Deployment":
    case "ReplicaSet":
    case "StatefulSet":
    case "DaemonSet":
    case "ReplicationController":
    case "Job":
    case "CronJob":
      return readWorkload(reader, kind, namespace);
  }
}

function unmodelled(reader: Reader, apiKind: string): UnmodelledObject {
  const mentions = new Set<string>();
  gatherNames(reader.raw["spec"], mentions, 0);
  return { kind: "Unmodelled", apiKind, metadata: readLooseMeta(reader), mentions: [...mentions] };
}

/** The names of Services and the like that an object refers to: `name`, `serviceName`, `host` and `namespace` anywhere in its spec. */
function gatherNames(value: unknown, names: Set<string>, depth: number): void {
  if (typeof value !== "object" || value === null || depth > 12) return;
  for (const [key, inner] of Object.entries(value)) {
    if (typeof inner === "string" && /^(name|serviceName|host|hostname|namespace)$/.test(key)) names.add(inner);
    else gatherNames(inner, names, depth + 1);
  }
}
