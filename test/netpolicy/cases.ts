import { existsSync, readFileSync, readdirSync } from "node:fs";
import { join } from "node:path";
import { parseAllDocuments } from "yaml";
import type {
  LabelSelector,
  Namespace,
  NetworkPolicy,
  NetworkPolicyPeer,
  NetworkPolicyPort,
  NetworkPolicyRule,
  ObjectMeta,
  Pod,
  Protocol,
} from "../../src/cluster/objects.ts";
import type { PortRange } from "../../src/netpolicy/ports.ts";
import type { PolicyView } from "../../src/netpolicy/view.ts";

/** One row of a case: what the referee says of a pair. */
export interface Row {
  readonly src: string;
  readonly dst: string;
  readonly proto: Protocol | "ANY";
  /** `80` or `1-8049,8051-65535`. */
  readonly ports: string;
  readonly allowed: boolean;
  readonly loopback?: boolean;
}

export interface Case {
  readonly case: { readonly name: string; readonly policy_kinds?: readonly string[] };
  readonly manifests: Readonly<Record<string, string>>;
  readonly expect: readonly Row[];
}

/** The cases of a folder; none where it is absent, which KUBEHOP_REQUIRE=all turns into a failure. */
export function casesOf(folder: string): readonly Case[] {
  const path = join(import.meta.dirname, "../..", folder);
  if (!existsSync(path)) {
    if (process.env["KUBEHOP_REQUIRE"] === "all") throw new Error(`${folder} is absent`);
    console.warn(`skipped: ${folder} is absent`);
    return [];
  }
  const files = readdirSync(path).filter((file) => file.endsWith(".json"));
  return files.sort().map((file) => JSON.parse(readFileSync(join(path, file), "utf8")) as Case);
}

/** `80,1000-2000` as ranges. */
export function rangesIn(text: string): readonly PortRange[] {
  return text.split(",").map((part) => {
    const [first, last = first] = part.split("-").map(Number) as [number, number?];
    return { first, last };
  });
}

type Json = Readonly<Record<string, unknown>>;
const list = (value: unknown): readonly Json[] => (value ?? []) as readonly Json[];

/** A case as the view that policies work on, with its pods by id: `ns/name`, or `ns/owner[Kind]` for `workloads`. */
export function viewOf({ manifests }: Case): { view: PolicyView; ids: Map<string, readonly Pod[]> } {
  const objects = Object.values(manifests)
    .flatMap((text) => parseAllDocuments(text).map((document) => document.toJS({ maxAliasCount: 1000 }) as Json))
    .filter((object) => object !== null)
    .flatMap((object) => (object["items"] === undefined ? [object] : list(object["items"])));
  const ids = new Map<string, readonly Pod[]>();
  const namespaces: Namespace[] = [];
  const networkPolicies: NetworkPolicy[] = [];
  for (const object of objects) {
    const meta = object["metadata"] as Json;
    const spec = object["spec"] as Json;
    if (object["kind"] === "Namespace") namespaces.push({ kind: "Namespace", metadata: metadataOf(meta) });
    else if (object["kind"] === "NetworkPolicy") networkPolicies.push(policyOf(meta, spec));
    else if (object["kind"] === "Pod") {
      // A static pod is owned by its Node: netpol-analyzer calls it by its own name.
      const owner = list(meta["ownerReferences"]).find((reference) => reference["kind"] !== "Node");
      const pod = podOf(meta, spec, object["status"] as Json | undefined);
      const { namespace, name } = pod.metadata;
      const keys = [`${namespace}/${name}`, `${namespace}/${owner?.["name"] ?? name}[${owner?.["kind"] ?? "Pod"}]`];
      for (const key of keys) ids.set(key, [...(ids.get(key) ?? []), pod]);
    } else {
      const template = (((spec?.["jobTemplate"] as Json | undefined)?.["spec"] as Json | undefined) ?? spec)?.[
        "template"
      ] as Json | undefined;
      if (template === undefined) continue;
      const owned = { ...(template["metadata"] as Json | undefined), namespace: meta["namespace"] };
      const pods = [0, 1].map((n) => podOf({ ...owned, name: `${meta["name"]}-${n}` }, template["spec"] as Json));
      ids.set(`${meta["namespace"] ?? "default"}/${meta["name"]}[${object["kind"]}]`, pods);
    }
  }
  const pods = [...new Set([...ids.values()].flat())];
  return { view: { nodes: [], namespaces, networkPolicies, pods }, ids };
}

function metadataOf(meta: Json): ObjectMeta {
  return {
    name: meta["name"] as string,
    namespace: (meta["namespace"] as string | undefined) ?? "default",
    labels: (meta["labels"] as Record<string, string> | undefined) ?? {},
    annotations: {},
  };
}

function podOf(meta: Json, spec: Json, status?: Json): Pod {
  const containers = list(spec["containers"]).map((container) => ({
    name: container["name"] as string,
    image: "",
    probes: [],
    ports: list(container["ports"]).map((port) => ({
      ...(port["name"] !== undefined && { name: port["name"] as string }),
      containerPort: port["containerPort"] as number,
      protocol: (port["protocol"] ?? "TCP") as Protocol,
    })),
  }));
  const address = status?.["podIP"] as string | undefined;
  return {
    kind: "Pod",
    metadata: metadataOf(meta),
    spec: { hostNetwork: false, dnsPolicy: "ClusterFirst", containers, nodeName: "node" },
    status: { phase: "Running", podIPs: address === undefined ? [] : [address], ready: true },
  };
}

function policyOf(meta: Json, spec: Json): NetworkPolicy {
  const types = spec["policyTypes"] as readonly ("Ingress" | "Egress")[] | undefined;
  const egress = list(spec["egress"]).map((rule) => ruleOf(rule, "to"));
  return {
    kind: "NetworkPolicy",
    metadata: metadataOf(meta),
    spec: {
      podSelector: selectorOf(spec["podSelector"] as Json),
      policyTypes: types?.length ? types : egress.length > 0 ? ["Ingress", "Egress"] : ["Ingress"],
      ingress: list(spec["ingress"]).map((rule) => ruleOf(rule, "from")),
      egress,
    },
  };
}

function ruleOf(rule: Json, key: "from" | "to"): NetworkPolicyRule {
  return {
    peers: list(rule?.[key]).map(peerOf),
    ports: list(rule?.["ports"]).map((port): NetworkPolicyPort => ({
      ...port,
      protocol: (port["protocol"] ?? "TCP") as Protocol,
    })),
  };
}

function peerOf(peer: Json): NetworkPolicyPeer {
  const block = peer["ipBlock"] as { cidr: string; except?: readonly string[] } | undefined;
  return {
    ...(peer["podSelector"] !== undefined && { podSelector: selectorOf(peer["podSelector"] as Json) }),
    ...(peer["namespaceSelector"] !== undefined && {
      namespaceSelector: selectorOf(peer["namespaceSelector"] as Json),
    }),
    ...(block && { ipBlock: { cidr: block.cidr, except: block.except ?? [] } }),
  };
}

function selectorOf(selector: Json | null): LabelSelector {
  return {
    matchLabels: (selector?.["matchLabels"] as Record<string, string> | undefined) ?? {},
    matchExpressions: list(selector?.["matchExpressions"]).map((expression) => ({
      key: expression["key"] as string,
      operator: expression["operator"] as "In",
      values: (expression["values"] as readonly string[] | undefined) ?? [],
    })),
  };
}
