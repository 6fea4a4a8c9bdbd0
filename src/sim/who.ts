import type { Cluster } from "../cluster/cluster.ts";
import type { KubernetesObject, Node, Pod, WorkloadKind } from "../cluster/objects.ts";
import { type Address, familyOf, isLoopback, isMulticast, parseAddress, unspecified } from "../wire/address.ts";
import { type Cidr, contains, formatCidr, parseCidr } from "../wire/cidr.ts";
import { planUnderlay } from "./underlay.ts";

/** Who sends a probe. */
export type Who =
  | { readonly kind: "pod"; readonly pod: Pod }
  | { readonly kind: "node"; readonly node: Node }
  | { readonly kind: "external"; readonly address: Address | undefined };

export interface WhoProblem {
  readonly code: "BAD_WHO" | "NO_SUCH_SENDER";
  readonly message: string;
}

const workloadKinds: Readonly<Record<string, WorkloadKind>> = {
  deploy: "Deployment",
  deployment: "Deployment",
  rs: "ReplicaSet",
  replicaset: "ReplicaSet",
  sts: "StatefulSet",
  statefulset: "StatefulSet",
  ds: "DaemonSet",
  daemonset: "DaemonSet",
  rc: "ReplicationController",
  replicationcontroller: "ReplicationController",
  job: "Job",
};

/**
 * Finds `pod/web-0`, `deploy/web`, `ns/pod/web-0`, `node/node-a`, `external` or `external:203.0.113.8`. A workload
 * stands for its first pod. `namespace` is taken where the text names none.
 */
export function findWho(cluster: Cluster, text: string, namespace: string): Who | WhoProblem {
  const external = /^external(?::(.+))?$/.exec(text);
  if (external) return findExternal(cluster, external[1]);
  const parts = text.split("/");
  const [kind = "", name = ""] = parts.slice(-2);
  if (parts.length < 2 || parts.length > 3 || name === "") {
    return problem(
      "BAD_WHO",
      `\`${text}\` names no sender; write pod/NAME, deploy/NAME, NAMESPACE/pod/NAME, node/NAME or external`,
    );
  }
  if (kind === "node" || kind === "no") return findNode(cluster, name);
  const inNamespace = parts.length === 3 ? (parts[0] as string) : namespace;
  if (kind === "pod" || kind === "po") return findPod(cluster, inNamespace, name);
  const workloadKind = workloadKindOf(kind);
  if (workloadKind === undefined) {
    return problem(
      "BAD_WHO",
      `\`${kind}\` is no kind of sender; use pod, ${Object.keys(workloadKinds).join(", ")}, node or external`,
    );
  }
  return findWorkload(cluster, inNamespace, workloadKind, name);
}

/** The workload kind that `deploy`, `sts`, ... stand for. */
export function workloadKindOf(word: string): WorkloadKind | undefined {
  const key = word.toLowerCase();
  return Object.hasOwn(workloadKinds, key) ? workloadKinds[key] : undefined;
}

export function isProblem<T extends object>(value: T | WhoProblem): value is WhoProblem {
  return "code" in value && "message" in value;
}

/** The pods that a workload named in the input owns, directly or through a ReplicaSet. */
export function podsOf(cluster: Cluster, namespace: string, kind: WorkloadKind, name: string): readonly Pod[] {
  return cluster.pods.filter(
    (pod) =>
      pod.metadata.namespace === namespace &&
      (pod.metadata.ownerReferences ?? []).some(
        (owner) =>
          (owner.kind === kind && owner.name === name) ||
          (kind === "Deployment" && owner.kind === "ReplicaSet" && owner.name.replace(/-[a-z0-9]+$/, "") === name),
      ),
  );
}

function isRunning({ spec, status }: Pod): boolean {
  return spec.nodeName !== undefined && status.phase === "Running";
}

function stateOf({ status }: Pod): string {
  return status.phase === "Running" ? "has no node to run on" : `does not run: its phase is ${status.phase}`;
}

