import type { FlowRecorder } from "../../trace/recorder.ts";
import type { SocketStep } from "../../trace/records.ts";
import { formatEndpoint } from "../../wire/address.ts";
import type { NetworkNamespace } from "../namespace.ts";
import type { Skb } from "../skb.ts";
import type { Endpoint } from "./api.ts";
import { type SocketDropCode, socketDropCodes } from "./drop-codes.ts";

/** What a socket step says besides its action. */
export interface SocketNote {
  readonly protocol: string;
  readonly local?: Endpoint;
  readonly remote?: Endpoint;
  readonly state?: string;
  readonly process?: string | undefined;
  readonly assumption?: string | undefined;
  /** Where the step's own sentence would not say enough. */
  readonly text?: string | undefined;
}

function stepOf(
  action: SocketStep["action"],
  note: SocketNote,
): Omit<SocketStep, "id" | "timeNanos" | "namespace" | "text"> & { readonly text?: string } {
  const { protocol, local, remote, state, process, assumption, text } = note;
  return {
    kind: "socket",
    action,
    protocol,
    ...(local && { local: formatEndpoint(local.address, local.port) }),
    ...(remote && { remote: formatEndpoint(remote.address, remote.port) }),
    ...(state !== undefined && { state }),
    ...(process !== undefined && { process }),
    ...(assumption !== undefined && { assumption }),
    ...(text !== undefined && { text }),
  };
}

/** A step of a socket outside any packet. */
export function recordCall(
  ns: NetworkNamespace,
  flow: FlowRecorder | undefined,
  action: SocketStep["action"],
  note: SocketNote,
): void {
  flow?.step(ns.name, stepOf(action, note));
}

/** What became of a packet at its socket. */
export function recordArrival(skb: Skb, action: SocketStep["action"], note: SocketNote): void {
  skb.track?.step(stepOf(action, note));
}

/** The packet reaches no process. The verdict is left to who may answer it. */
export function recordNoSocket(skb: Skb, code: SocketDropCode, detail?: string): void {
  const { track } = skb;
  if (track === undefined) return;
  const { meaning, kernelReason } = socketDropCodes[code];
  track.step({ kind: "drop", code, ...(kernelReason !== undefined && { kernelReason }), text: detail ?? meaning });
  track.verdict("dropped");
}

/** The conversation's name for its first packet, with the packet's place for later ones. */
export function keyOf(flowKey: string, number: number): string {
  return number === 1 ? flowKey : `${flowKey}#${number}`;
}
