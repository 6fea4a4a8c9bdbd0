import type { NetworkPolicyPort, Pod, Protocol } from "../cluster/objects.ts";

/** Ports `first` to `last`, both included. */
export interface PortRange {
  readonly first: number;
  readonly last: number;
}

/**
 * What may pass between two ends: per protocol sorted ranges that neither touch nor overlap, and whether everything
 * else (ICMP, other IP protocols) may pass as well.
 */
export interface Connections {
  readonly TCP: readonly PortRange[];
  readonly UDP: readonly PortRange[];
  readonly SCTP: readonly PortRange[];
  readonly other: boolean;
}

export const protocols = ["TCP", "UDP", "SCTP"] as const;

const allPorts: readonly PortRange[] = [{ first: 1, last: 65535 }];
export const everything: Connections = { TCP: allPorts, UDP: allPorts, SCTP: allPorts, other: true };
export const nothing: Connections = { TCP: [], UDP: [], SCTP: [], other: false };

/**
 * The port numbers that one entry of a rule's `ports` means for a destination. A name is looked up among the
 * containers of the destination pod by name and protocol; it means nothing for another pod or an address outside
 * (networking/v1 NetworkPolicyPort).
 */
export function rangesOf(entry: NetworkPolicyPort, destination: Pod | undefined): readonly PortRange[] {
  const { port } = entry;
  if (port === undefined) return allPorts;
  if (typeof port === "number") return [{ first: port, last: entry.endPort ?? port }];
  return portsNamed(port, entry.protocol, destination).map((number) => ({ first: number, last: number }));
}

/** The container ports of a pod with this name and protocol. */
export function portsNamed(name: string, protocol: Protocol, pod: Pod | undefined): readonly number[] {
  if (pod === undefined) return [];
  return pod.spec.containers
    .flatMap((container) => container.ports)
    .filter((port) => port.name === name && port.protocol === protocol)
    .map((port) => port.containerPort);
}

/** What the `ports` of a rule let pass to a destination; none means everything, ICMP included. */
export function connectionsOf(ports: readonly NetworkPolicyPort[], destination: Pod | undefined): Connections {
  if (ports.length === 0) return everything;
  const of = (protocol: Protocol): readonly PortRange[] =>
    normalise(ports.filter((entry) => entry.protocol === protocol).flatMap((entry) => rangesOf(entry, destination)));
  return { TCP: of("TCP"), UDP: of("UDP"), SCTP: of("SCTP"), other: false };
}

export function union(a: Connections, b: Connections): Connections {
  const of = (protocol: Protocol): readonly PortRange[] => normalise([...a[protocol], ...b[protocol]]);
  return { TCP: of("TCP"), UDP: of("UDP"), SCTP: of("SCTP"), other: a.other || b.other };
}

export function intersection(a: Connections, b: Connections): Connections {
  const of = (protocol: Protocol): readonly PortRange[] => common(a[protocol], b[protocol]);
  return { TCP: of("TCP"), UDP: of("UDP"), SCTP: of("SCTP"), other: a.other && b.other };
}

export function includes(ranges: readonly PortRange[], port: number): boolean {
  return ranges.some((range) => range.first <= port && port <= range.last);
}

function normalise(ranges: readonly PortRange[]): readonly PortRange[] {
  const merged: PortRange[] = [];
  for (const range of ranges.toSorted((a, b) => a.first - b.first)) {
    const last = merged.at(-1);
    if (last === undefined || range.first > last.last + 1) merged.push(range);
    else if (range.last > last.last) merged[merged.length - 1] = { first: last.first, last: range.last };
  }
  return merged;
}

function common(a: readonly PortRange[], b: readonly PortRange[]): readonly PortRange[] {
  return normalise(
    a.flatMap((x) =>
      b
        .map((y) => ({ first: Math.max(x.first, y.first), last: Math.min(x.last, y.last) }))
        .filter((range) => range.first <= range.last),
    ),
  );
}
