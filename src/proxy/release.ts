/**
 * What changed in kube-proxy after 1.30, by minor release of Kubernetes 1.x. Read in snapshots of the source and in
 * rules of later nodes, not recorded: the release is the first in which it was seen.
 */
export const since = {
  /** The Service's annotation no longer decides about hints (gate ServiceTrafficDistribution, on). */
  hintsAlone: 31,
  /** iptables rules count INVALID drops and nodePort packets of localhost. */
  nfacct: 32,
  /** Endpoint addresses are canonical before they are hashed and printed. */
  canonicalEndpoints: 33,
  /** Of two endpoints with one address one that is not terminating wins, not the local one. */
  readyDuplicateWins: 33,
  /** Hints may name nodes (gate PreferSameTrafficDistribution, on). */
  nodeHints: 34,
} as const;

/** The minor release of a version text such as `1.30`. */
export function releaseOf(kubeVersion: string): number {
  return Number(kubeVersion.split(".")[1] ?? recordedRelease);
}

/** kube-proxy 1.30.5 is the one whose rules were recorded. */
export const recordedRelease = 30;
