/** A datagram's destination. */
export interface Destination {
  readonly address: string;
  readonly port: number;
}

/** What an agent is told. `id` names the socket. */
export type AgentCommand = { readonly id: string } & (
  | { readonly op: "listen-tcp" | "listen-udp"; readonly address: string; readonly port: number }
  | { readonly op: "connect"; readonly address: string; readonly port: number; readonly localPort: number }
  | {
      readonly op: "open-udp";
      readonly family: 4 | 6;
      /** Connects to it; absent: an unconnected socket. */
      readonly address?: string;
      readonly port?: number;
      readonly localPort: number;
    }
  /** Bytes, base64. */
  | { readonly op: "send"; readonly data: string; readonly to?: Destination }
  | { readonly op: "ping"; readonly words: readonly string[] }
  | { readonly op: "close" | "abort" }
);

/** What an agent tells. */
export type AgentEvent = { readonly id: string } & (
  | { readonly event: "ready" | "connected" | "ended" }
  | { readonly event: "error"; readonly errno: string }
  | { readonly event: "data"; readonly data: string }
  | { readonly event: "message"; readonly data: string; readonly from: string; readonly port: number }
  | {
      readonly event: "accepted";
      readonly connection: string;
      readonly local: string;
      readonly remote: string;
      readonly remotePort: number;
    }
  | { readonly event: "pinged"; readonly text: string }
);
