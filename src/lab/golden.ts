import type { ReplayAnswer } from "../sim/replay-client.ts";
import type { ReplayPacket } from "../sim/replay-record.ts";

/** One flow of a golden.json: what was recorded on Linux, in the format of the kernel cases (docs/topology.md). */
export interface GoldenFlow {
  readonly name: string;
  readonly from: string;
  readonly proto: string;
  readonly dst: string;
  readonly result: string;
  readonly size?: number;
  readonly pmtu?: number;
  readonly sends?: readonly string[];
  readonly answer?: ReplayAnswer;
  readonly trace: Readonly<Record<string, readonly ReplayPacket[]>>;
  readonly wire: readonly string[];
  readonly conntrack: Readonly<Record<string, readonly string[]>>;
}

/** A whole golden.json. */
export interface Golden {
  readonly dir: string;
  readonly backend: string;
  readonly flows: readonly GoldenFlow[];
}
