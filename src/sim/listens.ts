import type { Cluster } from "../cluster/cluster.ts";
import type { Container, Pod } from "../cluster/objects.ts";
import type { Listener, TcpConnection, TcpHandlers } from "../kernel/socket/api.ts";
import type { NetworkNamespace } from "../kernel/namespace.ts";
import type { Payload } from "../wire/packet.ts";
import { podsOf, workloadKindOf } from "./who.ts";

/** A port that somebody says a pod listens on. */
export interface ListenPort {
  readonly port: number;
  readonly protocol: "tcp" | "udp" | "sctp";
}

/** What a pod listens on, with the assumption behind it where nobody stated it. */
export interface PodPort extends ListenPort {
  readonly process: string;
  readonly assumption?: string;
  /** It speaks TLS. */
  readonly tls?: true;
}

/** Statements that override what container ports suggest: `deploy/web`, `shop/pod/web-0` -> ports. */
export type Listens = Readonly<Record<string, readonly ListenPort[]>>;

/** The id of the assumption that container ports and probe ports are listened on. */
export const listenAssumption = "listens";

/** The id of the assumption that the nodes' own servers run. */
export const hostAssumption = "kubelet";

/** The ports of a pod: as stated, or else its container ports and the ports of its probes. */
export function portsOf(cluster: Cluster, pod: Pod, listens: Listens, namespace: string): readonly PodPort[] {
  const process = pod.spec.containers[0]?.name ?? "main";
  const stated = Object.entries(listens).find(([who]) => namesPod(cluster, who, pod, namespace));
  if (stated) return stated[1].map((port) => ({ ...port, process }));
  const ports = pod.spec.containers.flatMap(portsOfContainer);
  return ports.filter(
    (port, index) => ports.findIndex((other) => other.port === port.port && other.protocol === port.protocol) === index,
  );
}

const socketProtocols = { TCP: "tcp", UDP: "udp", SCTP: "sctp" } as const;

function portsOfContainer(container: Container): readonly PodPort[] {
  const declared = container.ports.map(({ containerPort, protocol }) => ({
    port: containerPort,
    protocol: socketProtocols[protocol],
  }));
  const probed = container.probes.flatMap(({ port }) => {
    const number = typeof port === "number" ? port : container.ports.find(({ name }) => name === port)?.containerPort;
    return number === undefined ? [] : [{ port: number, protocol: "tcp" as const }];
  });
  return [...declared, ...probed].map((port) => ({ ...port, process: container.name, assumption: listenAssumption }));
}

function namesPod(cluster: Cluster, who: string, pod: Pod, namespace: string): boolean {
  const parts = who.split("/");
  const [kind, name] = parts.slice(-2);
  const inNamespace = parts.length === 3 ? parts[0] : namespace;
  if (pod.metadata.namespace !== inNamespace || name === undefined) return false;
  if (kind === "pod" || kind === "po") return pod.metadata.name === name;
  const workload = workloadKindOf(kind ?? "");
  return workload !== undefined && podsOf(cluster, inNamespace, workload, name).includes(pod);
}

const okPage: Payload = { kind: "http", line: "HTTP/1.1 200 OK", length: 120 };
/** What Go's server answers to plain HTTP on a TLS port (net/http, (*conn).serve). */
const notTls: Payload = { kind: "http", line: "HTTP/1.0 400 Bad Request", length: 76 };

/** Answers HTTP with 200 and anything else with a line that says who answered. */
function answerStream(namespace: string, page: Payload): (connection: TcpConnection) => TcpHandlers {
  return () => ({
    received: (connection, payload) => connection.send(payload.kind === "http" ? page : greeting(namespace)),
    ended: (connection) => connection.close(),
  });
}

function greeting(namespace: string): Payload {
  const text = `hello from ${namespace}`;
  return { kind: "bytes", text, length: text.length + 1 };
}

/** Opens the servers of a pod, or of a host process, in a namespace. */
export function openServers(namespace: NetworkNamespace, ports: readonly PodPort[]): void {
  for (const { port, protocol, process, assumption, tls } of ports) {
    const listener: Listener = {
      protocol,
      port,
      process,
      ...(assumption !== undefined && { assumption }),
      ...(protocol === "udp"
        ? { datagram: (socket, from) => void socket.send(greeting(namespace.name), from) }
        : { accept: answerStream(namespace.name, tls ? notTls : okPage) }),
    };
    namespace.sockets.listen(listener);
  }
}
