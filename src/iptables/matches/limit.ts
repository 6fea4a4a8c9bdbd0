/** `-m limit`: a token bucket. */
export interface LimitMatch {
  readonly kind: "limit";
  /** Cost of a packet in 1/10,000 s, as the kernel stores `--limit 3/hour` (XT_LIMIT_SCALE). */
  readonly average: number;
  readonly burst: number;
}
