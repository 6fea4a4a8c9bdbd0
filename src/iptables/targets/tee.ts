import { drop } from "../../kernel/drop.ts";
import { recordRoute } from "../../kernel/ip/input.ts";
import { localOut } from "../../kernel/ip/output.ts";
import { lookupOutput } from "../../kernel/ip/route.ts";
import type { HookState } from "../../kernel/netfilter.ts";
import { createSkb } from "../../kernel/skb.ts";
import { type Address, formatAddress } from "../../wire/address.ts";
import { readAddress } from "../addresses.ts";
import type { TargetModule } from "./module.ts";

/** `-j TEE --gateway ADDRESS`: a copy of the packet goes to a gateway; the packet itself goes on. */
export interface TeeTarget {
  readonly kind: "TEE";
  readonly gateway: Address;
  /** Device the copy leaves by. */
  readonly device?: string;
}

/** Sends the copy: nf_dup_ipv4() of net/ipv4/netfilter/nf_dup_ipv4.c and its IPv6 twin. It belongs to no connection. */
function sendCopy({ gateway, device }: TeeTarget, { namespace, skb, hook }: HookState): void {
  const { packet, mark, flowKey, track } = skb;
  // Two hosts that copy to each other stop by the TTL.
  const ttl = packet.ttl - (hook === "PREROUTING" || hook === "INPUT" ? 1 : 0);
  const copied = { ...packet, ttl, dontFragment: true };
  const child = track?.child(`copy for ${formatAddress(gateway)}`);
  const copy = createSkb({ packet: copied, mark, flowKey: `${flowKey}/copy`, track: child });
  copy.untracked = true;
  child?.enter(
    { namespace: namespace.name, ...(namespace.node !== undefined && { node: namespace.node }) },
    { body: copied, mark },
  );
  const to = namespace.devices.has(device ?? "") ? device : undefined;
  const routed = lookupOutput(namespace, { dst: gateway, mark: 0, ...(to !== undefined && { device: to }) });
  if (child !== undefined) recordRoute(copy, "output", routed, gateway);
  if (routed.kind === "none") return drop(copy, routed.code);
  // Where no route led to the gateway, the device's neighbours are asked for the packet's own destination.
  copy.route = routed.table === "" ? { ...routed.to, nextHop: packet.dst } : routed.to;
  localOut(namespace, copy, routed.to.device);
}

export const tee: TargetModule<TeeTarget> = {
  options: {
    "--gateway": (draft, read) => void (draft.gateway = readAddress(read)),
    "--oif": (draft, read) => void (draft.device = read.value()),
  },
  start: () => ({ kind: "TEE" }),
  finish({ gateway, device }, read) {
    if (gateway === undefined) return read.fail("MISSING_OPTION", "TEE needs --gateway");
    return { kind: "TEE", gateway, ...(device !== undefined && { device }) };
  },
  print: ({ gateway, device }) =>
    `--gateway ${formatAddress(gateway)}${device === undefined ? "" : ` --oif ${device}`}`,
  run(target, evaluation) {
    evaluation.duplicate((state) => sendCopy(target, state));
    return "continue";
  },
};
