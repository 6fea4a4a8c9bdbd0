import type { ResolverIo } from "../dns/resolver/api.ts";
import type { ResolvConf } from "../dns/resolver/conf.ts";
import { podResolvConf } from "../dns/resolver/kubelet.ts";
import { resolve } from "../dns/resolver/resolve.ts";
import { lookupOutput } from "../kernel/ip/route.ts";
import { sourceForRoute } from "../kernel/ip/source-address.ts";
import type { NetworkNamespace } from "../kernel/namespace.ts";
import type { FlowRecorder, Recorder } from "../trace/recorder.ts";
import { type Address, type Family, formatAddress, formatEndpoint, parseAddress } from "../wire/address.ts";
import { addressBits } from "../wire/cidr.ts";
import { dnsService } from "./cluster-dns.ts";
import { addressesInHosts, nameFault } from "./hosts.ts";
import type { Resolution } from "./probe/probe.ts";
import type { Who } from "./who.ts";
import type { World } from "./world.ts";

/** resolv.conf of a sender; undefined where nothing is known about its resolver: hosts and what is outside. */
export function resolvConfOf(world: World, who: Who): ResolvConf | undefined {
  if (who.kind !== "pod") return undefined;
  const { clusterIPs = [] } = dnsService(world.cluster)?.spec ?? {};
  const { conf } = podResolvConf(who.pod, {
    clusterDns: clusterIPs.flatMap((text) => parseAddress(text) ?? []),
    clusterDomain: world.cluster.settings.clusterDomain,
    nodeConf: { nameservers: [], search: [], options: new Map() },
  });
  return conf.nameservers.length === 0 ? undefined : conf;
}

/** What a resolver runs on in a namespace: real sockets, each question a flow of its own. */
export function resolverIo(
  namespace: NetworkNamespace,
  recorder: Recorder,
  conf: ResolvConf,
  flow: FlowRecorder | undefined,
  key: string,
): ResolverIo {
  const { clock, chance } = namespace.surroundings;
  let sockets = 0;
  return {
    clock,
    chance,
    sockets: namespace.sockets,
    options: (purpose) => {
      const server = conf.nameservers[0] as Address;
      const own = recorder.flow({
        protocol: "udp",
        from: namespace.name,
        to: formatEndpoint(server, 53),
        purpose,
        ...(flow && { causedBy: { flow: flow.flow.id, reason: "name resolution" } }),
      });
      return { flowKey: `${key}:dns#${++sockets}`, process: "resolver", ...(own && { flow: own }) };
    },
    step: (input) => flow?.step(namespace.name, input),
    sourceFor: (destination) => sourceFor(namespace, destination),
  };
}

/** RFC 6724 sorting asks which source each destination would get. */
function sourceFor(
  namespace: NetworkNamespace,
  destination: Address,
): ReturnType<NonNullable<ResolverIo["sourceFor"]>> {
  const found = lookupOutput(namespace, { dst: destination, mark: 0 });
  if (found.kind === "none") return undefined;
  const address = sourceForRoute(namespace, found.to, destination);
  if (address === undefined) return undefined;
  const own = found.to.device.addresses.find((entry) => entry.address === address);
  return { address, prefixLength: own?.prefixLength ?? addressBits(address) };
}

/** What a program that asks by itself works with: the sender's resolv.conf, or the server it was told. */
export function resolverOf(
  world: World,
  who: Who,
  namespace: NetworkNamespace,
  purpose: string,
  server: Address | undefined,
): { readonly conf: ResolvConf; readonly io: ResolverIo } | { readonly reason: string } {
  const known = resolvConfOf(world, who);
  if (known === undefined && server === undefined)
    return { reason: unknownResolver(namespace, "name a server with @ADDRESS") };
  const conf = known ?? { nameservers: [], search: [], options: new Map() };
  const asked = server === undefined ? conf : { ...conf, nameservers: [server] };
  const flow = resolverFlow(world, namespace, asked.nameservers.map(formatAddress).join(", "), purpose);
  return { conf, io: resolverIo(namespace, world.recorder, asked, flow, `${purpose}@${namespace.name}`) };
}

function resolverFlow(
  { recorder }: World,
  { name }: NetworkNamespace,
  to: string,
  purpose: string,
): FlowRecorder | undefined {
  return recorder.flow({ protocol: "resolver", from: name, to, purpose });
}

function unknownResolver(namespace: NetworkNamespace, instead: string): string {
  return `nothing says how ${namespace.name} resolves names; ${instead}`;
}

/** Resolves a name as glibc's getaddrinfo does in the sender's namespace. */
export function resolveHost(
  world: World,
  who: Who,
  namespace: NetworkNamespace,
  host: string,
  families: readonly Family[],
  done: (resolution: Resolution) => void,
): void {
  const listed = addressesInHosts(who, host, families);
  if (listed !== undefined) {
    const text = `/etc/hosts says that ${host} is ${listed.map(formatAddress).join(", ")}`;
    resolverFlow(world, namespace, "/etc/hosts", `resolve ${host}`)?.step(namespace.name, {
      kind: "resolver",
      action: "done",
      name: host,
      addresses: listed.map(formatAddress),
      text,
    });
    return done({ kind: "addresses", addresses: listed });
  }
  const fault = nameFault(host);
  if (fault !== undefined) {
    return done({ kind: "failed", error: "EAI_NONAME", reason: `${host} is not a legal name (${fault})` });
  }
  const conf = resolvConfOf(world, who);
  if (conf === undefined) {
    return done({ kind: "unknown", reason: unknownResolver(namespace, `use an address instead of ${host}`) });
  }
  const flow = resolverFlow(world, namespace, conf.nameservers.map(formatAddress).join(", "), `resolve ${host}`);
  const io = resolverIo(namespace, world.recorder, conf, flow, `${host}@${namespace.name}`);
  resolve(host, { conf, flavour: "glibc", families }, io, (resolved) => {
    if (resolved.kind === "addresses") return done({ kind: "addresses", addresses: resolved.addresses });
    const { error, reason } = resolved;
    return done({ kind: "failed", error: error === "EAI_NODATA" ? "EAI_NONAME" : error, reason });
  });
}
