import { expect, test } from "vitest";
import { nanosPerSecond } from "../../src/kernel/clock.ts";
import { formatEntry } from "../../src/kernel/conntrack/format.ts";
import { emptyPayload } from "../../src/wire/packet.ts";
import { emptyLab, udp } from "./cluster.ts";
import { client, forwardThrough, server } from "./conntrack-box.ts";

// `conntrack -L` of conntrack-tools 1.4.7 on Linux 6.18 after each of three packets, there, back and there again.
test.for([
  {
    number: 47,
    lines: [
      "gre      47 29 src=10.0.0.1 dst=10.0.0.2 srckey=0x0 dstkey=0x0 [UNREPLIED] src=10.0.0.2 dst=10.0.0.1 srckey=0x0 dstkey=0x0 mark=0 use=1",
      "gre      47 29 src=10.0.0.1 dst=10.0.0.2 srckey=0x0 dstkey=0x0 src=10.0.0.2 dst=10.0.0.1 srckey=0x0 dstkey=0x0 mark=0 use=1",
      "gre      47 179 src=10.0.0.1 dst=10.0.0.2 srckey=0x0 dstkey=0x0 src=10.0.0.2 dst=10.0.0.1 srckey=0x0 dstkey=0x0 [ASSURED] mark=0 use=1",
    ],
  },
  {
    number: 50,
    lines: [
      "unknown  50 599 src=10.0.0.1 dst=10.0.0.2 [UNREPLIED] src=10.0.0.2 dst=10.0.0.1 mark=0 use=1",
      "unknown  50 599 src=10.0.0.1 dst=10.0.0.2 src=10.0.0.2 dst=10.0.0.1 mark=0 use=1",
      "unknown  50 599 src=10.0.0.1 dst=10.0.0.2 src=10.0.0.2 dst=10.0.0.1 mark=0 use=1",
    ],
  },
  {
    number: 33,
    lines: [
      "dccp     33 599 src=10.0.0.1 dst=10.0.0.2 sport=0 dport=0 [UNREPLIED] src=10.0.0.2 dst=10.0.0.1 sport=0 dport=0 mark=0 use=1",
    ],
  },
])("connections of protocol $number look as conntrack -L prints them", ({ number, lines }) => {
  const transport = { protocol: "other", number } as const;
  const lab = emptyLab("off");
  lab.ns("box").conntrack.require();
  const shown = lines.map((_, index) => {
    const [from, to] = index === 1 ? [server, client] : [client, server];
    forwardThrough(lab, udp(from, to, { transport, payload: emptyPayload }));
    const [entry] = lab.ns("box").conntrack.entries();
    // It was read a moment later.
    return entry && formatEntry(entry, lab.clock.nowNanos() + nanosPerSecond / 2);
  });
  expect(shown).toEqual(lines);
});
