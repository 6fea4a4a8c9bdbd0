import { type Built, buildCluster } from "../../src/cluster/build.ts";
import type { Cluster, ClusterSettings } from "../../src/cluster/cluster.ts";
import { type LoadOptions, type Loaded, loadManifests } from "../../src/cluster/load/load.ts";
import type { Pod } from "../../src/cluster/objects.ts";
import { type Problem, problemText } from "../../src/cluster/problem.ts";
import { hostLocal } from "../../src/cni/ipam/host-local.ts";

export function loadText(text: string, options: LoadOptions = {}): Loaded {
  return loadManifests([{ name: "test.yaml", text }], options);
}

export function buildText(text: string, settings: Partial<ClusterSettings> = {}): Built {
  return buildCluster(loadText(text), { settings, allocatePodIPs: hostLocal });
}

/** The cluster of a text that must have no errors. */
export function clusterOf(text: string, settings: Partial<ClusterSettings> = {}): Cluster {
  const { cluster, problems } = buildText(text, settings);
  if (cluster === undefined) throw new Error(problems.map(problemText).join("\n"));
  return cluster;
}

/** `CODE line:column` of each problem. */
export function placed(problems: readonly Problem[]): string[] {
  return problems.map(({ code, origin }) => `${code} ${origin?.line ?? "-"}:${origin?.column ?? "-"}`);
}

/** `namespace/name node address` of each pod outside kube-system. */
export function podLines(pods: readonly Pod[]): string[] {
  return pods
    .filter(({ metadata }) => metadata.namespace !== "kube-system")
    .map(
      ({ metadata, spec, status }) =>
        `${metadata.namespace}/${metadata.name} ${spec.nodeName} ${status.podIPs.join(",")}`,
    );
}

export function pod(name: string, extra: Record<string, unknown> = {}, status?: Record<string, unknown>): string {
  const { labels = {}, annotations = {}, deletionTimestamp, ...spec } = extra;
  const metadata = { name, labels, annotations, ...(deletionTimestamp === undefined ? {} : { deletionTimestamp }) };
  return `${JSON.stringify({ apiVersion: "v1", kind: "Pod", metadata, spec: { containers: [{ name: "c" }], ...spec }, ...(status && { status }) })}\n`;
}

/** A pod that Services select by `app: web`, with a port named http. */
export function webPod(name: string, extra: Record<string, unknown> = {}, status?: Record<string, unknown>): string {
  const containers = [{ name: "c", ports: [{ name: "http", containerPort: 8080 }] }];
  return pod(name, { labels: { app: "web" }, containers, ...extra }, status);
}

export function service(name: string, spec: Record<string, unknown>): string {
  return `${JSON.stringify({ apiVersion: "v1", kind: "Service", metadata: { name }, spec })}\n`;
}

export function workload(
  kind: string,
  name: string,
  spec: Record<string, unknown>,
  podSpec: Record<string, unknown> = {},
): string {
  const labels = { app: name };
  const template = { metadata: { labels }, spec: { containers: [{ name: "c" }], ...podSpec } };
  const full = { selector: { matchLabels: labels }, template, ...spec };
  return `${JSON.stringify({ apiVersion: kind === "Job" ? "batch/v1" : "apps/v1", kind, metadata: { name }, spec: full })}\n`;
}
