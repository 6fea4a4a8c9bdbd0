import type { Tuple } from "../kernel/conntrack/entry.ts";
import type { NetworkNamespace } from "../kernel/namespace.ts";
import type { NodeCommand } from "../proxy/proxier.ts";
import { type Family, familyOf, formatAddress, formatEndpoint, parseAddress } from "../wire/address.ts";
import type { Iptables } from "./netns.ts";
import { printRule } from "./print-rule.ts";
import type { Call } from "./proxier-fixed.ts";
import { type RestoreTable, restoreTables } from "./proxier-restore.ts";
import type { IptablesProxierCommand } from "./proxier.ts";
import type { Command, TableCommands, TableName } from "./rule.ts";

/** Does on a node what kube-proxy in iptables mode told it. */
export function applyToNamespace(
  commands: readonly IptablesProxierCommand[],
  namespace: NetworkNamespace,
  iptables: Iptables,
): void {
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
        replaceTables(restoreTables(command.restore), command.restore.family, iptables);
        break;
    }
  }
}

/** Puts the chains of a restore into the kernel. */
export function replaceTables(tables: readonly RestoreTable[], family: Family, iptables: Iptables): void {
  for (const { table, chains, bundles, deleted } of tables) {
    iptables.replaceChains(family, table, chains, { bundles, deleted });
  }
}

/** EnsureChain and EnsureRule (pkg/util/iptables): a chain or a rule that is there already is left alone. */
export function ensureCalls(calls: readonly (Call & { readonly family: Family })[], iptables: Iptables): void {
  for (const family of new Set(calls.map((call) => call.family))) {
    const missing = new Map<TableName, Command[]>();
    for (const { table, command } of calls.filter((call) => call.family === family)) {
      const chain = "chain" in command ? iptables.chain(family, table, command.chain ?? "") : undefined;
      if (command.kind === "new-chain" && chain !== undefined) continue;
      if (command.kind === "insert") {
        const text = printRule(command.rule, family);
        if (chain?.rules.some((rule) => printRule(rule, family) === text) === true) continue;
      }
      missing.set(table, [...(missing.get(table) ?? []), command]);
    }
    const parts = [...missing].map(([table, commands]): TableCommands => ({ table, commands }));
    if (parts.length > 0) iptables.restore({ family, tables: parts });
  }
}

/** Sets a sysctl, or deletes connections as `conntrack -D` does. */
export function applyNodeCommand(command: NodeCommand, { sysctls, conntrack }: NetworkNamespace): void {
  if (command.kind === "sysctl") {
    sysctls.set(command.name, command.value);
    return;
  }
  const isStale = command.kind === "delete-connections" ? namedBy(command) : leadsNowhere(command);
  for (const entry of conntrack.entries()) {
    const { original, reply } = entry;
    if (original.protocol !== "udp" || familyOf(original.dst) !== command.family) continue;
    if (isStale(original, reply)) conntrack.delete(entry);
  }
}

type IsStale = (original: Tuple, reply: Tuple) => boolean;

function namedBy(command: Extract<NodeCommand, { kind: "delete-connections" }>): IsStale {
  const address = command.address === undefined ? undefined : parseAddress(command.address);
  const endpoint = command.endpoint === undefined ? undefined : parseAddress(command.endpoint);
  return (original, reply) =>
    (address === undefined || original.dst === address) &&
    (command.port === undefined || original.dstPort === command.port) &&
    (endpoint === undefined || reply.src === endpoint);
}

function leadsNowhere({ services, nodePorts }: Extract<NodeCommand, { kind: "reconcile-connections" }>): IsStale {
  return (original, reply) => {
    const endpoint = formatAddress(reply.src);
    const ofService = services.get(formatEndpoint(original.dst, original.dstPort));
    const ofNodePort = nodePorts.get(original.dstPort);
    return (ofService?.has(endpoint) ?? true) === false || (ofNodePort?.has(endpoint) ?? true) === false;
  };
}
