import type { PacketRecorder } from "../trace/recorder.ts";
import type { Mac } from "../wire/mac.ts";
import type { Packet } from "../wire/packet.ts";
import type { ConntrackEntry } from "./conntrack/entry.ts";
import type { Device } from "./device.ts";

/**
 * A packet inside one network namespace, with what the kernel hangs on it (struct sk_buff). Mutable, and gone
 * when the packet leaves: only the frame, the recorder and the flow key cross a wire.
 */
export interface Skb {
  packet: Packet;
  /** Ethernet addresses; undefined until a locally made packet has been resolved. */
  srcMac?: Mac;
  dstMac?: Mac;
  mark: number;
  /** The device it came in by, as netfilter sees it: the bridge for a bridged frame. Undefined for local packets. */
  inDevice?: Device;
  /** What the bridge remembers of a frame that crosses br_netfilter (struct nf_bridge_info). */
  bridge?: BridgeInfo;
  conntrack?: ConntrackInfo;
  /** NOTRACK was said. */
  untracked: boolean;
  /** The local socket that sent it: what `-m owner` and `-m socket` look at. */
  socket?: SkbSocket;
  /** Names the conversation in choice ids: stable from run to run. */
  readonly flowKey: string;
  /** Undefined when nothing is recorded. */
  track?: PacketRecorder;
}

export interface BridgeInfo {
  readonly physIn: Device;
  physOut?: Device;
  /** PREROUTING ran in the bridge already: not again in IP (ip_sabotage_in). */
  preroutingDone: boolean;
}

/** How a packet relates to its connection (enum ip_conntrack_info). */
export interface ConntrackInfo {
  readonly entry: ConntrackEntry;
  readonly direction: "original" | "reply";
  readonly state: "new" | "established" | "related";
}

export interface SkbSocket {
  readonly uid: number;
  readonly gid: number;
}
