import { describe, expect, test } from "vitest";
import { load } from "../../src/vitest/index.ts";

/*
 * Every matcher on the shop of scenarios/shop. What must hold is read off its manifests: web listens on 8080 behind port
 * 80, cart on 7070, and the policy cart-from-web lets web alone call the cart.
 */
const shop = (await load("scenarios/shop")).in("shop");
const client = shop.from("deploy/client");
const answered = client.curl("http://web");
const rejected = client.curl("http://cart:7070");
/** The policy rejects the client here, too, but nobody would have answered it. */
const nobodyListens = (await load("scenarios/shop", { listens: { "shop/deploy/cart": [] } })).in("shop");
/** A node's resolver is not part of the input. */
const unknown = shop.from("node/node-a").curl("http://web.shop");
/** externalTrafficPolicy Local and no pod on node-a: kube-proxy drops what comes from outside. */
const dropped = (await load("test/vitest/local-only.yaml")).from("external").curl("http://172.18.0.2:30080");
const cartFromWeb = { kind: "NetworkPolicy", namespace: "shop", name: "cart-from-web" };

/** The text a matcher fails with. */
function failureOf(assertion: () => void): string {
  try {
    assertion();
  } catch (error) {
    return (error as Error).message;
  }
  throw new Error("the matcher holds");
}

describe("toReach", () => {
  test("holds for the workload that answered, in any way of naming it", () => {
    expect(answered).toReach("deploy/web");
    expect(answered).toReach("shop/deploy/web");
    expect(answered).toReach(`pod/${answered.answeredBy?.split("/")[1]}`);
    expect(answered).not.toReach("deploy/cart");
    expect(rejected).not.toReach("deploy/cart");
  });

  test("fails with who answered instead, and where the packet ended", () => {
    const text = failureOf(() => expect(answered).toReach("deploy/cart"));
    expect(text).toContain("expected `curl http://web` from deploy/client to reach deploy/cart\n");
    expect(text).toMatch(/answered by shop\/web-\S+, expected shop\/cart-\S+\nthe last steps:\n {2}\S+: /);
    expect(text).toMatch(/is an address of shop\/web-\S+ itself .*, so the packet is taken in here\.$/);
    expect(text, "an answered probe was ended by nothing").not.toContain("ended by");
  });

  test("fails with the rule that refused, its owner and the manifest line", () => {
    const lines = failureOf(() => expect(rejected).toReach("deploy/cart")).split("\n");
    expect(lines[1]).toContain("saw refused: curl: (7) Failed to connect to cart port 7070");
    expect(
      lines.slice(2, 8).every((line, index) => (index === 0 ? line === "the last steps:" : /^ {2}\S+: /.test(line))),
    ).toBe(true);
    expect(lines[8]).toMatch(/^ended by: /);
    expect(lines[9]).toMatch(/^ {2}rule: table filter, chain KUBE-\S+, number \d+: .*-j REJECT/);
    expect(lines[10]).toMatch(/^ {2}owner: NetworkPolicy shop\/cart-from-web .* at scenarios\/shop\/policies\.yaml:2$/);
  });

  test("negated, says that it was reached", () => {
    expect(failureOf(() => expect(answered).not.toReach("deploy/web"))).toMatch(
      /^expected `curl http:\/\/web` from deploy\/client not to reach deploy\/web\nanswered by shop\/web-/,
    );
  });

  test("of a name that does not exist shows what the resolver did", () => {
    const text = failureOf(() => expect(client.curl("http://nobody")).toReach("deploy/web"));
    expect(text).toContain("saw name-not-found: curl: (6) Could not resolve host: nobody");
    expect(text).toContain("no name that was tried for nobody exists");
    expect(text, "frames for other hosts end nothing").not.toContain("ended by");
  });

  test("throws for a workload without pods, negated too: a typo must not pass", () => {
    expect(() => expect(answered).not.toReach("deploy/wbe")).toThrow("deploy/wbe has no pods");
  });
});

describe("toBeRejected", () => {
  test("holds for a policy's rejection, with and without its name", () => {
    expect(rejected).toBeRejected();
    expect(rejected).toBeRejected(cartFromWeb);
    expect(rejected).toBeRejected({ name: "cart-*" });
    expect(answered).not.toBeRejected();
    expect(rejected).not.toBeRejected({ kind: "NetworkPolicy", name: "another" });
  });

  test("fails with what was seen", () => {
    expect(failureOf(() => expect(answered).toBeRejected())).toContain(
      "from deploy/client to be rejected\nexpected an answer that refuses, saw answered: HTTP/1.1 200 OK\n",
    );
    expect(failureOf(() => expect(rejected).toBeRejected({ kind: "NetworkPolicy", name: "another" }))).toMatch(
      /to be rejected by NetworkPolicy another\nexpected a REJECT by NetworkPolicy another, saw refused: .* of NetworkPolicy shop\/cart-from-web/,
    );
  });

  test("fails as vacuous when nobody would have answered without the policy either", () => {
    const refusedAnyway = nobodyListens.from("deploy/client").curl("http://cart:7070");
    for (const by of [undefined, cartFromWeb]) {
      expect(failureOf(() => expect(refusedAnyway).toBeRejected(by))).toContain(
        "vacuous: without any NetworkPolicy the same probe is not answered either, but refused: curl: (7)",
      );
    }
    expect(() => expect(refusedAnyway).not.toBeRejected(), "it was rejected all the same").toThrow(
      "not to be rejected",
    );
  });
});

