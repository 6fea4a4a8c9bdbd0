import { readFileSync } from "node:fs";
import { describe, expect, test } from "vitest";
import { type Opening, openingPackets } from "../root/differential/packets.ts";
import { load, node, send } from "./kernel.ts";

/**
 * Which of five packets from host 2 of one network to host 2 of the next each rule counted in mangle FORWARD of Linux
 * 6.18, one digit for each: a SYN, an ACK with data, a UDP datagram, an echo request and ESP, as
 * test/root/differential makes them.
 */
const recorded = JSON.parse(readFileSync(new URL("kernel-answers.json", import.meta.url), "utf8")) as Readonly<
  Record<"ipv4" | "ipv6", Readonly<Record<string, string>>>
>;
const kinds: readonly Opening["kind"][] = ["syn", "ack", "udp", "echo", "esp"];
const opening = { port: 0, srcHost: 2, to: 0, srcPort: 40_000, dstPort: 80, ttl: 64, bridged: false, times: 1 };

describe.each(["ipv4", "ipv6"] as const)("a rule of %s matches the packets that it matched in the kernel", (family) => {
  test.for(Object.entries(recorded[family]))("%s: %s", ([rule, answers]) => {
    const router = node();
    load(router, `*mangle\n-A FORWARD ${rule} -j DROP\nCOMMIT\n`, family);
    const said = kinds.map((kind) => {
      const [first] = openingPackets({ ...opening, family: family === "ipv4" ? 4 : 6, kind }, 1000);
      if (first === undefined) throw new Error("no packet");
      const [src, dst] = family === "ipv4" ? ["10.1.0.2", "10.2.0.2"] : ["fd01::2", "fd02::2"];
      const { verdict } = send(router, { src, dst, skb: { packet: first.packet, srcMac: first.srcMac } });
      return { accept: "0", drop: "1", unknown: "?", stolen: "?" }[verdict];
    });
    const known = said.map((one, at) => (one === "?" ? answers[at] : one)).join("");
    expect(known).toBe(answers);
    expect(said.filter((one) => one === "?").length, `left open: ${said.join("")}`).toBeLessThan(4);
  });
});
