import {
  describeChain,
  describeConntrack,
  describeHook,
  describeIpset,
  describeIpvs,
  describeMap,
  describeNat,
  describeRule,
} from "./describe-filter.ts";
import {
  describeBpf,
  describeDrop,
  describeIcmp,
  describeProxy,
  describeResolver,
  describeSocket,
  describeTimer,
} from "./describe-ends.ts";
import { describeBridge, describeDevice, describeNeighbour, describeRoute, describeTunnel } from "./describe-way.ts";
import type { Step } from "./records.ts";

/**
 * The plain sentence of a step that brought none: what happened and why, readable aloud by somebody who knows what
 * a packet is. A term of the kernel comes with its plain word; names (devices, chains, objects) stay as they are.
 */
export function describe(step: Step): string {
  switch (step.kind) {
    case "socket":
      return describeSocket(step);
    case "resolver":
      return describeResolver(step);
    case "route":
      return describeRoute(step);
    case "neighbour":
      return describeNeighbour(step);
    case "device":
      return describeDevice(step);
    case "bridge":
      return describeBridge(step);
    case "hook":
      return describeHook(step);
    case "rule":
      return describeRule(step);
    case "chain":
      return describeChain(step);
    case "conntrack":
      return describeConntrack(step);
    case "nat":
      return describeNat(step);
    case "ipset":
      return describeIpset(step);
    case "map":
      return describeMap(step);
    case "ipvs":
      return describeIpvs(step);
    case "tunnel":
      return describeTunnel(step);
    case "icmp":
      return describeIcmp(step);
    case "timer":
      return describeTimer(step);
    case "drop":
      return describeDrop(step);
    case "bpf":
      return describeBpf(step);
    case "proxy":
      return describeProxy(step);
  }
}