describe("toBeDroppedBy", () => {
  test("holds for the owner of the rule that dropped or rejected", () => {
    expect(dropped).toBeDroppedBy({ kind: "Service", name: "web" });
    expect(rejected).toBeDroppedBy(cartFromWeb);
    expect(dropped).not.toBeDroppedBy(cartFromWeb);
    expect(answered).not.toBeDroppedBy(cartFromWeb);
  });

  test("fails with what dropped it instead", () => {
    const text = failureOf(() => expect(dropped).toBeDroppedBy(cartFromWeb));
    expect(text).toContain(
      "to be dropped by NetworkPolicy shop/cart-from-web\nexpected a DROP by NetworkPolicy shop/cart-from-web",
    );
    expect(text).toContain("saw timed-out: ");
    expect(text).toMatch(/\n {2}rule: table filter, chain KUBE-EXTERNAL-SERVICES, number \d+: .*-j DROP\n/);
    expect(text).toMatch(/\n {2}owner: Service shop\/web \(.*\) at test\/vitest\/local-only\.yaml:\d+$/);
  });

  test("fails as vacuous when the policy is not what keeps the answer away", () => {
    const refusedAnyway = nobodyListens.from("deploy/client").curl("http://cart:7070");
    expect(() => expect(refusedAnyway).toBeDroppedBy(cartFromWeb)).toThrow("vacuous: ");
  });
});

describe("toGoThrough", () => {
  test("holds for places in the order of the packet's way", () => {
    expect(answered).toGoThrough("cni0", "KUBE-SERVICES", "node-b");
    expect(answered).not.toGoThrough("KUBE-NODEPORTS");
  });

  test("fails with the place that was missed, or was visited too early", () => {
    expect(failureOf(() => expect(answered).toGoThrough("KUBE-SERVICES", "flannel.1"))).toContain(
      "to go through KUBE-SERVICES, flannel.1\nflannel.1 was never visited; the packets visited ",
    );
    // Only the first packet of a connection asks kube-proxy's rules.
    const server = answered.answeredBy ?? "";
    expect(failureOf(() => expect(answered).toGoThrough(server, "KUBE-SERVICES"))).toContain(
      `KUBE-SERVICES was not visited after ${server}`,
    );
  });
});

describe("toBeNatedTo", () => {
  test("holds for the address and port that took the Service's place", () => {
    expect(answered).toBeNatedTo("*:8080");
    expect(answered).not.toBeNatedTo("*:80");
  });

  test("fails with what it was rewritten to", () => {
    expect(failureOf(() => expect(answered).toBeNatedTo("*:80"))).toMatch(/saw: rewritten to 10\.244\.\d+\.\d+:8080\n/);
    expect(failureOf(() => expect(rejected).not.toBeNatedTo("*:7070"))).toContain("not to be rewritten to *:7070\n");
  });
});

describe("toPreserveSourceIP", () => {
  test("holds between pods, where kube-proxy does not masquerade", () => {
    expect(answered).toPreserveSourceIP();
  });

  test("fails with the rewrite where a call from outside is masqueraded", async () => {
    const outside = (await load("test/vitest/local-only.yaml")).from("external").curl("http://172.18.0.2:30081");
    expect(outside).toReach("shop/pod/web-0");
    expect(failureOf(() => expect(outside).toPreserveSourceIP())).toMatch(
      /the source was rewritten: \S+ became 172\.18\.0\.2:/,
    );
  });
});

test("an unknown outcome proves nothing, negated or not", () => {
  expect(unknown.outcome).toBe("unknown");
  const failures = [
    failureOf(() => expect(unknown).toReach("deploy/web")),
    failureOf(() => expect(unknown).not.toReach("deploy/web")),
    failureOf(() => expect(unknown).not.toBeRejected()),
    failureOf(() => expect(unknown).not.toGoThrough("cni0")),
    failureOf(() => expect(unknown).toPreserveSourceIP()),
  ];
  for (const text of failures) expect(text).toContain("nothing says how node-a resolves names");
});

test("a trace in a snapshot is the terminal tree", () => {
  const { schemaVersion, exitCode, durationNanos, seed } = answered;
  const probe = { from: "pod/a", run: "ping b" };
  const trace = { schemaVersion, probe, outcome: "answered", message: "1 received", exitCode, durationNanos, seed };
  expect({ ...trace, assumptions: [], events: [], flows: [] }).toMatchInlineSnapshot(`
    ping b  from pod/a
    ✔ answered: 1 received
  `);
});

describe("load", () => {
  test("throws every problem of the input with its place", async () => {
    await expect(load("test/vitest/broken.yaml")).rejects.toThrow(/broken\.yaml:\d+:\d+.*\n.*broken\.yaml:\d+:\d+/);
  });

  test("a sender that does not exist is an error, not a failed probe", () => {
    expect(() => shop.from("pod/nope").curl("http://web")).toThrow("NO_SUCH_SENDER");
  });
});
