import { expect, test } from "vitest";
import { load, node, send } from "./kernel.ts";

/**
 * A router copies what it forwards, and what it sends. Which rules counted two SYNs and their copies on Linux 6.18: a
 * copy is untracked, and is not copied again (test/root/differential.test.ts has TEE among its random rules).
 */
test("a copy goes through OUTPUT and POSTROUTING, untracked, and is not copied itself", () => {
  const router = node();
  load(
    router,
    [
      "*mangle",
      "-A FORWARD -j TEE --gateway 10.0.0.9",
      "-A FORWARD -p tcp --dport 80",
      "-A OUTPUT -j TEE --gateway 10.0.0.9",
      "-A OUTPUT -m conntrack --ctstate UNTRACKED",
      "-A POSTROUTING -o eth0 -p tcp --dport 80",
      "COMMIT",
      "",
    ].join("\n"),
  );
  expect([send(router).verdict, send(router).verdict]).toEqual(["accept", "accept"]);
  const counted = (name: string): readonly unknown[] => {
    const { counters = [] } = router.iptables.chain("ipv4", "mangle", name) ?? {};
    return counters.map((own) => `${own?.packets}:${own?.bytes}`);
  };
  expect([counted("FORWARD"), counted("OUTPUT"), counted("POSTROUTING")]).toEqual([
    ["2:120", "2:120"],
    ["2:120", "2:120"],
    ["2:120"],
  ]);
});
