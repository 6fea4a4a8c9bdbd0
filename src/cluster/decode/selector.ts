import type { LabelSelector } from "../objects.ts";
import { checkLabel, readLabels } from "./names.ts";
import type { Reader } from "./reader.ts";

const selectorFields: ReadonlySet<string> = new Set(["matchLabels", "matchExpressions"]);
const expressionFields: ReadonlySet<string> = new Set(["key", "operator", "values"]);

/** Selects everything. */
export const everything: LabelSelector = { matchLabels: {}, matchExpressions: [] };

/** Reads a LabelSelector. apimachinery pkg/apis/meta/v1/validation (ValidateLabelSelector). */
export function readSelector(selector: Reader): LabelSelector {
  selector.onlyFields(selectorFields);
  return {
    matchLabels: readLabels(selector, "matchLabels"),
    matchExpressions: selector.objects("matchExpressions").map(readExpression),
  };
}

function readExpression(expression: Reader): LabelSelector["matchExpressions"][number] {
  expression.onlyFields(expressionFields);
  const key = expression.requiredString("key");
  if (!expression.has("operator")) expression.required("operator");
  const operator = expression.oneOf("operator", ["In", "NotIn", "Exists", "DoesNotExist"]);
  const values = expression.strings("values");
  const needsValues = operator === "In" || operator === "NotIn";
  if (operator !== undefined && needsValues !== values.length > 0) {
    const message = `operator ${operator} ${needsValues ? "needs at least one value" : "takes no values"}`;
    expression.report("BAD_SELECTOR", needsValues ? "" : "values", message);
  }
  checkLabel(expression, [], key, values);
  return { key, operator: operator ?? "Exists", values };
}
