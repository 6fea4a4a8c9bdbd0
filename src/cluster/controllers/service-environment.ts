import type { Pod, Service } from "../objects.ts";
import { compareText } from "../problem.ts";

/**
 * The variables that the kubelet gives the containers of a pod for the Services that are there when they start:
 * those of the pod's namespace, unless `enableServiceLinks` is false, and default/kubernetes.
 * pkg/kubelet/kubelet_pods.go (getServiceEnvVarMap), pkg/kubelet/envvars/envvars.go (FromServices).
 */
export function serviceEnvironment(pod: Pod, services: readonly Service[]): Readonly<Record<string, string>> {
  const linked = pod.spec.enableServiceLinks !== false;
  const seen = new Map<string, Service>();
  for (const service of services) {
    const { namespace, name } = service.metadata;
    if (!hasClusterIP(service)) continue;
    if (namespace === "default" && name === "kubernetes" && !seen.has(name)) seen.set(name, service);
    if (linked && namespace === pod.metadata.namespace) seen.set(name, service);
  }
  const sorted = [...seen.values()].toSorted((a, b) => compareText(a.metadata.name, b.metadata.name));
  return Object.fromEntries(sorted.flatMap(variablesOf));
}

function hasClusterIP({ spec }: Service): boolean {
  return spec.type !== "ExternalName" && spec.clusterIP !== "" && spec.clusterIP !== "None";
}

/** The two of Kubernetes itself, one for each named port, then those of Docker's links. */
function variablesOf({ metadata, spec: { clusterIP, ports } }: Service): [string, string][] {
  const prefix = variableName(metadata.name);
  const [first] = ports;
  if (first === undefined) return [];
  const host = clusterIP.includes(":") ? `[${clusterIP}]` : clusterIP;
  const urlOf = ({ protocol, port }: Service["spec"]["ports"][number]): string =>
    `${protocol.toLowerCase()}://${host}:${port}`;
  return [
    [`${prefix}_SERVICE_HOST`, clusterIP],
    [`${prefix}_SERVICE_PORT`, `${first.port}`],
    ...ports
      .filter(({ name }) => name !== "")
      .map(({ name, port }): [string, string] => [`${prefix}_SERVICE_PORT_${variableName(name)}`, `${port}`]),
    [`${prefix}_PORT`, urlOf(first)],
    ...ports.flatMap((port): [string, string][] => {
      const link = `${prefix}_PORT_${port.port}_${port.protocol}`;
      return [
        [link, urlOf(port)],
        [`${link}_PROTO`, port.protocol.toLowerCase()],
        [`${link}_PORT`, `${port.port}`],
        [`${link}_ADDR`, clusterIP],
      ];
    }),
  ];
}

function variableName(name: string): string {
  return name.replaceAll("-", "_").toUpperCase();
}
