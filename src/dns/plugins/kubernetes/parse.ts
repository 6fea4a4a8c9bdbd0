import { labelsBefore } from "../../names.ts";

/** A name below the zone, taken apart. Empty strings stand for labels that are not there. */
export interface RecordRequest {
  /** "" at the zone itself, and at `svc` and `pod` directly below it. */
  readonly kind: "pod" | "svc" | "";
  readonly namespace: string;
  /** The Service, or the pod in the `a-b-c-d` form. */
  readonly service: string;
  readonly endpoint: string;
  readonly port: string;
  readonly protocol: string;
}

const nothing: RecordRequest = { kind: "", namespace: "", service: "", endpoint: "", port: "", protocol: "" };

/**
 * Takes `_port._protocol.service.namespace.svc.ZONE`, `endpoint.service.namespace.svc.ZONE` and their shorter forms
 * apart; undefined for a name that cannot exist. CoreDNS plugin/kubernetes/parse.go (parseRequest).
 */
export function parseRequest(name: string, zone: string): RecordRequest | undefined {
  const labels = labelsBefore(name, zone).map((label) => label.toLowerCase());
  const kind = labels.pop();
  if (kind === undefined) return nothing;
  if (kind !== "pod" && kind !== "svc") return undefined;
  // `svc.ZONE` and `pod.ZONE` exist, like the zone itself, and hold nothing.
  if (labels.length === 0) return nothing;
  const namespace = labels.pop() ?? "";
  const service = labels.pop() ?? "";
  const request = { ...nothing, kind, namespace, service } as const;
  const [first, second] = labels;
  if (first === undefined) return request;
  // What is left is ambiguous: one label is an endpoint, two are port and protocol, more cannot be answered.
  if (second === undefined) return { ...request, endpoint: first };
  return labels.length > 2 ? undefined : { ...request, port: bare(first), protocol: bare(second) };
}

/** The underscores of `_http._tcp` are optional. */
function bare(label: string): string {
  return label.startsWith("_") ? label.slice(1) : label;
}
