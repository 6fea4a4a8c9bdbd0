import type { ConfigMap, Namespace, Node } from "../objects.ts";
import { readAddress, readCidr, refuseSecondOfFamily } from "./addresses.ts";
import { readMeta } from "./meta.ts";
import type { Reader } from "./reader.ts";

const nodeSpecFields: ReadonlySet<string> = new Set([
  "configSource",
  "externalID",
  "podCIDR",
  "podCIDRs",
  "providerID",
  "taints",
  "unschedulable",
]);

export function readNode(object: Reader): Node {
  const spec = object.objectOrEmpty("spec");
  spec.onlyFields(nodeSpecFields);
  const listed = spec.strings("podCIDRs");
  const single = spec.string("podCIDR") ?? "";
  const stated = listed.length > 0 ? listed : single === "" ? [] : [single];
  const key = listed.length > 0 ? "podCIDRs" : "podCIDR";
  if (listed.length > 0 && single !== "" && listed[0] !== single) {
    spec.invalid("BAD_VALUE", "podCIDRs", listed, "must contain the podCIDR as its first entry");
  }
  const podCIDRs = stated.flatMap((text, index) => readCidr(spec, listed.length > 0 ? [key, index] : key, text) ?? []);
  refuseSecondOfFamily(spec, key, podCIDRs, "CIDR");
  const status = object.objectOrEmpty("status");
  const addresses = status.objects("addresses");
  const allocatableMilliCpu = readMilliCpu(status.objectOrEmpty("allocatable"));
  const condition = status.objects("conditions").find((entry) => entry.get("type") === "Ready");
  const taints = spec.objects("taints");
  return {
    kind: "Node",
    metadata: readMeta(object, "subdomain", ""),
    spec: {
      podCIDRs,
      ...(taints.length > 0 && { taints: taints.map(readTaint) }),
      ...(spec.boolean("unschedulable") === true && { unschedulable: true }),
    },
    status: {
      addresses: addresses.map(readNodeAddress),
      ...(allocatableMilliCpu !== undefined && { allocatableMilliCpu }),
      ...(condition !== undefined && condition.get("status") !== "True" && { ready: false }),
    },
  };
}

/** A quantity of CPUs: `4`, `3920m`, `0.5`. apimachinery pkg/api/resource (ParseQuantity). */
function readMilliCpu(allocatable: Reader): number | undefined {
  const stated = allocatable.get("cpu");
  if (stated === undefined) return undefined;
  const [, number, unit] = /^(\d+(?:\.\d*)?|\.\d+)(m|k)?$/.exec(String(stated)) ?? [];
  if (number === undefined) {
    allocatable.report("BAD_VALUE", "cpu", `\`${String(stated)}\` is no quantity of CPUs`, "Write it as 4 or 3920m.");
    return undefined;
  }
  const factor = unit === "m" ? 1 : unit === "k" ? 1_000_000 : 1000;
  return Math.ceil(Number(number) * factor);
}

function readTaint(taint: Reader): NonNullable<Node["spec"]["taints"]>[number] {
  const value = taint.string("value");
  return {
    key: taint.requiredString("key"),
    ...(value !== undefined && { value }),
    effect: taint.oneOf("effect", ["NoSchedule", "PreferNoSchedule", "NoExecute"]) ?? "NoSchedule",
  };
}

function readNodeAddress(entry: Reader): Node["status"]["addresses"][number] {
  const type = entry.requiredString("type");
  const address = entry.requiredString("address");
  if (!type.endsWith("IP") || address === "") return { type, address };
  return { type, address: readAddress(entry, "address", address) ?? address };
}

/** The API server labels every namespace with its name (KEP-2161). */
export function readNamespace(object: Reader): Namespace {
  const metadata = readMeta(object, "label", "");
  return {
    kind: "Namespace",
    metadata: { ...metadata, labels: { ...metadata.labels, [namespaceNameLabel]: metadata.name } },
  };
}

export const namespaceNameLabel = "kubernetes.io/metadata.name";

export function readConfigMap(object: Reader, namespace: string): ConfigMap {
  return { kind: "ConfigMap", metadata: readMeta(object, "subdomain", namespace), data: object.stringMap("data") };
}
