import { expect, test } from "vitest";
import { load, node, send } from "./kernel.ts";

/** Linux 6.18 counted one packet for the second rule: the mask of a list is that of its first rule. */
test("a list of `recent` has one mask, whatever later rules say", () => {
  const router = node();
  load(
    router,
    "*filter\n-A FORWARD -m recent --set --name A\n-A FORWARD -m recent --rcheck --name A --mask 255.255.0.0\nCOMMIT\n",
  );
  send(router);
  const chain = router.iptables.ruleset("ipv4").tables.get("filter")?.chains.get("FORWARD");
  expect(chain?.counters?.map((counters) => counters?.packets)).toEqual([1, 1]);
});
