import { existsSync, readFileSync, readdirSync } from "node:fs";
import { join } from "node:path";
import { loadManifests } from "../../src/cluster/load/load.ts";
import type { Pod, Protocol, Workload } from "../../src/cluster/objects.ts";
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

/** A case as the view that policies work on, with its pods by id: `ns/name`, and `ns/owner[Kind]` of their workload. */
export function viewOf(one: Case): { view: PolicyView; ids: Map<string, readonly Pod[]> } {
  // A CronJob of before Kubernetes 1.25 is one all the same.
  const sources = Object.entries(one.manifests).map(([name, text]) => ({
    name,
    text: text.replaceAll("batch/v1beta1", "batch/v1"),
  }));
  // Other projects' manifests: some hold what the API server would refuse.
  const { objects } = loadManifests(sources, { lenient: true });
  const ids = new Map<string, readonly Pod[]>();
  for (const object of objects) {
    const { namespace, name } = object.metadata;
    if (object.kind === "Pod") {
      // A static pod is owned by its Node: netpol-analyzer calls it by its own name.
      const owner = object.metadata.ownerReferences?.find(({ kind }) => kind !== "Node");
      for (const id of [`${namespace}/${name}`, `${namespace}/${owner?.name ?? name}[${owner?.kind ?? "Pod"}]`]) {
        ids.set(id, [...(ids.get(id) ?? []), onNode(object)]);
      }
    } else if ("spec" in object && "template" in object.spec) {
      ids.set(
        `${namespace}/${name}[${object.kind}]`,
        [0, 1].map((ordinal) => podOf(object as Workload, ordinal)),
      );
    }
  }
  return {
    view: {
      nodes: [],
      namespaces: objects.filter((object) => object.kind === "Namespace"),
      networkPolicies: objects.filter((object) => object.kind === "NetworkPolicy"),
      pods: [...new Set([...ids.values()].flat())],
    },
    ids,
  };
}

/** All pods run on one node; netpol-analyzer takes pods of the host's network for ordinary ones. */
function onNode(pod: Pod): Pod {
  return { ...pod, spec: { ...pod.spec, nodeName: "node", hostNetwork: false } };
}

function podOf({ metadata: { namespace, name }, spec: { template } }: Workload, ordinal: number): Pod {
  return onNode({
    kind: "Pod",
    metadata: { ...template.metadata, namespace, name: `${name}-${ordinal}` },
    spec: template.spec,
    status: { phase: "Running", podIPs: [], ready: true },
  });
}
