import { existsSync, readFileSync, readdirSync } from "node:fs";
import { join } from "node:path";
import { describe, expect, test } from "vitest";
import { buildCluster } from "../../src/cluster/build.ts";
import { type Loaded, type ManifestSource, loadManifests } from "../../src/cluster/load/load.ts";
import { problemText } from "../../src/cluster/problem.ts";
import { hostLocal } from "../../src/cni/ipam/host-local.ts";

const root = join(import.meta.dirname, "../..");
const referee = join(root, "test/referee");
const shared = join(root, "../shared");

function filesIn(folder: string, ending: string): string[] {
  return readdirSync(folder, { recursive: true, encoding: "utf8" })
    .filter((file) => file.endsWith(ending))
    .toSorted()
    .map((file) => join(folder, file));
}

function load(file: string, lenient = false): Loaded {
  return loadManifests(sourcesOf(file), { lenient });
}

/** The cases of policies hold their manifests inside, by file name. */
function sourcesOf(file: string): ManifestSource[] {
  const text = readFileSync(file, "utf8");
  if (!file.includes("netpol")) return [{ name: file, text }];
  const { manifests } = JSON.parse(text) as { readonly manifests: Readonly<Record<string, string>> };
  return Object.entries(manifests).map(([name, manifest]) => ({ name, text: manifest }));
}

function errorsOf(file: string, lenient = false): string[] {
  const { problems } = buildCluster(load(file, lenient), { allocatePodIPs: hostLocal, lenient });
  return problems.filter(({ severity }) => severity === "error").map(problemText);
}

const recorded = [
  ...filesIn(join(referee, "kube-proxy/inputs"), ".json"),
  ...filesIn(join(referee, "kernel"), "input.json"),
  ...filesIn(join(referee, "netpol"), ".json"),
  join(referee, "dns/shop.yaml"),
];

test("the inputs of all recorded cases load without errors", () => {
  expect(recorded.length).toBeGreaterThan(60);
  expect(recorded.flatMap((file) => errorsOf(file))).toEqual([]);
});

test("what kube-proxy was given is used as it stands", () => {
  for (const file of recorded.filter((name) => !name.includes("netpol") && !name.includes("m-update"))) {
    const loaded = load(file);
    const { cluster } = buildCluster(loaded, { allocatePodIPs: hostLocal });
    const stated = (kind: string): object[] => loaded.objects.filter((object) => object.kind === kind);
    const slices = cluster?.endpointSlices.filter(({ endpoints }) => endpoints.length > 0) ?? [];
    const given = stated("EndpointSlice") as typeof slices;
    expect(new Set(slices), file).toEqual(new Set(given.filter(({ endpoints }) => endpoints.length > 0)));
    expect(new Set(cluster?.services), file).toEqual(new Set(stated("Service")));
  }
});

const present = existsSync(shared);
if (!present && process.env["KUBEHOP_REQUIRE"] === "all") throw new Error("../shared is not there");
if (!present) console.warn("skipped: ../shared is not there, so other projects' manifests cannot be read");

describe.skipIf(!present)("other projects' manifests", () => {
  test("the Online Boutique loads as it stands, with and without its policies", () => {
    const folder = join(shared, "manifests/online-boutique");
    const files = filesIn(folder, ".yaml");
    const sources = files.map((name) => ({ name, text: readFileSync(name, "utf8") }));
    const { cluster, problems } = buildCluster(loadManifests(sources), { allocatePodIPs: hostLocal });
    expect(problems).toEqual([]);
    expect(cluster?.workloads.filter(({ metadata }) => metadata.namespace === "default")).toHaveLength(12);
    expect(cluster?.services.filter(({ metadata }) => metadata.namespace === "default")).toHaveLength(13);
    expect(cluster?.networkPolicies).toHaveLength(13);
    expect(cluster?.pods.every(({ status }) => status.podIPs.length === 1)).toBe(true);
    expect(errorsOf(join(folder, "kubernetes-manifests.yaml"))).toEqual([]);
  });

  // What these suites hold and the API server refuses; the suites never went through one.
  const refused: Readonly<Record<string, string>> = {
    "npa-acs-security-demos-added-workloads.json": "DUPLICATE_OBJECT",
    "npa-anp_test_1_deny_traffic_at_cluster_level.json": "SELECTOR_MISMATCH",
    "npa-anp_test_2_allow_traffic_at_cluster_level.json": "SELECTOR_MISMATCH",
    "npa-anp_test_ingress_egress_intersection.json": "SELECTOR_MISMATCH",
    "npa-multiple_ingress_objects_with_different_ports.json": "SERVICE_PORT_NAME",
    "npa-multiple_ingress_objects_with_different_ports_new.json": "SERVICE_PORT_NAME",
    "npa-netpol_named_port_test.json": "REQUIRED",
    "npa-netpol_named_port_test_2.json": "REQUIRED",
    "npa-one_ingress_multiple_ports.json": "SERVICE_PORT_NAME",
    "npa-one_ingress_multiple_services.json": "SERVICE_PORT_NAME",
    "npa-services.json": "CLUSTER_IP_TAKEN",
    "npa-workload_resources.json": "BAD_API_VERSION",
  };

  test("the suites of policies load but for what the API server refuses, and leniently all of them", () => {
    const files = filesIn(join(shared, "suites/netpol"), ".json");
    expect(files.length).toBeGreaterThan(300);
    const failing = files.flatMap((file) => {
      const [first] = errorsOf(file);
      return first === undefined ? [] : [{ file, code: / error (\w+):/.exec(first)?.[1] ?? first }];
    });
    expect(Object.fromEntries(failing.map(({ file, code }) => [file.replace(/.*\//, ""), code]))).toEqual(refused);
    expect(failing.flatMap(({ file }) => errorsOf(file, true))).toEqual([]);
  });
});
