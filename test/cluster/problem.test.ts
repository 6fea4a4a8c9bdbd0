import { expect, test } from "vitest";
import { problemCodes } from "../../src/cluster/codes.ts";
import { ProblemList, hasErrors } from "../../src/cluster/problem.ts";

test("a thousand warnings and more do not make an input wrong, one error among those not shown does", () => {
  const problems = new ProblemList();
  for (let index = 0; index < 1500; index++) problems.add("SELECTOR_MATCHES_NOTHING", `warning ${index}`);
  expect(problems.sorted().at(-1)).toMatchObject({ code: "TOO_MANY_PROBLEMS", severity: "warning" });
  expect(hasErrors(problems.sorted())).toBe(false);
  problems.add("BAD_CIDR", "an error");
  expect(problems.sorted().at(-1)).toMatchObject({
    severity: "error",
    message: "501 more problems are not shown",
  });
  problems.clear();
  expect(problems.sorted()).toEqual([]);
});

test("every code says what it means and what to do", () => {
  for (const [code, { means, fix, source }] of Object.entries(problemCodes)) {
    expect(code).toMatch(/^[A-Z][A-Z_]+$/);
    for (const text of [means, fix]) expect(text, code).toMatch(/^[A-Z`].*\.$/s);
    expect(source, code).not.toBe("");
  }
});
