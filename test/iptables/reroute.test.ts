import { expect, test } from "vitest";
import { sendPacket } from "../../src/kernel/ip/output.ts";
import { address } from "../../src/wire/address.ts";
import { emptyPayload } from "../../src/wire/packet.ts";
import { load, node } from "./kernel.ts";

/**
 * A rule of OUTPUT marks what is sent, and packets with that mark have no route: whether Linux 6.18 asked the routes
 * again, by the counter of a rule in POSTROUTING (0: the packet did not come there).
 */
test.for([
  ["raw", 1],
  ["mangle", 0],
  ["filter", 1],
  ["security", 1],
] as const)("a packet that table %s marks comes to POSTROUTING %i times", ([table, packets]) => {
  const own = node();
  const { namespace, iptables } = own;
  namespace.fib.ipv4.addRule({
    priority: 100,
    mark: { value: 1, mask: 0xffffffff },
    inverted: false,
    action: { kind: "blackhole" },
  });
  load(own, "*mangle\n-A POSTROUTING -d 10.0.0.2\nCOMMIT\n");
  const marking = "-A OUTPUT -d 10.0.0.2 -j MARK --set-mark 1\n";
  const counting = table === "mangle" ? "-A POSTROUTING -d 10.0.0.2\n" : "";
  load(own, `*${table}\n${marking}${counting}COMMIT\n`);
  const packet = {
    kind: "ip",
    src: address("10.0.0.1"),
    dst: address("10.0.0.2"),
    ttl: 64,
    dontFragment: true,
    id: 1,
    transport: { protocol: "udp", srcPort: 1, dstPort: 2 },
    payload: emptyPayload,
  } as const;
  sendPacket(namespace, packet, { flowKey: "flow" });
  const chain = iptables.chain("ipv4", "mangle", "POSTROUTING");
  expect(chain?.counters?.[0]?.packets ?? 0).toBe(packets);
});
