import { expect, test } from "vitest";
import { seededChance } from "../../src/kernel/chance.ts";
import { nanosPerMilli } from "../../src/kernel/clock.ts";
import { addRoute } from "../../src/kernel/routes.ts";
import { address } from "../../src/wire/address.ts";
import { parseCidr } from "../../src/wire/cidr.ts";
import type { Mac } from "../../src/wire/mac.ts";
import { type Lab, addr, emptyLab, link, ping, route, run } from "./cluster.ts";

/** a -- r -- c: r answers for c's network on the side of a. */
function proxy(delay?: number): Lab {
  const lab = emptyLab();
  link(lab, "a:eth0=02:00:00:00:01:02 r:la=02:00:00:00:01:01");
  link(lab, "r:lc=02:00:00:00:03:01 c:eth0=02:00:00:00:03:02");
  const r = lab.ns("r");
  r.sysctls.set("net.ipv4.ip_forward", 1);
  r.sysctls.set("net.ipv4.conf.la.proxy_arp", 1);
  if (delay !== undefined) r.sysctls.set("net.ipv4.neigh.la.proxy_delay", delay);
  addr(lab.ns("a"), "eth0", "10.0.0.2/16");
  addr(r, "la", "10.0.1.1/24");
  addRoute(r, { destination: parseCidr("10.0.0.2/32")!, device: "la" });
  addr(r, "lc", "10.0.3.1/24");
  addr(lab.ns("c"), "eth0", "10.0.3.2/24");
  route(lab.ns("c"), "default", "10.0.3.1");
  return lab;
}

function answeredAfterMillis(lab: Lab): number {
  const neighbours = lab.ns("a").neighbours;
  let at = Number.NaN;
  const look = (): void => {
    if (neighbours.get("eth0", address("10.0.3.2"))?.mac !== undefined) at = lab.clock.nowNanos() / nanosPerMilli;
    else lab.clock.after(nanosPerMilli, look);
  };
  look();
  run(lab, "a", ping("10.0.0.2", "10.0.3.2"));
  return at;
}

// pneigh_enqueue() in net/core/neighbour.c; measured on Linux 6.18: 20 answers between 0.02 and 0.79 s.
test("an answer for others waits a random part of proxy_delay, 0.8 s by default", () => {
  const seen = [1, 2, 3, 4, 5, 6].map((seed) => {
    const lab = proxy();
    (lab.ns("r").surroundings as { chance: unknown }).chance = seededChance(seed);
    return answeredAfterMillis(lab);
  });
  expect(Math.max(...seen)).toBeGreaterThan(100);
  expect(Math.max(...seen)).toBeLessThan(801);
  expect(new Set(seen).size).toBeGreaterThan(3);
});

test("with proxy_delay=0 (Calico sets it) it comes at once", () => {
  expect(answeredAfterMillis(proxy(0))).toBeLessThan(2);
});

// arp_process() in net/ipv4/arp.c: locktime, 1 s.
test("of two hosts that answer for one address, the first counts within the lock time", () => {
  const lab = proxy();
  const { neighbours } = lab.ns("a");
  const twin = address("10.0.0.9");
  const hear = (mac: string): string | undefined => {
    neighbours.learn("eth0", twin, mac as Mac, { create: true, solicited: true, override: false });
    return neighbours.get("eth0", twin)?.mac;
  };
  expect(hear("02:00:00:00:00:aa")).toBe("02:00:00:00:00:aa");
  expect(hear("02:00:00:00:00:bb")).toBe("02:00:00:00:00:aa");
  lab.clock.after(1001 * nanosPerMilli, () => undefined);
  lab.clock.run();
  expect(hear("02:00:00:00:00:bb")).toBe("02:00:00:00:00:bb");
});
