/**
 * What changed in kube-proxy, and in the controllers before it, after 1.30: by minor release of Kubernetes 1.x. Read in
 * enhancement proposals (KEP), pull requests and snapshots of the source, not recorded.
 */
export const since = {
  /**
   * The Service's annotation no longer decides about hints, and slices get hints for trafficDistribution: the gate
   * ServiceTrafficDistribution is on. KEP-4444: alpha in 1.30, beta in 1.31.
   */
  hintsAlone: 31,
  /**
   * iptables rules count INVALID drops and nodePort packets of localhost. Release notes of 1.31: kubernetes#122812
   * and kubernetes#125015.
   */
  nfacct: 31,
  /** UDP connections are looked through at every sync. kubernetes#127318, in 1.32 by kubernetes#139628. */
  conntrackReconciler: 32,
  /** Endpoint addresses are canonical before they are hashed and printed. KEP-4858, in 1.33. */
  canonicalEndpoints: 33,
  /** Hints may name nodes: the gate PreferSameTrafficDistribution is on. KEP-3015: alpha in 1.33, beta in 1.34. */
  nodeHints: 34,
  /**
   * Of two endpoints with one address one that is not terminating wins, not the local one. kubernetes#135593 of
   * December 2025, so 1.36.
   */
  readyDuplicateWins: 36,
  /** ... also those of ports without serving endpoints. kubernetes#139629 of June 2026, so 1.37. */
  conntrackWithoutEndpoints: 37,
  /** ... and those of ports whose Service went away. kubernetes#141371 of August 2026, so 1.38. */
  conntrackOfDeletedServices: 38,
} as const;

/** The minor release of a version text such as `1.30`. */
export function releaseOf(kubeVersion: string): number {
  return Number(kubeVersion.split(".")[1] ?? recordedRelease);
}

/** kube-proxy 1.30.5 is the one whose rules were recorded. */
export const recordedRelease = 30;
