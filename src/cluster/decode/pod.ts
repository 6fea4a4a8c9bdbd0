import { parseAddress } from "../../wire/address.ts";
import type { Container, ContainerPort, DnsConfig, Pod, PodSpec, Probe, Toleration } from "../objects.ts";
import { readMeta } from "./meta.ts";
import { isDnsLabel, isPortName, readLabels, readPort, readPortNumber, readProtocol } from "./names.ts";
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
  for (const text of addresses) {
    if (parseAddress(text) === undefined) status.report("BAD_ADDRESS", "podIP", `\`${text}\` is no IP address`);
  }
  return addresses;
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
  if (!isDnsLabel(label)) spec.report("BAD_NAME", key, `\`${label}\` is no DNS label`);
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
    if (parseAddress(text) === undefined)
      config.report("BAD_ADDRESS", ["nameservers", index], `\`${text}\` is no IP address`);
  }
  if (nameservers.length > 3) config.report("BAD_VALUE", "nameservers", "must not have more than 3 nameservers");
  const searches = config.strings("searches");
  if (searches.length > 32) config.report("BAD_VALUE", "searches", "must not have more than 32 search paths");
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
  return [...spec.objects("containers"), ...sidecars].map((container) => readContainer(container, hostNetwork));
}

function readContainer(container: Reader, hostNetwork: boolean): Container {
  container.onlyFields(containerFields);
  // A missing name is refused by the API server but makes no difference to the network: sanitised dumps lack it.
  const name = container.string("name") ?? "";
  if (name !== "" && !isDnsLabel(name)) container.report("BAD_NAME", "name", `\`${name}\` is no valid container name`);
  const ports = container.objects("ports").map((port) => readContainerPort(port, hostNetwork));
  const names = new Set<string>();
  for (const [index, port] of ports.entries()) {
    if (port.name === undefined) continue;
    if (names.has(port.name)) {
      container.report(
        "DUPLICATE_PORT",
        ["ports", index, "name"],
        `the port name ${port.name} stands twice in one container`,
      );
    }
    names.add(port.name);
  }
  return { name, image: container.string("image") ?? "", ports, probes: readProbes(container) };
}

function readContainerPort(port: Reader, hostNetwork: boolean): ContainerPort {
  port.onlyFields(containerPortFields);
  const name = port.string("name");
  if (name !== undefined && name !== "" && !isPortName(name))
    port.report("BAD_PORT", "name", `\`${name}\` is no port name`);
  if (!port.has("containerPort")) port.required("containerPort");
  const containerPort = readPortNumber(port, "containerPort") ?? 0;
  const hostPort = readPortNumber(port, "hostPort");
  if (hostNetwork && hostPort !== undefined && hostPort !== containerPort) {
    port.report("BAD_PORT", "hostPort", "with hostNetwork, hostPort must be the same as containerPort");
  }
  const hostIP = port.string("hostIP");
  if (hostIP !== undefined && hostIP !== "" && parseAddress(hostIP) === undefined) {
    port.report("BAD_ADDRESS", "hostIP", `\`${hostIP}\` is no IP address`);
  }
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
