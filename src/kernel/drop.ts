import type { PacketRecorder } from "../trace/recorder.ts";
import { type KernelDropCode, kernelDropCodes } from "./drop-codes.ts";

/** Ends a packet silently: the step names the code, the verdict becomes `dropped`. `detail` replaces the code's own sentence. */
export function drop(
  skb: { readonly track?: PacketRecorder | undefined },
  code: KernelDropCode,
  detail?: string,
): void {
  const { track } = skb;
  if (track === undefined) return;
  const { meaning, kernelReason } = kernelDropCodes[code];
  track.step({ kind: "drop", code, ...(kernelReason !== undefined && { kernelReason }), text: detail ?? meaning });
  track.verdict("dropped");
}
