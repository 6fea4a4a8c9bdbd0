import { expect, test } from "vitest";
import type { LabelSelector } from "../../src/cluster/objects.ts";
import { matches, selectorText } from "../../src/cluster/selector.ts";

type Expression = LabelSelector["matchExpressions"][number];
const by = (...matchExpressions: Expression[]): LabelSelector => ({ matchLabels: {}, matchExpressions });
const labels = (matchLabels: Record<string, string>): LabelSelector => ({ matchLabels, matchExpressions: [] });

// Kubernetes API reference, "LabelSelector"; apimachinery pkg/labels/selector_test.go has the same table in other words.
test.for<{ readonly name: string; readonly selector: LabelSelector; readonly expected: boolean }>([
  { name: "nothing asked", selector: by(), expected: true },
  { name: "a label that is there", selector: labels({ app: "web" }), expected: true },
  { name: "a label with another value", selector: labels({ app: "api" }), expected: false },
  { name: "one of two labels", selector: labels({ app: "web", tier: "back" }), expected: false },
  { name: "In with the value", selector: by({ key: "app", operator: "In", values: ["api", "web"] }), expected: true },
  { name: "In without the key", selector: by({ key: "x", operator: "In", values: ["y"] }), expected: false },
  { name: "NotIn with the value", selector: by({ key: "app", operator: "NotIn", values: ["web"] }), expected: false },
  { name: "NotIn without the key", selector: by({ key: "x", operator: "NotIn", values: ["y"] }), expected: true },
  { name: "Exists", selector: by({ key: "app", operator: "Exists", values: [] }), expected: true },
  { name: "DoesNotExist", selector: by({ key: "app", operator: "DoesNotExist", values: [] }), expected: false },
  {
    name: "a key of every object's prototype",
    selector: by({ key: "constructor", operator: "Exists", values: [] }),
    expected: false,
  },
  {
    name: "two expressions, one false",
    selector: by({ key: "app", operator: "Exists", values: [] }, { key: "tier", operator: "DoesNotExist", values: [] }),
    expected: false,
  },
])("a selector matches: $name", ({ selector, expected }) => {
  expect(matches(selector, { app: "web", tier: "front" })).toBe(expected);
});

test("a selector prints as kubectl takes it", () => {
  const selector = {
    ...by({ key: "a", operator: "NotIn", values: ["b", "c"] }, { key: "d", operator: "DoesNotExist", values: [] }),
    matchLabels: { x: "y" },
  };
  expect(selectorText(selector)).toBe("x=y,a notin (b,c),!d");
  expect(selectorText(by())).toBe("<all>");
});
