import { execFileSync } from "node:child_process";
import { existsSync } from "node:fs";
import { cpus } from "node:os";
import { join, resolve } from "node:path";
import { pageBytes } from "./page-size.ts";

/*
 * All figures with their budgets as one JSON object on stdout; what runs is said on stderr. Each figure is taken in a
 * process of its own. `npm run bench [-- --scale]`: the cluster of 5,000 nodes takes minutes and is left out unless asked for.
 */

interface Figure {
  readonly value: number;
  readonly unit: string;
  /** At most this, or for rates at least this; absent where none is set. */
  readonly budget?: number;
}

const root = resolve(import.meta.dirname, "..");
const cli = join(root, "dist/cli/kubehop.js");
const boutique = resolve(root, "../shared/manifests/online-boutique");
const figures: Record<string, Figure> = {};
const notes: string[] = [];

if (existsSync(boutique)) {
  const { loadMillis, traceMillis } = measured(
    "first-trace.ts",
    boutique,
    "deploy/frontend",
    "curl http://productcatalogservice:3550",
  );
  figures["online-boutique: manifests to trace, cold"] = { value: round(loadMillis + traceMillis), unit: "ms" };
} else notes.push("online-boutique: left out, there is no ../shared/manifests/online-boutique");

if (existsSync(cli)) {
  figures["start of node alone"] = { value: fastest(["-e", "0"]), unit: "ms" };
  figures["start of kubehop --version"] = { value: fastest([cli, "--version"]), unit: "ms", budget: 120 };
  const curl = [
    "trace",
    "--scenario",
    "scenarios/curl-service.yaml",
    "--from",
    "shop/pod/client",
    "curl",
    "http://web",
  ];
  figures["start of kubehop trace, to its end"] = { value: fastest([cli, ...curl]), unit: "ms", budget: 300 };
  const page = join(root, "dist/web");
  figures["page: before anything is run, gzipped"] = { value: pageBytes(page, { engine: false }), unit: "bytes" };
  figures["page: with the engine, gzipped"] = {
    value: pageBytes(page, { engine: true }),
    unit: "bytes",
    budget: 150 * 1024,
  };
} else notes.push("start of kubehop and page: left out, there is no dist; npm run build makes it");

for (const services of [100, 1_000, 10_000]) {
  const { flowsPerSecond } = measured("new-flows.ts", services);
  figures[`new UDP flows, not recorded, ${services} Services`] = {
    value: flowsPerSecond,
    unit: "1/s of CPU",
    budget: 435_000,
  };
  const { micros } = measured("recorded-packet.ts", services);
  figures[`SYN through a node, recorded, ${services} Services`] = { value: micros, unit: "us" };
  const traced = measured("traced-curl.ts", services);
  figures[`traced curl, ${services} Services`] = { value: traced.traceMillis, unit: "ms", budget: 5 };
  figures[`traced curl, the first one, ${services} Services`] = { value: traced.firstTraceMillis, unit: "ms" };
  figures[`traced steps, ${services} Services`] = { value: traced.stepsPerSecond, unit: "1/s" };
}

const rules = measured("kube-proxy.ts", "10000x10");
figures["objects to rules of a node, 10,000 Services x 10"] = { value: rules.rulesMillis, unit: "ms", budget: 560 };
figures["the same, chains of Services when a packet comes"] = { value: rules.syncMillis, unit: "ms" };
figures["the same, of each of 99 further nodes"] = { value: rules.furtherNodeMillis, unit: "ms" };
figures["the same, memory of the process"] = { value: rules.rssMegabytes, unit: "MB", budget: 500 };
figures["rules after one EndpointSlice changed"] = { value: rules.oneSliceMillisMedian, unit: "ms", budget: 5 };

const edits = measured("edit.ts");
figures["edit of an EndpointSlice to new trace, 10,000 Services"] = {
  value: edits.slice.runningMillis,
  unit: "ms",
  budget: 50,
};
figures["a new Service to new trace, 10,000 Services"] = { value: edits.service.runningMillis, unit: "ms", budget: 50 };

if (process.argv.includes("--scale")) {
  const scale = measured("traced-curl.ts", 10_000, 150_000, 5_000);
  const name = "5,000 nodes, 150,000 pods, 10,000 Services, JSON to first trace";
  figures[name] = { value: scale.loadMillis + scale.firstTraceMillis, unit: "ms", budget: 10_000 };
  figures[`${name}: memory`] = { value: scale.rssMegabytes, unit: "MB", budget: 2_000 };
} else notes.push("5,000 nodes: left out without --scale");

console.log(
  JSON.stringify({ node: process.version, cpu: cpus()[0]?.model, cpus: cpus().length, notes, figures }, null, 2),
);

/** What a benchmark's own process prints. */
function measured(script: string, ...args: readonly (string | number)[]): Measured {
  process.stderr.write(`${script} ${args.join(" ")}\n`);
  const node = ["--expose-gc", "--import", "tsx", join(import.meta.dirname, script), ...args.map(String)];
  return JSON.parse(execFileSync(process.execPath, node, { cwd: root, encoding: "utf8" })) as Measured;
}

/** The figures that the benchmarks' processes print and that are read here. */
interface Measured {
  readonly loadMillis: number;
  readonly traceMillis: number;
  readonly firstTraceMillis: number;
  readonly stepsPerSecond: number;
  readonly flowsPerSecond: number;
  readonly micros: number;
  readonly rulesMillis: number;
  readonly syncMillis: number;
  readonly furtherNodeMillis: number;
  readonly slice: { readonly runningMillis: number };
  readonly service: { readonly runningMillis: number };
  readonly rssMegabytes: number;
  readonly oneSliceMillisMedian: number;
}

/** Wall-clock time of a run of node, the best of seven, milliseconds. */
function fastest(args: readonly string[]): number {
  process.stderr.write(`node ${args.join(" ")}\n`);
  const runs = Array.from({ length: 7 }, () => {
    const start = performance.now();
    execFileSync(process.execPath, args, { cwd: root, stdio: "ignore" });
    return performance.now() - start;
  });
  return round(Math.min(...runs));
}

function round(value: number): number {
  return Math.round(value * 10) / 10;
}
