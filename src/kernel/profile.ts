import type { KernelProfile } from "./namespace.ts";

/*
 * tcp_syn_retries is 6 in both. Since 6.5 the first tcp_syn_linear_timeouts (4) of them do not back off, and they
 * come on top: "which corresponds to 67 seconds (with tcp_syn_linear_timeouts = 4) till the last retransmission
 * ... the final timeout for an active TCP connection attempt will happen after 131 seconds"
 * (Documentation/networking/ip-sysctl.rst). The timer wheel makes the real times up to an eighth longer.
 */

/** The kernels that can be simulated, by name. */
export const kernelProfiles: Readonly<Record<"6.18" | "5.15", KernelProfile> & Record<string, KernelProfile>> = {
  "6.18": { name: "6.18", synRetransmitSeconds: [1, 2, 3, 4, 5, 7, 11, 19, 35, 67], synTimeoutSeconds: 131 },
  "5.15": { name: "5.15", synRetransmitSeconds: [1, 3, 7, 15, 31, 63], synTimeoutSeconds: 127 },
};
