import type { Node as YamlNode } from "yaml";
import type { OwnerPattern } from "../analysis/checks.ts";
import type { Outcome } from "../trace/records.ts";
import { readEvent } from "./read-event.ts";
import type { Reader } from "./reader.ts";
import type { Expectation, PortSpec, Scenario, ScenarioCluster, ScenarioFlow } from "./scenario.ts";

type Maybe = YamlNode | null | undefined;
type Members = ReadonlyMap<string, YamlNode>;

const outcomes: readonly Outcome[] = [
  "answered",
  "refused",
  "reset",
  "timed-out",
  "unreachable",
  "name-not-found",
  "dns-error",
  "unknown",
];

/** Reads the first document of a scenario file; undefined when it is too broken to go on. */
export function readScenario(reader: Reader, root: Maybe): Scenario | undefined {
  const members = reader.members(root, "a scenario", [
    "name",
    "about",
    "cluster",
    "manifests",
    "listens",
    "upstream",
    "events",
    "flows",
  ]);
  const name = reader.required(members, "name", root, "a scenario");
  const about = reader.string(members.get("about"), "about");
  const scenario = {
    cluster: readCluster(reader, members.get("cluster")),
    manifests: reader.items(members.get("manifests"), "manifests").flatMap((item) => {
      const path = reader.string(item, "manifests");
      return path === undefined ? [] : [{ path, place: reader.place(item) }];
    }),
    listens: readListens(reader, members.get("listens")),
    listenPlaces: new Map(
      [...reader.members(members.get("listens"), "listens", [])].map(([who, ports]) => [who, reader.place(ports)]),
    ),
    events: reader.items(members.get("events"), "events").flatMap((item) => readEvent(reader, item) ?? []),
    flows: reader.items(members.get("flows"), "flows").flatMap((item) => readFlow(reader, item) ?? []),
  };
  if (name === undefined) return undefined;
  const upstream = members.has("upstream") ? readUpstream(reader, members.get("upstream")) : undefined;
  return { name, ...(upstream && { upstream }), ...(about !== undefined && { about }), ...scenario };
}

const clusterKeys = [
  "nodes",
  "seed",
  "cni",
  "proxyMode",
  "podCidrs",
  "serviceCidrs",
  "clusterDomain",
  "networkPolicy",
  "kubeVersion",
  "ipvsScheduler",
  "kubeProxy",
  "masqueradeLeavingCluster",
  "bridgeNfCallIptables",
  "kernel",
] as const;

function readCluster(reader: Reader, node: Maybe): ScenarioCluster {
  const members = reader.members(node, "cluster", clusterKeys);
  const cluster: Record<string, unknown> = {};
  for (const [key, value] of members) cluster[key] = readSetting(reader, key as (typeof clusterKeys)[number], value);
  return Object.fromEntries(Object.entries(cluster).filter(([, value]) => value !== undefined));
}

function readSetting(reader: Reader, key: (typeof clusterKeys)[number], node: YamlNode): unknown {
  switch (key) {
    case "nodes":
    case "seed":
      return reader.integer(node, `cluster.${key}`);
    case "podCidrs":
    case "serviceCidrs":
      return reader.strings(node, `cluster.${key}`);
    case "masqueradeLeavingCluster":
    case "bridgeNfCallIptables":
      return reader.boolean(node, `cluster.${key}`);
    case "kubeProxy":
      return readKubeProxy(reader, node);
    case "networkPolicy":
      return reader.oneOf(node, "cluster.networkPolicy", ["enforced", "none"]);
    case "cni":
    case "proxyMode":
    case "clusterDomain":
    case "kubeVersion":
    case "ipvsScheduler":
    case "kernel":
      return reader.string(node, `cluster.${key}`);
  }
}

const kubeProxyKeys = [
  "masqueradeAll",
  "masqueradeBit",
  "nodePortAddresses",
  "localhostNodePorts",
  "detectLocalMode",
  "bridgeInterface",
  "interfaceNamePrefix",
  "clusterCidrs",
  "ipvsStrictArp",
];

function readKubeProxy(reader: Reader, node: YamlNode): NonNullable<ScenarioCluster["kubeProxy"]> {
  const members = reader.members(node, "cluster.kubeProxy", kubeProxyKeys);
  const at = (key: string): [Maybe, string] => [members.get(key), `cluster.kubeProxy.${key}`];
  const modes = ["ClusterCIDR", "NodeCIDR", "BridgeInterface", "InterfaceNamePrefix"] as const;
  const options = {
    masqueradeAll: reader.boolean(...at("masqueradeAll")),
    masqueradeBit: reader.integer(...at("masqueradeBit")),
    nodePortAddresses: members.has("nodePortAddresses") ? reader.strings(...at("nodePortAddresses")) : undefined,
    localhostNodePorts: reader.boolean(...at("localhostNodePorts")),
    detectLocalMode: reader.oneOf(...at("detectLocalMode"), modes),
    bridgeInterface: reader.string(...at("bridgeInterface")),
    interfaceNamePrefix: reader.string(...at("interfaceNamePrefix")),
    clusterCidrs: members.has("clusterCidrs") ? reader.strings(...at("clusterCidrs")) : undefined,
    ipvsStrictArp: reader.boolean(...at("ipvsStrictArp")),
  };
  return Object.fromEntries(Object.entries(options).filter(([, value]) => value !== undefined));
}

