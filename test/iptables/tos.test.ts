import { expect, test } from "vitest";
import { load, node, send } from "./kernel.ts";

/*
 * The byte after each rule: xt_DSCP.c (`dscp << 2`, the bits of ECN stay) and iptables-extensions(8), `TOS`:
 * tos = (tos & ~mask) ^ value. DSCP EF is 0xb8 on the wire (RFC 3246).
 */
test("a step says how a rule changed TOS", () => {
  const router = node("rule");
  load(
    router,
    [
      "*mangle",
      "-A FORWARD -j TOS --set-tos 0x01/0x03",
      "-A FORWARD -j DSCP --set-dscp-class EF",
      "-A FORWARD -j TOS --set-tos 0x10/0x3f",
      "-A FORWARD -j TOS --set-tos 0x10/0x3f",
      "COMMIT",
      "",
    ].join("\n"),
  );
  const { steps, skb } = send(router, { hook: "FORWARD", in: "eth0", out: "cni0" });
  const changes = steps.flatMap((step) => step.changes ?? []).filter(({ field }) => field === "tos");
  expect(changes).toEqual([
    { field: "tos", from: 0x00, to: 0x01 },
    { field: "tos", from: 0x01, to: 0xb9 },
    { field: "tos", from: 0xb9, to: 0x90 },
  ]);
  expect(skb.packet.tos).toBe(0x90);
});
