import type { DnsPlugin } from "../coredns/plugin.ts";

/** Plugins that take no part in answering: they log, measure, watch or set up the process. */
const names = [
  "root",
  "metadata",
  "geoip",
  "cancel",
  "tls",
  "timeouts",
  "multisocket",
  "reload",
  "nsid",
  "bind",
  "debug",
  "trace",
  "ready",
  "health",
  "pprof",
  "prometheus",
  "errors",
  "log",
  "dnstap",
  // Speaks in class CH only.
  "chaos",
  // Asks itself at start; in a running server no question sees it.
  "loop",
] as const;

export const passive: readonly DnsPlugin[] = names.map((name) => ({ name, setup: () => undefined }));
