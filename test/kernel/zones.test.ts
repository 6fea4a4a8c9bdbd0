import { expect, test } from "vitest";
import { address } from "../../src/wire/address.ts";
import { emptyLab, link } from "./cluster.ts";

// Linux 6.18, Python sockets without a zone: connect(2) to each of these.
test.for([
  ["tcp", "fe80::1", "EINVAL"],
  ["tcp", "ff02::1", "ENETUNREACH"],
  ["udp", "fe80::1", "EINVAL"],
  ["udp", "ff02::1", "EINVAL"],
] as const)("%s to %s without a zone fails with %s", ([protocol, to, errno]) => {
  const lab = emptyLab();
  link(lab, "n:eth0=02:00:00:00:00:01 m:eth0=02:00:00:00:00:02");
  const { sockets } = lab.ns("n");
  const remote = { address: address(to), port: 80 };
  let seen: string | undefined;
  if (protocol === "udp") {
    seen = sockets.openUdp(remote, {}, { flowKey: "u" }).send({ kind: "bytes", length: 1 })?.errno;
  } else {
    sockets.connectTcp(remote, { failed: (_own, error) => void (seen = error.errno) }, { flowKey: "t" });
    lab.clock.run({ untilNanos: 1e9 });
  }
  expect(seen).toBe(errno);
});
