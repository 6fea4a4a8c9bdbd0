/**
 * Where kube-router's layout answers otherwise than the API says. Each is visible in its code, and each was seen in
 * the real kernel (test/root/netpolicy-packets.test.ts): what is listed here must happen.
 */
interface Deviation {
  readonly case: string;
  readonly pairs: readonly (readonly [src: string, dst: string])[];
  /** `TCP 80`, or absent for every port of every protocol. */
  readonly only?: string;
}

/** Every source with every destination. */
function cross(sources: readonly string[], destinations: readonly string[]): Deviation["pairs"] {
  return sources.flatMap((src) => destinations.map((dst) => [src, dst] as const)).filter(([src, dst]) => src !== dst);
}

const everybody = ["x", "y", "z"].flatMap((namespace) => ["a", "b", "c"].map((name) => `${namespace}/${name}`));

const list: readonly Deviation[] = [
  // A policy of both types enters its chain without an address (pod.go, "both"): an ingress rule marks the packet, and
  // the source's egress check takes the mark for its own.
  { case: "cyc-004", only: "TCP 80", pairs: cross(["x/b", "x/c"], ["x/a", "x/b", "x/c"]) },
  { case: "cyc-006", only: "TCP 80", pairs: [["x/b", "x/a"]] },
  // The ipBlocks of a rule share one set (policy.go, evalIPBlockPeer): the `except` of one cuts into the other.
  { case: "cyc-077", only: "TCP 80", pairs: cross(everybody, ["x/a"]) },
  { case: "cyc-122", only: "TCP 80", pairs: cross(["x/a"], everybody) },
  // A rule of whose named ports none was found counts as a rule without ports (policy.go, "contains no ports at all").
  ...["cyc-149", "cyc-150"].map((name) => ({ case: name, pairs: cross(["x/a"], ["y/a", "y/b", "z/a", "z/b"]) })),
  ...["cyc-176", "cyc-177"].map((name) => ({ case: name, pairs: cross(["x/b", "x/c", "y/b", "y/c"], ["x/a"]) })),
];

/** Names of the cases in which kube-router answers otherwise. */
export const deviating: ReadonlySet<string> = new Set(list.map((one) => one.case));

/** Whether kube-router is known to answer the opposite of what the case expects. */
export function deviates(name: string, src: string, dst: string, protocol: string, port: number): boolean {
  return list.some(
    (one) =>
      one.case === name &&
      (one.only === undefined || one.only === `${protocol} ${port}`) &&
      one.pairs.some(([from, to]) => from === src && to === dst),
  );
}
