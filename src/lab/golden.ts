import type { ReplayAnswer } from "../sim/replay-client.ts";
import type { ReplayPacket } from "../sim/replay-record.ts";

/** What was recorded of a flow on Linux, in the format of the kernel cases (docs/topology.md). */
export interface RecordedFlow {
  readonly name: string;
  readonly proto: string;
  readonly result: string;
  readonly size?: number;
  readonly pmtu?: number;
  readonly sends?: readonly string[];
  readonly answer?: ReplayAnswer;
  readonly trace: Readonly<Record<string, readonly ReplayPacket[]>>;
  readonly wire: readonly string[];
  readonly conntrack: Readonly<Record<string, readonly string[]>>;
}

/** One flow of a golden.json. */
export interface GoldenFlow extends RecordedFlow {
  readonly from: string;
  readonly dst: string;
}

/** A whole golden.json. */
export interface Golden {
  readonly dir: string;
  readonly backend: string;
  readonly flows: readonly GoldenFlow[];
}
