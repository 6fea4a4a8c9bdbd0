import { parseAddress } from "../../wire/address.ts";
import type { Container, ContainerPort, DnsConfig, Pod, PodSpec, Probe, Toleration } from "../objects.ts";
import { readMeta } from "./meta.ts";
import { readAddress, refuseSecondOfFamily } from "./addresses.ts";
import {
  dnsLabelRule,
  isDnsLabel,
  isPortName,
  portNameRule,
  readLabels,
  readPort,
  readPortNumber,
  readProtocol,
} from "./names.ts";
import type { Reader } from "./reader.ts";

const podSpecFields: ReadonlySet<string> = new Set([
  "activeDeadlineSeconds",
  "affinity",
  "automountServiceAccountToken",
  "containers",
  "dnsConfig",
  "dnsPolicy",
  "enableServiceLinks",
  "ephemeralContainers",
  "hostAliases",
  "hostIPC",
  "hostNetwork",
  "hostPID",
  "hostUsers",
  "hostname",
  "imagePullSecrets",
  "initContainers",
  "nodeName",
  "nodeSelector",
  "os",
  "overhead",
  "preemptionPolicy",
  "priority",
  "priorityClassName",
  "readinessGates",
  "resourceClaims",
  "resources",
  "restartPolicy",
  "runtimeClassName",
  "schedulerName",
  "schedulingGates",
  "securityContext",
  "serviceAccount",
  "serviceAccountName",
  "setHostnameAsFQDN",
  "shareProcessNamespace",
  "subdomain",
  "terminationGracePeriodSeconds",
  "tolerations",
  "topologySpreadConstraints",
  "volumes",
]);
const containerFields: ReadonlySet<string> = new Set([
  "args",
  "command",
  "env",
  "envFrom",
  "image",
  "imagePullPolicy",
  "lifecycle",
  "livenessProbe",
  "name",
  "ports",
  "readinessProbe",
  "resizePolicy",
  "resources",
  "restartPolicy",
  "securityContext",
  "startupProbe",
  "stdin",
  "stdinOnce",
  "terminationMessagePath",
  "terminationMessagePolicy",
  "tty",
  "volumeDevices",
  "volumeMounts",
  "workingDir",
]);
const containerPortFields: ReadonlySet<string> = new Set(["containerPort", "hostIP", "hostPort", "name", "protocol"]);

/** Scenarios mark a pod, or a workload's template, unready by this annotation with the value "false". */
export const readyAnnotation = "kubehop.dev/ready";

export function readPod(object: Reader, namespace: string): Pod {
  const metadata = readMeta(object, "subdomain", namespace);
  const status = object.objectOrEmpty("status");
  const phase = status.oneOf("phase", ["Pending", "Running", "Succeeded", "Failed", "Unknown"]);
  const hostIP = status.string("hostIP") ?? "";
  const annotated = metadata.annotations[readyAnnotation];
  return {
    kind: "Pod",
    metadata,
    spec: readPodSpec(object.objectOrEmpty("spec")),
    status: {
      phase: phase === undefined || phase === "Unknown" ? "Running" : phase,
      podIPs: readPodIPs(status),
      ready: annotated === undefined ? readReady(status, phase) : annotated !== "false",
      ...(hostIP !== "" && { hostIP }),
    },
  };
}

function readPodIPs(status: Reader): string[] {
  const listed = status.objects("podIPs").flatMap((entry) => entry.string("ip") ?? []);
  const single = status.string("podIP") ?? "";
  const addresses = listed.length > 0 ? listed : single === "" ? [] : [single];
  const read = addresses.flatMap((text, index) => {
    return readAddress(status, listed.length > 0 ? ["podIPs", index, "ip"] : "podIP", text) ?? [];
  });
  refuseSecondOfFamily(status, "podIPs", read, "IP");
  return read;
}

/** A pod is ready unless its status says otherwise. */
function readReady(status: Reader, phase: string | undefined): boolean {
  const condition = status.objects("conditions").find((entry) => entry.get("type") === "Ready");
  if (condition !== undefined) return condition.get("status") === "True";
  return phase === undefined || phase === "Running";
}

/** ValidatePodSpec, as far as the network is concerned. */
export function readPodSpec(spec: Reader): PodSpec {
  spec.onlyFields(podSpecFields);
  if (!spec.has("containers")) spec.required("containers");
  const hostNetwork = spec.boolean("hostNetwork") ?? false;
  const nodeName = spec.string("nodeName");
  const hostname = readHostLabel(spec, "hostname");
  const subdomain = readHostLabel(spec, "subdomain");
  const tolerations = spec.objects("tolerations").map(readToleration);
  const dnsConfig = spec.object("dnsConfig");
  const dnsPolicy =
    spec.oneOf("dnsPolicy", ["ClusterFirst", "ClusterFirstWithHostNet", "Default", "None"]) ?? "ClusterFirst";
  if (dnsPolicy === "None" && (dnsConfig?.list("nameservers").length ?? 0) === 0) {
    spec.report("REQUIRED", "dnsPolicy", "dnsPolicy None needs at least one nameserver in dnsConfig");
  }
  return {
    ...(nodeName !== undefined && nodeName !== "" && { nodeName }),
    ...(spec.has("nodeSelector") && { nodeSelector: readLabels(spec, "nodeSelector") }),
    ...(tolerations.length > 0 && { tolerations }),
    hostNetwork,
    ...(spec.boolean("enableServiceLinks") === false && { enableServiceLinks: false }),
    ...(hostname !== undefined && { hostname }),
    ...(subdomain !== undefined && { subdomain }),
    dnsPolicy,
    ...(dnsConfig && { dnsConfig: readDnsConfig(dnsConfig) }),
    containers: readContainers(spec, hostNetwork),
  };
}

