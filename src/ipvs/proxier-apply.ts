import { ElementProblem, parseElements } from "../iptables/ipset/element.ts";
import { dimensionsOf } from "../iptables/ipset/set.ts";
import type { Iptables } from "../iptables/netns.ts";
import { applyNodeCommand, ensureCalls, replaceTables } from "../iptables/proxier-apply.ts";
import { kubeProxy } from "../iptables/proxier-terms.ts";
import { addAddress, removeAddress } from "../kernel/address.ts";
import { nanosPerSecond } from "../kernel/clock.ts";
import { addDevice } from "../kernel/link.ts";
import type { NetworkNamespace } from "../kernel/namespace.ts";
import type { Owner } from "../trace/records.ts";
import { type Family, address } from "../wire/address.ts";
import { addressBits } from "../wire/cidr.ts";
import type { Ipvs } from "./ipvs.ts";
import type { PlannedServer, PlannedService } from "./proxier-plan.ts";
import { type SetId, setName, setOptions, sets } from "./proxier-sets.ts";
import type { IpvsProxierCommand } from "./proxier.ts";
import type { RealServer } from "./virtual-server.ts";

/** A node that kube-proxy in IPVS mode programs. */
export interface IpvsNode {
  readonly namespace: NetworkNamespace;
  readonly iptables: Iptables;
  readonly ipvs: Ipvs;
}

/** How often servers that are on their way out are looked at. graceful_termination.go (rsCheckDeleteInterval). */
const checkIntervalNanos = 60 * nanosPerSecond;

/** Does on a node what kube-proxy in IPVS mode told it. */
export function applyToNamespace(commands: readonly IpvsProxierCommand[], node: IpvsNode): void {
  const { namespace, iptables, ipvs } = node;
  ensureCalls(
    commands.filter((command) => command.kind === "iptables"),
    iptables,
  );
  for (const command of commands) {
    switch (command.kind) {
      case "sysctl":
      case "delete-connections":
      case "reconcile-connections":
        applyNodeCommand(command, namespace);
        break;
      case "iptables":
        break;
      case "iptables-restore":
        replaceTables(command.tables, command.family, iptables);
        break;
      case "add-dummy":
        if (!namespace.devices.has(command.device)) {
          addDevice(namespace, { kind: "dummy", name: command.device, owner: kubeProxy });
        }
        break;
      case "bind": {
        const value = address(command.address);
        addAddress(namespace, command.device, value, addressBits(value), { owner: command.owner });
        break;
      }
      case "unbind":
        removeAddress(namespace, command.device, address(command.address));
        break;
      case "create-set":
        createSet(iptables, command.set, command.family);
        break;
      case "add-member":
        changeMember(iptables, command, command.owner);
        break;
      case "delete-member":
        changeMember(iptables, command, undefined);
        break;
      case "add-service":
        ipvs.table.addService({
          ...command.service,
          scheduler: command.scheduler,
          schedulerFlags: command.schedulerFlags,
        });
        break;
      case "edit-service":
        ipvs.table.setPersistence(command.service, command.service.persistenceSeconds);
        break;
      case "delete-service":
        ipvs.table.deleteService(command.service);
        break;
      case "add-server":
        addServer(ipvs, command.service, command.server);
        break;
      case "delete-server":
        deleteServer(node, command.service, command.server);
        break;
    }
  }
}

function createSet({ sets: store }: Iptables, set: SetId, family: Family): void {
  const options = setOptions(set, family).split(" ").slice(1);
  const at = options.indexOf("family");
  if (at >= 0) options.splice(at, 2);
  store.create({ name: setName(set, family), type: sets[set].type, family, options, owner: kubeProxy });
}

function changeMember(
  { sets: store }: Iptables,
  { set, family, member }: { readonly set: SetId; readonly family: Family; readonly member: string },
  owner: Owner | undefined,
): void {
  const { type } = sets[set];
  const target = store.get(setName(set, family));
  if (target === undefined) throw new ElementProblem(`kube-proxy's set ${setName(set, family)} is gone`);
  for (const element of parseElements(member, dimensionsOf(type), family, type.startsWith("bitmap:"))) {
    if (owner === undefined) target.delete(element);
    else target.add(element, { owner });
  }
}

/** A server that is on its way out and comes back begins anew. */
function addServer({ table }: Ipvs, service: PlannedService, server: PlannedServer): void {
  if (serverOf(table.find(service)?.servers, server) !== undefined) table.deleteServer(service, server);
  table.addServer(service, { ...server, weight: 1 });
}

/** Connections of TCP servers are left to end by themselves: the server gets no new ones meanwhile. */
function deleteServer(node: IpvsNode, service: PlannedService, planned: PlannedServer): void {
  const { table } = node.ipvs;
  const server = serverOf(table.find(service)?.servers, planned);
  if (server === undefined) return;
  table.connections.sweep();
  if (service.protocol !== "tcp" || server.activeConnections + server.inactiveConnections === 0) {
    table.deleteServer(service, planned);
    return;
  }
  table.editServer(service, { ...planned, weight: 0 });
  const check = (): void => {
    // Deleted or added anew in the meantime.
    if (serverOf(table.find(service)?.servers, planned) !== server || server.weight > 0) return;
    deleteServer(node, service, planned);
  };
  node.namespace.surroundings.clock.after(checkIntervalNanos, check);
}

function serverOf(
  servers: readonly RealServer[] | undefined,
  { address: ip, port }: PlannedServer,
): RealServer | undefined {
  return servers?.find((server) => server.address === ip && server.port === port);
}