function findExternal(cluster: Cluster, text: string | undefined): Who | WhoProblem {
  if (text === undefined) return { kind: "external", address: undefined };
  const address = parseAddress(text);
  if (address === undefined) return problem("BAD_WHO", `\`${text}\` is not an IP address`);
  if (isMulticast(address) || isLoopback(address) || address === unspecified[familyOf(address)]) {
    return problem("BAD_WHO", `${text} is no address of a host`);
  }
  const inside = blocksInside(cluster).find(({ block }) => contains(block, address));
  if (inside)
    return problem("BAD_WHO", `${text} is not outside: it lies in ${inside.what} ${formatCidr(inside.block)}`);
  return { kind: "external", address };
}

function blocksInside(cluster: Cluster): readonly { readonly what: string; readonly block: Cidr }[] {
  const { podCidrs, serviceCidrs } = cluster.settings;
  const parsed = (what: string, texts: readonly string[]): { readonly what: string; readonly block: Cidr }[] =>
    texts.flatMap((text) => {
      const block = parseCidr(text);
      return block === undefined ? [] : [{ what, block }];
    });
  const segments = planUnderlay(cluster).segments.map(({ subnet }) => ({ what: "the nodes' network", block: subnet }));
  return [...parsed("the pod CIDR", podCidrs), ...parsed("the service CIDR", serviceCidrs), ...segments];
}

function findNode(cluster: Cluster, name: string): Who | WhoProblem {
  const node = cluster.nodes.find((candidate) => candidate.metadata.name === name);
  return node
    ? { kind: "node", node }
    : missing(
        "node",
        name,
        cluster.nodes.map((other) => other.metadata.name),
      );
}

function findPod(cluster: Cluster, namespace: string, name: string): Who | WhoProblem {
  const pod = cluster.pods.find(({ metadata }) => metadata.namespace === namespace && metadata.name === name);
  if (pod && !isRunning(pod)) return problem("NO_SUCH_SENDER", `pod ${namespace}/${name} ${stateOf(pod)}`);
  return pod ? { kind: "pod", pod } : missingIn(namespace, "pod", name, cluster.pods);
}

function findWorkload(cluster: Cluster, namespace: string, kind: WorkloadKind, name: string): Who | WhoProblem {
  const pods = podsOf(cluster, namespace, kind, name);
  const pod = pods.find(isRunning);
  if (pod) return { kind: "pod", pod };
  if (pods[0])
    return problem(
      "NO_SUCH_SENDER",
      `pod ${namespace}/${pods[0].metadata.name} of ${kind} ${name} ${stateOf(pods[0])}`,
    );
  const others = cluster.workloads.filter((other) => other.kind === kind);
  if (others.some(({ metadata }) => metadata.name === name && metadata.namespace === namespace)) {
    return problem("NO_SUCH_SENDER", `${kind} ${name} in namespace ${namespace} has no pod to send from`);
  }
  return missingIn(namespace, kind, name, others);
}

/** Most often the namespace was forgotten: then says where the name exists. */
function missingIn(namespace: string, what: string, name: string, all: readonly KubernetesObject[]): WhoProblem {
  const elsewhere = all.filter(({ metadata }) => metadata.name === name).map(({ metadata }) => metadata.namespace);
  if (elsewhere.length > 0) {
    const place = `${elsewhere.length === 1 ? "namespace" : "namespaces"} ${elsewhere.slice(0, 8).join(", ")}`;
    return problem(
      "NO_SUCH_SENDER",
      `no ${what} in namespace ${namespace} is called ${name}, but there is one in ${place}; choose it with -n, or write it before the kind`,
    );
  }
  const here = all.filter(({ metadata }) => metadata.namespace === namespace);
  return missing(
    `${what} in namespace ${namespace}`,
    name,
    here.map((other) => other.metadata.name),
  );
}

function missing(what: string, name: string, others: readonly string[]): WhoProblem {
  const known =
    others.length === 0
      ? "there is none"
      : `there are ${others.slice(0, 8).join(", ")}${others.length > 8 ? ", ..." : ""}`;
  return problem("NO_SUCH_SENDER", `no ${what} is called ${name}; ${known}`);
}

function problem(code: WhoProblem["code"], message: string): WhoProblem {
  return { code, message };
}
