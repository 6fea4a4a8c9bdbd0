import type { ObjectMeta } from "../objects.ts";
import {
  dns1035Rule,
  dnsLabelRule,
  dnsSubdomainRule,
  isDns1035Label,
  isDnsLabel,
  isDnsSubdomain,
  readLabels,
} from "./names.ts";
import type { Reader } from "./reader.ts";

const metaFields: ReadonlySet<string> = new Set([
  "name",
  "generateName",
  "namespace",
  "labels",
  "annotations",
  "ownerReferences",
  "deletionTimestamp",
  "finalizers",
  "uid",
  "resourceVersion",
  "generation",
  "creationTimestamp",
  "deletionGracePeriodSeconds",
  "managedFields",
  "selfLink",
]);

/** A copy of the whole object that kubectl keeps: as large as the object, and nobody reads it here. */
const lastApplied = "kubectl.kubernetes.io/last-applied-configuration";

export type NameRule = "label" | "label-1035" | "subdomain";

/** Reads `metadata`. `namespace` is the one of objects that state none; "" makes the object cluster-scoped. */
export function readMeta(object: Reader, rule: NameRule, namespace: string): ObjectMeta {
  const meta = object.objectOrEmpty("metadata");
  meta.onlyFields(metaFields);
  const stated = meta.string("namespace") ?? "";
  if (stated !== "" && !isDnsLabel(stated)) meta.invalid("BAD_NAME", "namespace", stated, dnsLabelRule);
  const owners = meta.objects("ownerReferences");
  const deletionTimestamp = meta.string("deletionTimestamp");
  return {
    name: readName(meta, rule),
    namespace: namespace === "" ? "" : stated === "" ? namespace : stated,
    labels: readLabels(meta, "labels"),
    annotations: readAnnotations(meta),
    ...(owners.length > 0 && {
      ownerReferences: owners.map((owner) => ({ kind: owner.string("kind") ?? "", name: owner.string("name") ?? "" })),
    }),
    ...(deletionTimestamp !== undefined && { deletionTimestamp }),
  };
}

function readName(meta: Reader, rule: NameRule): string {
  const generate = meta.string("generateName");
  // The API server appends five random letters; a fixed text keeps runs repeatable.
  const name = meta.string("name") ?? (generate === undefined ? undefined : `${generate}x7k2p`);
  if (name === undefined || name === "") {
    meta.required("name");
    return "";
  }
  if (!followsRule(name, rule)) {
    const fix = rule === "label-1035" && /^[0-9]/.test(name) ? "A Service's name must begin with a letter." : undefined;
    meta.invalid(
      "BAD_NAME",
      "name",
      name,
      name.length > longest[rule] ? `must be no more than ${longest[rule]} characters` : rules[rule],
      fix,
    );
  }
  return name;
}

const rules: Readonly<Record<NameRule, string>> = {
  label: dnsLabelRule,
  "label-1035": dns1035Rule,
  subdomain: dnsSubdomainRule,
};
const longest: Readonly<Record<NameRule, number>> = { label: 63, "label-1035": 63, subdomain: 253 };

function followsRule(name: string, rule: NameRule): boolean {
  switch (rule) {
    case "label":
      return isDnsLabel(name);
    case "label-1035":
      return isDns1035Label(name);
    case "subdomain":
      return isDnsSubdomain(name);
  }
}

export function readAnnotations(meta: Reader): Readonly<Record<string, string>> {
  const annotations = meta.stringMap("annotations");
  if (!Object.hasOwn(annotations, lastApplied)) return annotations;
  return Object.fromEntries(Object.entries(annotations).filter(([key]) => key !== lastApplied));
}

/** Of an object whose metadata is not worth a check: a kind that is not modelled. */
export function readLooseMeta(object: Reader): ObjectMeta {
  const meta = object.objectOrEmpty("metadata");
  return {
    name: meta.string("name") ?? meta.string("generateName") ?? "",
    namespace: meta.string("namespace") ?? "",
    labels: meta.stringMap("labels"),
    annotations: readAnnotations(meta),
  };
}
