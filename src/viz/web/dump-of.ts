import type { ClusterInput } from "../../index.ts";
import { nodeText } from "../../scenario/node-state.ts";
import type { DumpRequest } from "./protocol.ts";

/** What a node holds, as the command that is named prints it there. */
export function dumpOf(input: ClusterInput, { node, command }: DumpRequest["dump"]): string {
  const text = nodeText(input, node, command === "ip6tables-save" ? "ipv6" : "ipv4");
  if (text === undefined) return "";
  switch (command) {
    case "iptables-save":
    case "ip6tables-save":
      return text.iptablesSave;
    case "ipset save":
      return text.ipset;
    case "ip":
      return text.ip;
  }
}
