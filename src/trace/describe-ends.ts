import { inOwner, list } from "./describe-words.ts";
import type { BpfStep, DropStep, IcmpStep, ProxyStep, ResolverStep, SocketStep, TimerStep } from "./records.ts";

const errnoWords: Readonly<Record<string, string>> = {
  ECONNREFUSED: "the connection was refused",
  ECONNRESET: "the connection was broken off by the other end",
  ETIMEDOUT: "no answer came in time",
  EHOSTUNREACH: "the host cannot be reached",
  ENETUNREACH: "the network cannot be reached",
  EACCES: "it is forbidden to send there",
  EPERM: "a rule of its own machine forbids to send there",
  EMSGSIZE: "the packet is too large for the way",
  EADDRNOTAVAIL: "no address or port is left to send from",
};

export function describeSocket(step: SocketStep): string {
  const process = step.process ?? `A process in ${step.namespace}`;
  const { local = "its port", remote = "the other end" } = step;
  switch (step.action) {
    case "listen":
      return `${process} waits for ${step.protocol.toUpperCase()} at ${local}.`;
    case "connect":
      return `${process} in ${step.namespace} wants to talk to ${remote} over ${step.protocol.toUpperCase()}.`;
    case "connected":
      return `${process} has its connection to ${remote}: the other end has agreed.`;
    case "accept":
      return `${step.process ?? "A process"} in ${step.namespace} listens at ${local} and accepts the connection from ${remote}.`;
    case "send":
      return `${process} sends to ${remote}.`;
    case "receive":
      return `${process} in ${step.namespace} receives what ${remote} sent.`;
    case "close":
      return `${process} ends its conversation with ${remote}.`;
    case "refuse":
      return `Nobody listens at ${local} in ${step.namespace}, so its kernel refuses.`;
    case "error":
      return `${process} fails: ${errorWords(step.state)}.`;
  }
}

function errorWords(errno: string | undefined): string {
  if (errno === undefined) return "the kernel reports an error";
  const words = errnoWords[errno];
  return words === undefined ? errno : `${words} (${errno})`;
}

const typeWords: Readonly<Record<string, string>> = {
  A: "the IPv4 address (A)",
  AAAA: "the IPv6 address (AAAA)",
  SRV: "the host and port (SRV)",
  PTR: "the name (PTR)",
  CNAME: "the alias (CNAME)",
};

export function describeResolver(step: ResolverStep): string {
  const { name, server = "the name server" } = step;
  const because = step.reason === undefined ? "" : `: ${step.reason}`;
  switch (step.action) {
    case "start":
      return `The name ${name} must become an address${because}.`;
    case "query":
      return `The resolver asks ${server}: what is ${wanted(step.type)} of ${name}?`;
    case "answer":
      return describeAnswer(step, server);
    case "next-name":
      return `The resolver tries the next name, ${name}${because}.`;
    case "next-server":
      return `The resolver turns to the next name server, ${server}${because}.`;
    case "retry":
      return `The resolver asks ${server} again for ${name}${because}.`;
    case "done":
      return `The name ${name} stands for ${list(step.addresses ?? [])}${because}.`;
    case "fail":
      return `The resolver gives up on ${name}${because}.`;
  }
}

function wanted(type: string | undefined): string {
  return type === undefined ? "the address" : (typeWords[type] ?? `the ${type} record`);
}

function describeAnswer(step: ResolverStep, server: string): string {
  const { name, rcode = "NOERROR", addresses = [] } = step;
  if (addresses.length > 0) return `${server} answers: ${name} is ${list(addresses)}.`;
  switch (rcode) {
    case "NOERROR":
      return `${server} answers: ${name} exists, but has no ${step.type ?? "address"} record.`;
    case "NXDOMAIN":
      return `${server} answers: there is no name ${name} (NXDOMAIN).`;
    default:
      return `${server} cannot answer for ${name} (${rcode}).`;
  }
}

export function describeTimer(step: TimerStep): string {
  switch (step.timer) {
    case "retransmit":
      return `No answer has come, so ${step.namespace} sends again${step.attempt === undefined ? "" : ` (attempt ${step.attempt})`}.`;
    case "connect-timeout":
      return `The kernel of ${step.namespace} gives up: no answer has come to any attempt to connect.`;
    case "resolver-timeout":
      return `The name server has not answered in time${step.attempt === undefined ? "" : ` (attempt ${step.attempt})`}.`;
    case "neighbour":
      return `Nobody has told an Ethernet address in time, so ${step.namespace} asks again or gives up.`;
    case "application":
      return `The application in ${step.namespace} has waited as long as it wanted to.`;
  }
}

export function describeIcmp(step: IcmpStep): string {
  const message = `(ICMP type ${step.type}, code ${step.code})`;
  switch (step.action) {
    case "send":
      return `${step.namespace} tells the sender that the packet cannot go on ${message}: ${step.reason}.`;
    case "receive":
      return `${step.namespace} learns from an error message ${message}: ${step.reason}.`;
    case "suppress":
      return `${step.namespace} sends no error message ${message}: ${step.reason}.`;
    case "echo":
      return `The kernel of ${step.namespace} answers the ping ${message}: ${step.reason}.`;
  }
}

export function describeDrop(step: DropStep): string {
  const { code, kernelReason } = step;
  const kernel = kernelReason === undefined || kernelReason === code ? "" : `; the kernel calls it ${kernelReason}`;
  return `The packet ends here, in ${step.namespace}${inOwner(step.owner)}: ${code}${kernel}.`;
}

export function describeBpf(step: BpfStep): string {
  const rewrite = step.from === undefined || step.to === undefined ? "" : `: ${step.from} becomes ${step.to}`;
  return `Program ${step.program} in the kernel of ${step.namespace} (eBPF)${inOwner(step.owner)} ${step.action}${rewrite}.`;
}

export function describeProxy(step: ProxyStep): string {
  const upstream = step.upstreamFlow === undefined ? "" : `, in flow ${step.upstreamFlow}`;
  return `Proxy ${step.proxy}${inOwner(step.owner)} ${step.action}${upstream}.`;
}