function readListens(reader: Reader, node: Maybe): Scenario["listens"] {
  const entries: [string, readonly PortSpec[]][] = [];
  for (const [who, ports] of reader.members(node, "listens", [])) {
    entries.push([who, reader.items(ports, `listens.${who}`).flatMap((port) => readPort(reader, port) ?? [])]);
  }
  return Object.fromEntries(entries);
}

function readUpstream(reader: Reader, node: Maybe): NonNullable<Scenario["upstream"]> {
  const names = [...reader.members(node, "upstream", [])].map(([name, types]) => {
    const records = [...reader.members(types, `upstream.${name}`, ["A", "AAAA", "CNAME"])];
    return [
      name,
      Object.fromEntries(records.map(([type, values]) => [type, reader.strings(values, `upstream.${name}.${type}`)])),
    ];
  });
  return Object.fromEntries(names);
}

function readPort(reader: Reader, node: YamlNode): PortSpec | undefined {
  const text = reader.string(node, "a port");
  if (text === undefined) return undefined;
  const match = /^(\d+)(?:\/(tcp|udp|sctp))?$/i.exec(text);
  const port = Number(match?.[1]);
  if (!match || port < 1 || port > 65535) {
    return reader.problem("BAD_VALUE", node, `\`${text}\` is no port; write 8080 or 53/udp`);
  }
  return { port, protocol: (match[2]?.toLowerCase() ?? "tcp") as PortSpec["protocol"] };
}

function readFlow(reader: Reader, node: YamlNode): ScenarioFlow | undefined {
  const members = reader.members(node, "a flow", ["name", "at", "from", "run", "expect"]);
  const from = reader.required(members, "from", node, "a flow");
  const run = reader.required(members, "run", node, "a flow");
  const atNanos = reader.duration(members.get("at"), "at");
  const name = reader.string(members.get("name"), "name");
  const expect = members.has("expect") ? readExpectation(reader, members.get("expect")) : undefined;
  if (from === undefined || run === undefined) return undefined;
  return {
    name: name ?? `${run} from ${from}`,
    from,
    run,
    place: reader.place(node),
    ...(atNanos !== undefined && { atNanos }),
    ...(expect && { expect }),
  };
}

const expectationKeys = [
  "outcome",
  "message",
  "reaches",
  "reachesOnly",
  "goesThrough",
  "notThrough",
  "natTo",
  "preservesSource",
  "droppedBy",
  "rejectedBy",
  "takesUnder",
  "takesOver",
];

function readExpectation(reader: Reader, node: Maybe): Expectation {
  const members = reader.members(node, "expect", expectationKeys);
  const fields: { readonly [K in keyof Expectation]: Expectation[K] | undefined } = {
    outcome: reader.oneOf(members.get("outcome"), "expect.outcome", outcomes),
    message: reader.string(members.get("message"), "expect.message"),
    reaches: reader.string(members.get("reaches"), "expect.reaches"),
    reachesOnly: listOf(reader, members, "reachesOnly"),
    goesThrough: listOf(reader, members, "goesThrough"),
    notThrough: listOf(reader, members, "notThrough"),
    natTo: reader.string(members.get("natTo"), "expect.natTo"),
    preservesSource: reader.boolean(members.get("preservesSource"), "expect.preservesSource"),
    droppedBy: ownerOf(reader, members, "droppedBy"),
    rejectedBy: ownerOf(reader, members, "rejectedBy"),
    takesUnderNanos: reader.duration(members.get("takesUnder"), "expect.takesUnder"),
    takesOverNanos: reader.duration(members.get("takesOver"), "expect.takesOver"),
  };
  return Object.fromEntries(Object.entries(fields).filter(([, value]) => value !== undefined)) as Expectation;
}

function listOf(reader: Reader, members: Members, key: string): readonly string[] | undefined {
  return members.has(key) ? reader.strings(members.get(key), `expect.${key}`) : undefined;
}

function ownerOf(reader: Reader, members: Members, key: string): OwnerPattern | undefined {
  if (!members.has(key)) return undefined;
  const owner = reader.members(members.get(key), `expect.${key}`, ["kind", "namespace", "name"]);
  return Object.fromEntries(
    [...owner].flatMap(([name, node]) => {
      const text = reader.string(node, `expect.${key}.${name}`);
      return text === undefined ? [] : [[name, text]];
    }),
  );
}
