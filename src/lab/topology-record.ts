import type { ReplayAnswer } from "../sim/replay-client.ts";
import type { BuiltNamespace as EngineNamespace } from "../topology/build.ts";
import type { FlowLine } from "../topology/flow-line.ts";
import type { Topology } from "../topology/topology.ts";
import { formatAddress, parseAddress } from "../wire/address.ts";
import { readFrame } from "./bytes.ts";
import type { CapturedFrame } from "./capture.ts";
import type { GoldenFlow } from "./golden.ts";
import { frameLines, tracedPackets } from "./linux-record.ts";
import { type RuleEvent, readRuleEvent } from "./nflog.ts";
import { type ClientWord, RecorderProcess, type SeenFrame } from "./recorder-process.ts";
import { type StandingNamespace, removeTopology, standTopology } from "./topology-build.ts";

/** A namespace with its recorder. */
interface Recorded extends StandingNamespace {
  readonly recorder: RecorderProcess;
  readonly engine: EngineNamespace;
}

/** Numbers that are no accident: ports of the flows and of the rules. All others are written `*`. */
type KnownPorts = ReadonlySet<number>;

/** How long nothing may be seen before a flow counts as over, and the longest wait for that. */
const quietMillis = 15;
const longestRounds = 20;

/**
 * Runs the flows of a topology on this machine's kernel, one after another, and returns what was seen of each. `engine`
 * is the same topology, built there: it knows what a rule's target is called. Throws a LabError.
 */
export async function recordTopology(
  topology: Topology,
  engine: ReadonlyMap<string, EngineNamespace>,
  only: (flow: FlowLine) => boolean = () => true,
): Promise<readonly GoldenFlow[]> {
  const recorders: RecorderProcess[] = [];
  try {
    const standing = await standTopology(topology, engine);
    const recorded = standing.map((own): Recorded => {
      const recorder = new RecorderProcess(own.id);
      recorders.push(recorder);
      return { ...own, recorder, engine: engine.get(own.name) as EngineNamespace };
    });
    await Promise.all(recorded.map(({ recorder }) => recorder.ready()));
    for (const own of recorded) openServers(own);
    const sized = topology.flows.some(({ options }) => options["size"] !== undefined);
    const flows: GoldenFlow[] = [];
    for (const line of topology.flows.filter(only)) {
      flows.push(await recordFlow(line, recorded, knownPorts(topology, line), sized));
    }
    return flows;
  } finally {
    for (const recorder of recorders) recorder.stop();
    removeTopology(topology);
  }
}

/** UDP: one socket per address answers from the address that was asked. */
function openServers({ name, recorder, engine }: Recorded): void {
  const own = [...engine.namespace.devices.values()].flatMap(({ addresses }) => addresses);
  const global = own.filter(({ address, scope }) => typeof address === "number" || scope !== "link");
  const hasIpv6 = global.some(({ address, scope }) => typeof address === "bigint" && scope === "global");
  const addresses = global.filter(({ address }) => typeof address === "number" || hasIpv6);
  for (const { protocol, port } of engine.listens) {
    const bound = protocol === "udp" ? addresses.map(({ address }) => formatAddress(address)) : anywhere(hasIpv6);
    for (const address of bound) recorder.listen(protocol, address, port, name);
  }
}

const anywhere = (hasIpv6: boolean): readonly string[] => (hasIpv6 ? ["0.0.0.0", "::"] : ["0.0.0.0"]);

async function recordFlow(
  line: FlowLine,
  recorded: readonly Recorded[],
  known: KnownPorts,
  sized: boolean,
): Promise<GoldenFlow> {
  if (line.options["fresh"] !== "0") for (const { recorder } of recorded) recorder.forget();
  await drainAll(recorded);
  const { recorder } = recorded.find(({ name }) => name === line.from) as Recorded;
  const words = await recorder.runClient(clientWords(line));
  const conntrack = await connectionsOf(recorded, known);
  const first = await drainAll(recorded);
  recorder.finishClient();
  const seen = [first, ...(await drainUntilQuiet(recorded))];
  const trace: Record<string, GoldenFlow["trace"][string]> = {};
  const frames: CapturedFrame[] = [];
  for (const [index, own] of recorded.entries()) {
    const rules = seen.flatMap((round) => round[index]?.rules ?? []);
    const events = rules.map(readRuleEvent).filter((event): event is RuleEvent => event !== undefined);
    const packets = tracedPackets(events, { deviceNames: own.deviceNames, iptables: own.engine.iptables }, sized);
    if (packets.length > 0) {
      const mask = (text: string): string => masked(text, known);
      trace[own.name] = packets.map(({ at, steps }) => ({ at: mask(at), steps: steps.map(mask) }));
    }
    frames.push(...seen.flatMap((round) => round[index]?.frames ?? []).flatMap((frame) => captured(frame, own)));
  }
  return {
    ...clientRecord(
      line,
      words.map(([key, value]): ClientWord => [key, masked(value, known)]),
    ),
    trace,
    wire: frameLines(frames, sized).map((text) => masked(text, known)),
    conntrack,
  };
}

type Drained = readonly { readonly frames: readonly SeenFrame[]; readonly rules: readonly Buffer[] }[];

function drainAll(recorded: readonly Recorded[]): Promise<Drained> {
  return Promise.all(recorded.map(({ recorder }) => recorder.drain()));
}

