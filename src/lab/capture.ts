import { type ChildProcess, spawn } from "node:child_process";
import { isGroupMac, parseMac } from "../wire/mac.ts";
import type { BuiltNamespace } from "./build.ts";
import { type ReadPacket, readFrame } from "./bytes.ts";
import { type RuleEvent, readRuleEvent } from "./nflog.ts";
import { readPcap } from "./pcap.ts";
import { inNamespace } from "./run.ts";

/** A frame on a device. */
export interface CapturedFrame extends ReadPacket {
  readonly namespace: string;
  readonly device: string;
  readonly direction: "in" | "in-other" | "out";
}

/** What the kernel showed while a probe ran. */
export interface Capture {
  readonly frames: readonly CapturedFrame[];
  /** By namespace, in order. */
  readonly rules: ReadonlyMap<string, readonly RuleEvent[]>;
  /** Ends all listening processes. */
  stop(): void;
}

/** Listens on all devices of all namespaces that have power, and to the rule traces of those that have tables. */
export async function startCapture(built: readonly BuiltNamespace[]): Promise<Capture> {
  const children: ChildProcess[] = [];
  const frames: CapturedFrame[] = [];
  const rules = new Map<string, RuleEvent[]>();
  const listen = (id: string, words: readonly string[], packet: (bytes: Buffer) => void): Promise<void> => {
    const [program, args] = inNamespace(id, ["tcpdump", "-p", "-U", "-s", "0", "-w", "-", ...words]);
    const child = spawn(program, args, { stdio: ["ignore", "pipe", "ignore"] });
    children.push(child);
    return new Promise((resolve) => readPcap(child.stdout, resolve, packet));
  };
  const started = built
    .filter(({ dark }) => !dark)
    .flatMap(({ ns, id, names, iptables }) => {
      const devices = [...ns.devices.values()].filter(({ up }) => up);
      const waiting = devices.flatMap(({ name, mac }) =>
        (["in", "out"] as const).map((side) =>
          listen(id, ["-i", names.linux(name), "-Q", side, "--immediate-mode", "ip or ip6"], (bytes) => {
            const read = readFrame(bytes);
            if (read === undefined) return;
            const direction = side === "in" && isForOther(read.packet.dstMac, mac) ? "in-other" : side;
            frames.push({ ...read, namespace: ns.name, device: name, direction });
          }),
        ),
      );
      if (iptables === undefined) return waiting;
      const own: RuleEvent[] = [];
      rules.set(ns.name, own);
      return [
        ...waiting,
        listen(id, ["-i", "nflog:0"], (bytes) => {
          const event = readRuleEvent(bytes);
          if (event) own.push(event);
        }),
      ];
    });
  await Promise.all(started);
  return {
    frames,
    rules,
    stop: () => {
      for (const child of children) child.kill("SIGKILL");
    },
  };
}

/** eth_type_trans(): PACKET_OTHERHOST. */
function isForOther(destination: string | undefined, own: string): boolean {
  const mac = parseMac(destination ?? "");
  return mac !== undefined && mac !== own && !isGroupMac(mac);
}
