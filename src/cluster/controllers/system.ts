import { formatAddress } from "../../wire/address.ts";
import { nthAddress, parseCidr } from "../../wire/cidr.ts";
import type { Assumptions } from "../assumptions.ts";
import type { ClusterSettings } from "../cluster.ts";
import type { ConfigMap, EndpointSlice, KubernetesObject, Node, Service, ServicePort, Workload } from "../objects.ts";
import { serviceNameLabel } from "./endpoint-slices.ts";
import { internalIPs } from "./nodes.ts";

/**
 * What every cluster has and manifests of applications do not state: the Services `kubernetes` and `kube-dns` and
 * CoreDNS, as kubeadm makes them. Nothing is added that the input states itself.
 */
export function missingSystemObjects(
  objects: readonly KubernetesObject[],
  nodes: readonly Node[],
  settings: ClusterSettings,
  assumptions: Assumptions,
): readonly KubernetesObject[] {
  const find = (kind: KubernetesObject["kind"], namespace: string, name: string): KubernetesObject | undefined =>
    objects.find(
      (object) => object.kind === kind && object.metadata.name === name && object.metadata.namespace === namespace,
    );
  const dnsStated = find("Service", "kube-system", "kube-dns") !== undefined;
  const corefileStated = find("ConfigMap", "kube-system", "coredns") !== undefined;
  const made: KubernetesObject[] = [];
  if (dnsStated && !corefileStated) {
    // Nobody asks a cluster for the ConfigMaps of its system.
    made.push(corefile(settings));
    const text = "CoreDNS has the Corefile that kubeadm writes for Kubernetes 1.30";
    assumptions.add("corefile", text, "ConfigMap kube-system/coredns");
  }
  if (settings.systemComponents === "none") return made;
  const stated = find("Service", "default", "kubernetes") as Service | undefined;
  const apiService = stated ?? apiServerService(settings);
  if (stated === undefined) made.push(apiService);
  if (!hasSlices(objects, apiService)) made.push(...apiServerSlices(nodes, apiService));
  const where = internalIPs(nodes[0] as Node).join(", ");
  assumptions.add(
    "api-server",
    `the API server answers on port 6443 of ${nodes[0]?.metadata.name} (${where})`,
    "Service default/kubernetes with its EndpointSlice",
  );
  if (dnsStated) return made;
  const dns = dnsService(settings);
  made.push(dns);
  if (find("Deployment", "kube-system", "coredns") === undefined) made.push(coreDns());
  if (!corefileStated) made.push(corefile(settings));
  assumptions.add(
    "dns",
    `CoreDNS runs as kubeadm installs it: two pods behind ${dns.spec.clusterIP}, with the Corefile of Kubernetes 1.30`,
    "Service kube-system/kube-dns",
  );
  return made;
}

function hasSlices(objects: readonly KubernetesObject[], { metadata }: Service): boolean {
  return objects.some(
    (object) =>
      object.metadata.namespace === metadata.namespace &&
      ((object.kind === "EndpointSlice" && object.metadata.labels[serviceNameLabel] === metadata.name) ||
        (object.kind === "Endpoints" && object.metadata.name === metadata.name)),
  );
}

/**
 * Whether the input was read from a running cluster, so that what it lacks is not there: it holds the API server's own
 * Service with its slice, or Nodes and Services that all have their addresses, and no workload without pods. Nobody
 * writes those by hand.
 */
export function isFromCluster(objects: readonly KubernetesObject[]): boolean {
  const services = objects.filter((object): object is Service => object.kind === "Service");
  const own = services.find(({ metadata }) => metadata.namespace === "default" && metadata.name === "kubernetes");
  if (own !== undefined && hasSlices(objects, own)) return true;
  const kinds = new Set(objects.map(({ kind }) => kind));
  const controls = ["Deployment", "StatefulSet", "DaemonSet", "ReplicaSet"] as const;
  const addressed = services.every(({ spec }) => spec.type === "ExternalName" || spec.clusterIP !== "");
  const hasPods = kinds.has("Pod") || !controls.some((kind) => kinds.has(kind));
  return kinds.has("Node") && services.length > 0 && addressed && hasPods;
}

function nthServiceIPs(settings: ClusterSettings, offset: number): readonly string[] {
  const first = parseCidr(settings.serviceCidrs[0] ?? "");
  return first === undefined ? [] : [formatAddress(nthAddress(first, offset))];
}