/** The ends of connections are exchanged after the client closed its socket. */
async function drainUntilQuiet(recorded: readonly Recorded[]): Promise<Drained[]> {
  const seen: Drained[] = [];
  for (let round = 0; round < longestRounds; round++) {
    await new Promise((resolve) => setTimeout(resolve, quietMillis));
    const drained = await drainAll(recorded);
    seen.push(drained);
    if (round > 0 && drained.every(({ frames, rules }) => frames.length + rules.length === 0)) break;
  }
  return seen;
}

/** `- ` stands for what the kernel chooses. */
function clientWords({ protocol, destination, options }: FlowLine): readonly string[] {
  const [, v6, v4, port] = /^(?:\[(.*)\]|([^[\]]*?))(?::(\d+))?$/.exec(splitV6(destination)) ?? [];
  const { src = "-", sport = "-", timeout, ...others } = options;
  const seconds = timeout ?? (protocol === "raw" ? "0.3" : "1");
  const named = Object.entries({ ...others, timeout: seconds }).map(([key, value]) => `${key}=${value}`);
  return [protocol, src, sport, v6 ?? v4 ?? "", port ?? "0", ...named];
}

/** An IPv6 address of an echo request may stand without brackets. */
function splitV6(destination: string): string {
  return destination.split(":").length > 2 && !destination.startsWith("[") ? `[${destination}]` : destination;
}

function clientRecord(
  { name, from, protocol, destination, options: { size } }: FlowLine,
  words: readonly ClientWord[],
): Omit<GoldenFlow, "trace" | "wire" | "conntrack"> {
  const last = (key: string): string | undefined => words.findLast(([own]) => own === key)?.[1];
  const answer = last("answer");
  const pmtu = last("pmtu");
  const sends = words.filter(([key]) => key === "send").map(([, value]) => value);
  return {
    name,
    from,
    proto: protocol,
    dst: destination,
    result: last("result") ?? "",
    ...(size !== undefined && { size: Number(size) }),
    ...(pmtu !== undefined && { pmtu: Number(pmtu) }),
    ...(size !== undefined && protocol === "udp" && { sends }),
    ...(answer?.startsWith("{") === true && { answer: JSON.parse(answer) as ReplayAnswer }),
  };
}

/** include/uapi/linux/if_packet.h. */
const directions: Readonly<Record<number, CapturedFrame["direction"]>> = {
  0: "in",
  1: "in",
  2: "in",
  3: "in-other",
  4: "out",
};

function captured({ device, type, bytes }: SeenFrame, { name, deviceNames }: Recorded): CapturedFrame[] {
  const direction = directions[type];
  const read = readFrame(bytes);
  const deviceName = deviceNames.get(device);
  if (direction === undefined || read === undefined || deviceName === undefined) return [];
  return [{ ...read, namespace: name, device: deviceName, direction }];
}

async function connectionsOf(recorded: readonly Recorded[], known: KnownPorts): Promise<GoldenFlow["conntrack"]> {
  const tables = await Promise.all(
    recorded.map(async ({ name, recorder }): Promise<[string, readonly string[]]> => {
      const lines = (await recorder.connections()).flatMap(connectionLine);
      return [name, lines.map((line) => masked(line, known)).sort()];
    }),
  );
  return Object.fromEntries(tables.filter(([, lines]) => lines.length > 0));
}

/** A line of the kernel's table in the words of the kernel cases; none when it is not one. */
function connectionLine(line: string): string[] {
  const match = /^(?:ipv[46]\s+\d+\s+)?(\w+)\s+\d+\s+(?:\d+\s+)?(.*)$/.exec(line);
  if (match === null) return [];
  const rest = (match[2] ?? "")
    .replace(/ (mark|use|zone|secctx)=\S+/g, "")
    .replace(/(src|dst)=([\da-f:]+:[\da-f:]*)/g, (_whole, key, text: string) => `${key}=${shortAddress(text)}`);
  return [`${match[1]} ${rest.trim()}`];
}

/** The kernel prints IPv6 addresses with all their zeros. */
function shortAddress(text: string): string {
  const address = parseAddress(text);
  return address === undefined ? text : formatAddress(address);
}

const echoIdent = "16962";

/** Ports that the flow and the rules name, and those of servers. */
function knownPorts({ namespaces }: Topology, { destination, options }: FlowLine): KnownPorts {
  const texts = namespaces.flatMap(({ files }) => [...files.values()]);
  const named = texts.flatMap((text) => [...text.matchAll(/(?:ports?|tcp|udp|sctp|:)[ =](\d+)|[\d\]]:(\d+)/g)]);
  const numbers = named.map(([, word, end]) => Number(word ?? end));
  return new Set([...numbers, Number(options["sport"]), Number(destination.split(":").at(-1))]);
}

function masked(text: string, known: KnownPorts): string {
  const port = (whole: string, before: string, digits: string): string =>
    known.has(Number(digits)) ? whole : `${before}*`;
  return text
    .replace(/((?:\d+\.\d+\.\d+\.\d+|\]):)(\d+)/g, port)
    .replace(/([sd]port=)(\d+)/g, port)
    .replace(/( id=)(\d+)/g, (whole, before: string, digits) => (digits === echoIdent ? whole : `${before}*`));
}
