import { conditions, effect } from "./describe-rule.ts";
import { inOwner, list, ownerName } from "./describe-words.ts";
import type {
  ChainStep,
  ConntrackStep,
  HookName,
  HookStep,
  IpsetStep,
  IpvsStep,
  MapStep,
  NatStep,
  RuleStep,
} from "./records.ts";

const hookPlaces: Readonly<Record<HookName, string>> = {
  PREROUTING: "just arrived, its route not chosen yet",
  INPUT: "about to reach a process here",
  FORWARD: "only passing through",
  OUTPUT: "made here, on its way out",
  POSTROUTING: "about to leave",
};

export function describeHook(step: HookStep): string {
  const who =
    step.registered.length === 0 ? "nobody looks at it" : `it is looked at by ${list(step.registered)}, in this order`;
  return `The packet is at checkpoint ${step.hook} of ${step.namespace} (${hookPlaces[step.hook]}); ${who}.`;
}

export function describeRule(step: RuleStep): string {
  if (!step.matched) return describeMiss(step);
  const what = step.rules === undefined ? "" : conditions(step.rules);
  return `${ruleName(step)}${what === "" ? "" : ` (${what})`} matched, so ${effect(step)}.`;
}

function ruleName({ owner, rule, chain }: RuleStep): string {
  if (owner === undefined) return `Rule ${rule} of chain ${chain}`;
  return owner.kind === "Component" ? `A rule of ${ownerName(owner)}` : `The rule for ${ownerName(owner)}`;
}

function describeMiss(step: RuleStep): string {
  const { rule, through = rule, chain } = step;
  if (through > rule) return `Rules ${rule} to ${through} of chain ${chain} did not match.`;
  const subject = `Rule ${rule} of chain ${chain}${inOwner(step.owner)} did not match`;
  const reason = step.failed?.[0];
  if (reason === undefined) return `${subject}.`;
  if (step.choice !== undefined) return `${subject}: it had ${conditions(reason.term)}, and chance decided against it.`;
  return `${subject}: it asks for \`${reason.term}\`, the packet has ${reason.packet}.`;
}

export function describeChain(step: ChainStep): string {
  const none = `No rule of chain ${step.chain} decided`;
  if (step.action === "return") return `${none}, so the chain that called it goes on.`;
  const meaning = step.verdict === "DROP" ? "drop the packet without a word" : `let it pass table ${step.table}`;
  return `${none}, so its policy ${step.verdict ?? "ACCEPT"} applies: ${meaning}.`;
}

export function describeConntrack(step: ConntrackStep): string {
  const { namespace } = step;
  switch (step.action) {
    case "new":
      return `${namespace} has not seen this connection before, so connection tracking starts an entry for it.`;
    case "found":
      return `${namespace} knows the connection of this packet${step.state === undefined ? "" : ` (${step.state})`}${step.direction === "reply" ? ": it is an answer" : ""}.`;
    case "invalid":
      return `The packet fits no connection that ${namespace} knows and cannot start one, so it counts as INVALID.`;
    case "untracked":
      return `${namespace} does not track the connection of this packet: a rule exempts it.`;
    case "confirm":
      return `The packet passed every check of ${namespace}, so its connection is entered in the connection table.`;
    case "update":
      return `${namespace} notes the new state of the connection${step.state === undefined ? "" : `: ${step.state}`}.`;
    case "related":
      return `${namespace} sees that the packet reports about a connection it knows, so it counts as RELATED.`;
    case "clash":
      return `Another packet entered the same connection of ${namespace} in the meantime, so this one joins that entry.`;
    case "expire":
      return `${namespace} forgets the connection: nothing came for too long.`;
  }
}

export function describeNat(step: NatStep): string {
  const end = step.manip === "dst" ? "destination" : "source";
  const { from = "its address", to = "another one" } = step;
  switch (step.action) {
    case "bind":
      return `${step.namespace} decides for the whole connection${inOwner(step.owner)}: ${end} ${from} becomes ${to}, and answers are turned back.`;
    case "apply":
      return `The packet's ${end} is rewritten from ${from} to ${to}, as ${step.namespace} has noted for this connection.`;
    case "none":
      return `No rule of ${step.namespace} wants another ${end} for this connection, so it stays${step.from === undefined ? "" : ` ${from}`}.`;
  }
}

export function describeIpset(step: IpsetStep): string {
  return step.found
    ? `${step.element} is in set ${step.set}${inOwner(step.owner)}.`
    : `${step.element} is not in set ${step.set}.`;
}

export function describeMap(step: MapStep): string {
  if (!step.found) return `Map ${step.map} has no entry for \`${step.key}\`, so chain ${step.chain} goes on.`;
  const known = `Map ${step.map} has an entry for \`${step.key}\`${inOwner(step.owner)}`;
  return step.value === undefined ? `${known}.` : `${known}, so ${effect({ ...step, target: step.value })}.`;
}

export function describeIpvs(step: IpvsStep): string {
  const { service = "this address", server = "a server" } = step;
  switch (step.action) {
    case "schedule":
      return `IPVS, the kernel's load balancer, picks ${server} for ${service}${inOwner(step.owner)}${step.scheduler === undefined ? "" : `, by its schedule "${step.scheduler}"`}.`;
    case "found":
      return `IPVS, the kernel's load balancer, knows this connection: it belongs to ${server}.`;
    case "no-server":
      return `IPVS, the kernel's load balancer, has no server for ${service}${inOwner(step.owner)}.`;
    case "reinject":
      return `IPVS rewrites the destination to ${server} and sends the packet on as if it had been made here.`;
    case "reply":
      return `IPVS recognises an answer of ${server} and makes ${service} its source again.`;
    case "new":
      return `IPVS notes the connection, so that its later packets go to ${server} too.`;
  }
}
