import { describe, expect, test } from "vitest";
import type { JudgedTerm, Step } from "../../src/trace/records.ts";
import { splitRule, whyRules } from "../../src/viz/why.ts";

const base = {
  kind: "rule",
  id: 1,
  timeNanos: 0,
  namespace: "node-a",
  text: "",
  hook: "PREROUTING",
  table: "nat",
  chain: "KUBE-SERVICES",
} as const;

function missed(terms: readonly JudgedTerm[]): Step {
  const [first] = terms.filter(({ packet }) => packet !== undefined);
  const { term, packet = "" } = first ?? { term: "" };
  return { ...base, rule: 4, matched: false, failed: [{ rule: 4, term, packet, terms, target: "-j KUBE-SVC-X" }] };
}

describe("what a missed rule would have taken", () => {
  const cases: readonly (readonly [string, readonly JudgedTerm[], string])[] = [
    [
      "one term",
      [{ term: "-p tcp" }, { term: "-m tcp --dport 443", packet: "80" }],
      "It would have come to -j KUBE-SVC-X if --dport 443 held.",
    ],
    [
      "several terms",
      [
        { term: "! -s 10.244.0.0/16", packet: "10.244.0.3" },
        { term: "-d 10.96.0.1/32", packet: "10.96.0.10" },
      ],
      "It would have come to -j KUBE-SVC-X if ! -s 10.244.0.0/16 and -d 10.96.0.1/32 held.",
    ],
    [
      "a term and chance",
      [
        { term: "-p udp", packet: "tcp" },
        { term: "-m statistic --mode random --probability 0.5", open: true },
      ],
      "It would have come to -j KUBE-SVC-X if -p udp held, and if --mode random --probability 0.5 agreed, which cannot be told beforehand.",
    ],
    [
      "a module that is a condition by itself",
      [{ term: "-m socket", packet: "icmp" }],
      "It would have come to -j KUBE-SVC-X if -m socket held.",
    ],
  ];
  test.each(cases)("%s", (_, terms, expected) => {
    const parts = whyRules(missed(terms))[0]?.would ?? [];
    expect(parts.map((part) => (typeof part === "string" ? part : part.code)).join("")).toBe(expected);
  });
});

test("each term of a missed rule held, failed, or cannot be told", () => {
  const [rule] = whyRules(
    missed([
      { term: "-p tcp" },
      { term: "-m tcp --dport 443", packet: "80" },
      { term: "-m limit --limit 1/sec", open: true },
    ]),
  );
  expect(rule?.terms).toEqual([
    { term: "-p tcp", result: "held" },
    { term: "--dport 443", result: "failed", packet: "80" },
    { term: "--limit 1/sec", result: "open" },
  ]);
});

test("a comment is no condition", () => {
  const [rule] = whyRules(
    missed([{ term: '-m comment --comment "shop/web:http \\"a\\""' }, { term: "-p tcp", packet: "udp" }]),
  );
  expect(rule).toMatchObject({ comment: 'shop/web:http "a"', terms: [{ term: "-p tcp", result: "failed" }] });
});

test("of a rule far back in a long run the failing term alone is known", () => {
  const step: Step = {
    ...base,
    rule: 1,
    through: 99,
    matched: false,
    failed: [{ rule: 99, term: "-p udp", packet: "tcp" }],
  };
  expect(whyRules(step)).toEqual([{ rule: 99, terms: [{ term: "-p udp", result: "failed", packet: "tcp" }] }]);
});

/** As iptables-save prints them (facts of kube-proxy, iptables-extensions(8)). */
describe("a rule is cut where its terms begin", () => {
  const cases: readonly (readonly [string, readonly string[], string | undefined])[] = [
    [
      '-d 10.96.0.10/32 -p udp -m comment --comment "kube-system/kube-dns:dns -j cluster IP" -m udp --dport 53 -j KUBE-SVC-X',
      [
        "-d 10.96.0.10/32",
        "-p udp",
        '-m comment --comment "kube-system/kube-dns:dns -j cluster IP"',
        "-m udp --dport 53",
      ],
      "-j KUBE-SVC-X",
    ],
    [
      "! -s 10.244.0.0/16 -m mark ! --mark 0x4000/0x4000 -j RETURN",
      ["! -s 10.244.0.0/16", "-m mark ! --mark 0x4000/0x4000"],
      "-j RETURN",
    ],
    ["-m set --match-set pods src,dst -g NEXT", ["-m set --match-set pods src,dst"], "-g NEXT"],
    [
      "-m statistic --mode random --probability 0.50000000000 -j A",
      ["-m statistic --mode random --probability 0.50000000000"],
      "-j A",
    ],
    ["-j MARK --set-xmark 0x4000/0x4000", [], "-j MARK --set-xmark 0x4000/0x4000"],
    ["-i cni0", ["-i cni0"], undefined],
    ['-m comment --comment "a \\" -m b"', ['-m comment --comment "a \\" -m b"'], undefined],
  ];
  test.each(cases)("%s", (text, terms, target) => {
    expect(splitRule(text)).toEqual({ terms, ...(target !== undefined && { target }) });
  });
});
