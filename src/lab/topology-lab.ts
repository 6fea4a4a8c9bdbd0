import { type ReplayFlow, bootTopology, replay } from "../sim/replay.ts";
import type { FlowLine } from "../topology/flow-line.ts";
import type { Topology } from "../topology/topology.ts";
import { essentials } from "./capabilities.ts";
import { goldenSections, recordedBranch } from "./golden-compare.ts";
import type { GoldenFlow } from "./golden.ts";
import type { LabFlow } from "./lab.ts";
import { recordTopology } from "./topology-record.ts";

/** A topology that ran twice: what Linux showed, and where the engine differs. */
export interface TopologyRun {
  readonly recorded: readonly GoldenFlow[];
  readonly flows: readonly LabFlow[];
}

/**
 * Runs the flows of a topology folder on this machine's kernel, then in the engine, which takes the branches that Linux
 * took. To be called inside a private world. Throws a TextError for the folder, a LabError when Linux refuses something.
 */
export async function runTopology(topology: Topology, only: (flow: FlowLine) => boolean): Promise<TopologyRun> {
  const recorded = await recordTopology(topology, bootTopology(topology).built, only);
  const replayed = new Map(
    replay(topology, { chance: recordedBranch(recorded), only }).map((flow) => [flow.name, flow]),
  );
  return { recorded, flows: recorded.map((flow) => compared(flow, replayed.get(flow.name) as ReplayFlow)) };
}

function compared(recorded: GoldenFlow, replayed: ReplayFlow): LabFlow {
  const { name, from, proto, dst, result } = recorded;
  const about = { name, from, run: `${proto} ${dst}` };
  if (replayed.result === "unknown") return { ...about, skipped: "kubehop itself says unknown" };
  return { ...about, outcome: result, sections: goldenSections(recorded, replayed) };
}

/** Why this folder cannot stand on this kernel; undefined when it can be tried. */
export function whyNoTopology(topology: Topology, missing: ReadonlyMap<string, string>): string | undefined {
  const essential = essentials.find((feature) => missing.has(feature));
  if (essential !== undefined) return `this kernel lacks ${essential} (${missing.get(essential)})`;
  const { built } = bootTopology(topology);
  for (const { name, files } of topology.namespaces) {
    const foreign = [...(built.get(name)?.namespace.devices.values() ?? [])].find((own) => own.kind === "foreign");
    if (foreign !== undefined) return `nobody knows what ${foreign.name} of ${name} leads to`;
    const kinds = [...(files.get("ip") ?? "").matchAll(/\btype (\w+)/g)].map(([, kind = ""]) => kind);
    const kind = kinds.find((own) => missing.has(own));
    if (kind !== undefined) return `${name} needs a ${kind} device, and this kernel makes none (${missing.get(kind)})`;
    if (files.get("exec")?.includes("ipvsadm") === true && missing.has("ip_vs"))
      return `${name} balances with IPVS, and there is no ip_vs here (${missing.get("ip_vs")})`;
    if (/^sctp /m.test(files.get("listen") ?? "") && missing.has("sctp"))
      return `${name} listens on SCTP, and this kernel has no such sockets (${missing.get("sctp")})`;
  }
  return undefined;
}
