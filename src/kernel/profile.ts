import type { KernelProfile } from "./namespace.ts";

/** tcp_syn_linear_timeouts = 4, since 6.5: the first SYNs a second apart, then doubling; ten in all. */
const linear = { synRetransmitSeconds: [1, 2, 3, 4, 5, 7, 11, 19, 35, 67], synTimeoutSeconds: 131 };
/** tcp_syn_retries = 6, every interval doubles. */
const doubling = { synRetransmitSeconds: [1, 3, 7, 15, 31, 63], synTimeoutSeconds: 127 };

/** Kernel versions as far as they differ here. */
export const kernelProfiles: Readonly<Record<string, KernelProfile>> = {
  "6.18": { name: "6.18", ...linear },
  "6.12": { name: "6.12", ...linear },
  "6.1": { name: "6.1", ...doubling },
  "5.15": { name: "5.15", ...doubling },
};
