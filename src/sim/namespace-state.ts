import type { Ipvs } from "../ipvs/ipvs.ts";
import { connectionText } from "../ipvs/connection.ts";
import { type VirtualServer, serviceText } from "../ipvs/virtual-server.ts";
import { formatConnection, formatTuple } from "../kernel/conntrack/format.ts";
import type { NetworkNamespace } from "../kernel/namespace.ts";
import { formatRoute } from "../kernel/route-text.ts";
import type { Listener } from "../kernel/socket/api.ts";
import type { NamespaceState, StateEntry, StateTable } from "../trace/records.ts";
import { formatAddress, formatEndpoint } from "../wire/address.ts";

/** A table longer than this is cut, and says how much was left out. */
const mostEntries = 200;

/**
 * What a namespace holds now, as text, by the keys of StateChange: the routes (but those of the local table, which are
 * the namespace's own addresses), neighbours, forwarding databases, connections, virtual servers and listening sockets.
 */
export function namespaceState(ns: NetworkNamespace, ipvs?: Ipvs): Omit<NamespaceState, "beforeStep"> {
  const tables: Readonly<Record<string, readonly StateEntry[]>> = {
    route: routes(ns),
    neighbour: neighbours(ns),
    fdb: forwarding(ns),
    conntrack: ns.conntrack
      .entries()
      .map((entry) => ({ key: formatTuple(entry.original), text: formatConnection(entry) })),
    ipvs: ipvs === undefined ? [] : virtualServers(ipvs),
    socket: ns.sockets.listeners.map(listening),
  };
  return {
    namespace: ns.name,
    ...(ns.node !== undefined && { node: ns.node }),
    tables: Object.entries(tables)
      .filter(([, entries]) => entries.length > 0)
      .map(([table, entries]) => ({
        table: table as StateTable,
        entries: entries.slice(0, mostEntries),
        ...(entries.length > mostEntries && { leftOut: entries.length - mostEntries }),
      })),
  };
}

function routes(ns: NetworkNamespace): readonly StateEntry[] {
  return [ns.fib.ipv4, ns.fib.ipv6].flatMap((fib) =>
    fib
      .tables()
      .filter((table) => table !== "local")
      .flatMap((table) =>
        fib.routes(table).map((route) => {
          const text = table === "main" ? formatRoute(route) : `${formatRoute(route)} table ${table}`;
          return { key: text, text };
        }),
      ),
  );
}

function neighbours(ns: NetworkNamespace): readonly StateEntry[] {
  return ns.neighbours.entries().map(({ address, device, mac, state }) => ({
    key: `${formatAddress(address)} dev ${device}`,
    text: mac === undefined ? state : `lladdr ${mac} ${state}`,
  }));
}

function forwarding(ns: NetworkNamespace): readonly StateEntry[] {
  return [...ns.devices.values()].flatMap((device) => {
    if (device.kind === "bridge") {
      return [...device.fdb.values()].map(({ mac, port, permanent }) => ({
        key: `${device.name} ${mac}`,
        text: `dev ${port}${permanent ? " permanent" : ""}`,
      }));
    }
    if (device.kind !== "vxlan") return [];
    return [...device.fdb.values()].map(({ mac, remote }) => ({
      key: `${device.name} ${mac}`,
      text: `dst ${formatAddress(remote)}`,
    }));
  });
}

function virtualServers({ table }: Ipvs): readonly StateEntry[] {
  const connections = table.connections.entries().map((connection) => ({ key: connectionText(connection), text: "" }));
  return [...table.services().map(virtualServer), ...connections];
}

function virtualServer(service: VirtualServer): StateEntry {
  const servers = service.servers.map(
    ({ address, port, weight }) => `${formatEndpoint(address, port)} weight ${weight}`,
  );
  return {
    key: serviceText(service),
    text: `${serviceText(service)} ${service.schedulerName} → ${servers.join(", ") || "no server"}`,
  };
}

function listening({ protocol, address, port, process }: Listener): StateEntry {
  const own = `${protocol} ${address === undefined ? `*:${port}` : formatEndpoint(address, port)}`;
  return { key: `listen ${own}`, text: `${own} ${process} listens` };
}