function systemService(
  namespace: string,
  name: string,
  clusterIPs: readonly string[],
  ports: readonly ServicePort[],
  labels: Readonly<Record<string, string>>,
  selector?: Readonly<Record<string, string>>,
): Service {
  return {
    kind: "Service",
    metadata: { name, namespace, labels, annotations: {} },
    spec: {
      type: "ClusterIP",
      clusterIP: clusterIPs[0] ?? "",
      clusterIPs,
      ipFamilies: clusterIPs.map((text) => (text.includes(":") ? "IPv6" : "IPv4")),
      ...(selector && { selector }),
      ports,
      externalIPs: [],
      sessionAffinity: "None",
      sessionAffinityTimeoutSeconds: 10800,
      externalTrafficPolicy: "Cluster",
      internalTrafficPolicy: "Cluster",
      loadBalancerSourceRanges: [],
      healthCheckNodePort: 0,
      allocateLoadBalancerNodePorts: true,
      publishNotReadyAddresses: false,
    },
    status: { loadBalancer: { ingress: [] } },
  };
}

/** The API server keeps the first service address for itself: pkg/controlplane/controller/kubernetesservice. */
function apiServerService(settings: ClusterSettings): Service {
  const https: ServicePort = { name: "https", protocol: "TCP", port: 443, targetPort: 6443, nodePort: 0 };
  const labels = { component: "apiserver", provider: "kubernetes" };
  return systemService("default", "kubernetes", nthServiceIPs(settings, 1), [https], labels);
}

/** Without nodeName, as the API server's own reconciler writes them. */
function apiServerSlices(nodes: readonly Node[], service: Service): EndpointSlice[] {
  const addresses = internalIPs(nodes[0] as Node);
  return service.spec.ipFamilies.flatMap((addressType): EndpointSlice[] => {
    const address = addresses.find((text) => text.includes(":") === (addressType === "IPv6"));
    if (address === undefined) return [];
    return [
      {
        kind: "EndpointSlice",
        metadata: {
          name: "kubernetes",
          namespace: "default",
          labels: { "kubernetes.io/service-name": "kubernetes" },
          annotations: {},
        },
        addressType,
        ports: [{ name: "https", protocol: "TCP", port: 6443 }],
        endpoints: [{ addresses: [address], conditions: { ready: true } }],
      },
    ];
  });
}

const dnsLabels = { "k8s-app": "kube-dns" };

/** cmd/kubeadm/app/phases/addons/dns/manifests.go; the address is the tenth (GetDNSIP). */
function dnsService(settings: ClusterSettings): Service {
  const ports: readonly ServicePort[] = [
    { name: "dns", protocol: "UDP", port: 53, targetPort: 53, nodePort: 0 },
    { name: "dns-tcp", protocol: "TCP", port: 53, targetPort: 53, nodePort: 0 },
    { name: "metrics", protocol: "TCP", port: 9153, targetPort: 9153, nodePort: 0 },
  ];
  const labels = { ...dnsLabels, "kubernetes.io/cluster-service": "true", "kubernetes.io/name": "CoreDNS" };
  return systemService("kube-system", "kube-dns", nthServiceIPs(settings, 10), ports, labels, dnsLabels);
}

function coreDns(): Workload {
  return {
    kind: "Deployment",
    metadata: { name: "coredns", namespace: "kube-system", labels: dnsLabels, annotations: {} },
    spec: {
      replicas: 2,
      selector: { matchLabels: dnsLabels, matchExpressions: [] },
      template: {
        metadata: { labels: dnsLabels, annotations: {} },
        spec: {
          nodeSelector: { "kubernetes.io/os": "linux" },
          tolerations: [
            { key: "CriticalAddonsOnly", operator: "Exists", value: "", effect: "" },
            { key: "node-role.kubernetes.io/control-plane", operator: "Equal", value: "", effect: "NoSchedule" },
          ],
          hostNetwork: false,
          dnsPolicy: "Default",
          containers: [
            {
              name: "coredns",
              image: "registry.k8s.io/coredns/coredns:v1.11.1",
              ports: [
                { name: "dns", containerPort: 53, protocol: "UDP" },
                { name: "dns-tcp", containerPort: 53, protocol: "TCP" },
                { name: "metrics", containerPort: 9153, protocol: "TCP" },
              ],
              probes: [
                { kind: "httpGet", port: 8080 },
                { kind: "httpGet", port: 8181 },
              ],
            },
          ],
        },
      },
    },
  };
}

/** kubeadm's Corefile of 1.30: plain `cache 30` (later releases disable it for the cluster's own zone). */
function corefile(settings: ClusterSettings): ConfigMap {
  const Corefile = `.:53 {
    errors
    health {
       lameduck 5s
    }
    ready
    kubernetes ${settings.clusterDomain} in-addr.arpa ip6.arpa {
       pods insecure
       fallthrough in-addr.arpa ip6.arpa
       ttl 30
    }
    prometheus :9153
    forward . /etc/resolv.conf {
       max_concurrent 1000
    }
    cache 30
    loop
    reload
    loadbalance
}
`;
  return {
    kind: "ConfigMap",
    metadata: { name: "coredns", namespace: "kube-system", labels: {}, annotations: {} },
    data: { Corefile },
  };
}
