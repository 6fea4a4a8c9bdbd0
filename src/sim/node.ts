import type { CniPlugin, NodeContext } from "../cni/plugin.ts";
import { addNodeRoutes } from "../cni/components/node-routes.ts";
import { setBridgeNetfilter } from "../cni/components/bridge-netfilter.ts";
import { ipMasqRules } from "../cni/components/ip-masq.ts";
import type { Node, Pod } from "../cluster/objects.ts";
import { createIptables, type Iptables } from "../iptables/netns.ts";
import type { Ipvs } from "../ipvs/ipvs.ts";
import type { NetworkNamespace } from "../kernel/namespace.ts";
import type { Address } from "../wire/address.ts";
import type { CoreDns } from "../dns/coredns/server.ts";
import { startClusterDns } from "./cluster-dns.ts";
import { cniPlugins, proxies } from "./components.ts";
import { HostPorts } from "./host-ports.ts";
import { type PodPort, hostAssumption, openServers, portsOf } from "./listens.ts";
import { runningPodsOf } from "./pods-of-node.ts";
import { syncPolicies } from "./policies.ts";
import type { NodeProxy, RunningProxy } from "./proxies.ts";
import { type Underlay, internalAddresses } from "./underlay.ts";
import { buildUplink } from "./underlay-build.ts";
import { type World, podNamespaceName } from "./world.ts";

/** Host processes that every node runs: the kubelet. */
const hostPorts: readonly PodPort[] = [
  { port: 10_250, protocol: "tcp", process: "kubelet", tls: true, assumption: hostAssumption },
];
const apiServerPort: PodPort = { port: 6443, protocol: "tcp", process: "kube-apiserver", tls: true };

interface RunningPod {
  readonly pod: Pod;
  readonly namespace: NetworkNamespace;
  readonly ports: readonly PodPort[];
  readonly dns: CoreDns | undefined;
}

/** One node: its host namespace, its pods, and the components that program it. */
export class RunningNode {
  readonly host: NetworkNamespace;
  readonly iptables: Iptables;
  /** The node's InternalIPs. */
  readonly addresses: readonly Address[];
  readonly #world: World;
  readonly #node: Node;
  readonly #underlay: Underlay;
  readonly #plugin: CniPlugin;
  readonly #pods = new Map<string, RunningPod>();
  readonly #hostPorts: HostPorts;
  readonly #stopped = new Set<string>();
  readonly #proxy: RunningProxy;
  #started = false;

  constructor(world: World, node: Node, underlay: Underlay) {
    this.#world = world;
    this.#node = node;
    this.#underlay = underlay;
    this.addresses = internalAddresses(node);
    this.host = world.createHostNamespace(node.metadata.name);
    buildUplink(this.host, node, underlay, world.cluster.ownerOf(node));
    this.iptables = createIptables(this.host);
    this.#hostPorts = new HostPorts(this.host);
    this.#plugin = cniPlugins[world.cluster.settings.cni] as CniPlugin;
    this.#proxy = (proxies[world.cluster.settings.proxyMode] as NodeProxy).start(this.host, this.iptables);
  }

  /** What runs on the node: sysctls, CNI plugin, kube-proxy, pods, policies, servers. Until then it has its network card alone. */
  start(): void {
    if (this.#started) return;
    this.#started = true;
    const { cluster } = this.#world;
    setBridgeNetfilter(this.#context());
    this.#plugin.prepareNode(this.#context());
    addNodeRoutes(this.#context());
    openServers(this.host, this.#isApiServer() ? [...hostPorts, apiServerPort] : hostPorts);
    if (cluster.settings.masqueradeLeavingCluster) {
      for (const { family } of this.#underlay.segments) this.iptables.restore(ipMasqRules(cluster.settings, family));
    }
    this.sync();
  }

  get isStarted(): boolean {
    return this.#started;
  }

  /** Where kube-proxy programs IPVS. */
  get ipvs(): Ipvs | undefined {
    return this.#proxy.ipvs;
  }

  /** Brings pods, kube-proxy and policies to the cluster's state. */
  sync(): void {
    if (!this.#started) return;
    this.#syncPods();
    if (!this.#stopped.has("kube-proxy")) this.#proxy.sync(this.#world.cluster, this.#node);
    if (!this.#stopped.has("network-policy")) syncPolicies(this.#context(), this.iptables);
  }

  /** A component stops; what it programmed stays as it is. False when there is no such component. */
  stop(component: string): boolean {
    this.#stopped.add(component);
    return component === "kube-proxy" || component === "network-policy";
  }

  namespaceOfPod(pod: Pod): NetworkNamespace {
    if (pod.spec.hostNetwork) return this.host;
    const running = this.#pods.get(podNamespaceName(pod));
    if (running === undefined) throw new RangeError(`pod ${podNamespaceName(pod)} does not run on ${this.host.name}`);
    return running.namespace;
  }

  #context(): NodeContext {
    return { cluster: this.#world.cluster, node: this.#node, host: this.host };
  }

  #isApiServer(): boolean {
    return this.#world.cluster.nodes[0]?.metadata.name === this.#node.metadata.name;
  }

  #syncPods(): void {
    const wanted = new Map(
      runningPodsOf(this.#world.cluster.pods, this.#node.metadata.name).map((pod) => [podNamespaceName(pod), pod]),
    );
    for (const [name, running] of this.#pods) {
      const next = wanted.get(name);
      if (next !== undefined && isSamePod(running.pod, next)) continue;
      this.#stopPod(name, running);
    }
    for (const [name, pod] of wanted) {
      if (!this.#pods.has(name)) this.#pods.set(name, this.#startPod(pod));
    }
    this.#hostPorts.sync([...wanted.values()]);
    for (const { dns } of this.#pods.values()) dns?.update(this.#world.cluster);
  }

  #stopPod(name: string, { pod, ports }: RunningPod): void {
    this.#pods.delete(name);
    if (pod.spec.hostNetwork) for (const { protocol, port } of ports) this.host.sockets.unlisten(protocol, port);
    else {
      this.#plugin.del(this.#context(), pod);
      this.#world.network.remove(name);
    }
  }

  #startPod(pod: Pod): RunningPod {
    const { cluster, options } = this.#world;
    const namespace = pod.spec.hostNetwork ? this.host : this.#world.createPodNamespace(pod, this.host.name);
    if (!pod.spec.hostNetwork) this.#plugin.add(this.#context(), pod, namespace);
    const dns = startClusterDns(this.#world, pod, namespace);
    const stated = portsOf(cluster, pod, options.listens, options.namespace);
    const ports = stated.filter(({ port }) => dns === undefined || port !== 53);
    openServers(namespace, ports);
    return { pod, namespace, ports, dns };
  }
}

/** What came back under the same name with another address is another pod. */
function isSamePod(a: Pod, b: Pod): boolean {
  return a.spec.hostNetwork === b.spec.hostNetwork && a.status.podIPs.join() === b.status.podIPs.join();
}
