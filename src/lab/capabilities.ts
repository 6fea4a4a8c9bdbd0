import type { PlannedNamespace } from "./plan.ts";
import { LabError, run, runIn } from "./run.ts";

const scratch = "kubehop-scratch";

/** What this kernel lacks, by what needs it, with what it said. Found out by trying, in a namespace of its own. */
export function missingFeatures(): ReadonlyMap<string, string> {
  const missing = new Map<string, string>();
  const attempt = (feature: string, action: () => void): void => {
    try {
      action();
    } catch (error) {
      if (!(error instanceof LabError)) throw error;
      missing.set(feature, error.message.split("\n").at(-1) ?? "");
    }
  };
  const link = (...words: string[]): void => void run(["ip", "-n", scratch, "link", "add", ...words]);
  run(["ip", "netns", "add", scratch]);
  attempt("veth", () => link("v0", "type", "veth", "peer", "name", "v1"));
  attempt("bridge", () => link("b0", "type", "bridge"));
  attempt("dummy", () => link("d0", "type", "dummy"));
  attempt("vxlan", () => link("x0", "type", "vxlan", "id", "1", "dstport", "8472"));
  attempt("ipip", () => link("i0", "type", "ipip", "local", "192.0.2.1"));
  attempt(
    "sctp",
    () => void runIn(scratch, ["perl", "-MSocket", "-e", "socket(S, AF_INET, SOCK_STREAM, 132) or die $!"]),
  );
  attempt("br_netfilter", () => void runIn(scratch, ["sysctl", "-q", "net.bridge.bridge-nf-call-iptables"]));
  attempt("TRACE", () => {
    runIn(scratch, ["iptables-legacy", "-w", "-t", "raw", "-I", "OUTPUT", "-j", "TRACE"]);
    runIn(scratch, ["sysctl", "-q", "net.netfilter.nf_log.2=nfnetlink_log"]);
  });
  // It loads the module, where there is one.
  attempt("ip_vs", () => void runIn(scratch, ["ipvsadm", "-L", "-n"]));
  run(["ip", "netns", "delete", scratch]);
  return missing;
}

/** What no flow can do without. */
export const essentials: readonly string[] = ["veth", "bridge", "br_netfilter", "TRACE"];

/** Why these namespaces cannot be made on this kernel; undefined when they can. */
export function whyNotHere(
  plan: readonly PlannedNamespace[],
  missing: ReadonlyMap<string, string>,
): string | undefined {
  for (const { ns } of plan) {
    for (const { kind, name } of ns.devices.values()) {
      const said = missing.get(kind);
      if (said !== undefined) return `${ns.name} needs ${name}, and this kernel makes no ${kind} device (${said})`;
    }
    const sctp = ns.sockets.listeners.find(({ protocol }) => protocol === "sctp");
    if (sctp !== undefined) return `${ns.name} listens on SCTP port ${sctp.port}, and there are no SCTP sockets here`;
  }
  return undefined;
}