function readHostLabel(spec: Reader, key: "hostname" | "subdomain"): string | undefined {
  const label = spec.string(key);
  if (label === undefined || label === "") return undefined;
  if (!isDnsLabel(label)) spec.invalid("BAD_NAME", key, label, dnsLabelRule);
  return label;
}

function readToleration(toleration: Reader): Toleration {
  return {
    key: toleration.string("key") ?? "",
    operator: toleration.oneOf("operator", ["Equal", "Exists"]) ?? "Equal",
    value: toleration.string("value") ?? "",
    effect: toleration.string("effect") ?? "",
  };
}

function readDnsConfig(config: Reader): DnsConfig {
  const nameservers = config.strings("nameservers");
  for (const [index, text] of nameservers.entries()) {
    if (parseAddress(text) === undefined) readAddress(config, ["nameservers", index], text);
  }
  if (nameservers.length > 3)
    config.invalid("BAD_VALUE", "nameservers", nameservers, "must not have more than 3 nameservers");
  const searches = config.strings("searches");
  if (searches.length > 32)
    config.invalid("BAD_VALUE", "searches", searches.length, "must not have more than 32 search paths");
  return {
    nameservers,
    searches,
    options: config.objects("options").map((option) => {
      const value = option.string("value");
      return { name: option.requiredString("name"), ...(value !== undefined && { value }) };
    }),
  };
}

/** Containers, and the init containers that go on running beside them (sidecars, restartPolicy Always). */
function readContainers(spec: Reader, hostNetwork: boolean): Container[] {
  const sidecars = spec.objects("initContainers").filter((container) => container.get("restartPolicy") === "Always");
  const readers = [...spec.objects("containers"), ...sidecars];
  const containers = readers.map((container) => readContainer(container, hostNetwork));
  const taken = new Set<string>();
  for (const [index, { ports }] of containers.entries()) {
    for (const [at, { hostPort, hostIP = "", protocol }] of ports.entries()) {
      if (hostPort === undefined) continue;
      const key = `${protocol}/${hostIP}/${hostPort}`;
      const words = `Duplicate value: ${JSON.stringify(key)}`;
      if (taken.has(key)) readers[index]?.refuse("DUPLICATE_PORT", ["ports", at, "hostPort"], words);
      taken.add(key);
    }
  }
  return containers;
}

function readContainer(container: Reader, hostNetwork: boolean): Container {
  container.onlyFields(containerFields);
  // A missing name is refused by the API server but makes no difference to the network: sanitised dumps lack it.
  const name = container.string("name") ?? "";
  if (name !== "" && !isDnsLabel(name)) container.invalid("BAD_NAME", "name", name, dnsLabelRule);
  const ports = container.objects("ports").map((port) => readContainerPort(port, hostNetwork));
  const names = new Set<string>();
  for (const [index, port] of ports.entries()) {
    if (port.name === undefined) continue;
    if (names.has(port.name)) {
      container.refuse("DUPLICATE_PORT", ["ports", index, "name"], `Duplicate value: ${JSON.stringify(port.name)}`);
    }
    names.add(port.name);
  }
  return { name, image: container.string("image") ?? "", ports, probes: readProbes(container) };
}

function readContainerPort(port: Reader, hostNetwork: boolean): ContainerPort {
  port.onlyFields(containerPortFields);
  const name = port.string("name");
  if (name !== undefined && name !== "" && !isPortName(name))
    port.invalid("BAD_PORT", "name", name, portNameRule(name));
  if (!port.has("containerPort")) port.required("containerPort");
  const containerPort = readPortNumber(port, "containerPort") ?? 0;
  const hostPort = readPortNumber(port, "hostPort");
  if (hostNetwork && hostPort !== undefined && hostPort !== containerPort) {
    const fix = "Make it the same number, or leave it out.";
    port.invalid("BAD_PORT", "hostPort", hostPort, "must match `containerPort` when `hostNetwork` is true", fix);
  }
  const hostIP = port.string("hostIP");
  if (hostIP !== undefined && hostIP !== "" && parseAddress(hostIP) === undefined) readAddress(port, "hostIP", hostIP);
  return {
    ...(name !== undefined && name !== "" && { name }),
    containerPort,
    protocol: readProtocol(port),
    ...(hostPort !== undefined && { hostPort }),
    ...(hostIP !== undefined && hostIP !== "" && { hostIP }),
  };
}

function readProbes(container: Reader): Probe[] {
  return ["livenessProbe", "readinessProbe", "startupProbe"].flatMap((key) => {
    const probe = container.object(key);
    if (probe === undefined) return [];
    return (["httpGet", "tcpSocket", "grpc"] as const).flatMap((kind) => {
      const target = probe.object(kind);
      const port = target && readPort(target, "port");
      return port === undefined ? [] : [{ kind, port }];
    });
  });
}
