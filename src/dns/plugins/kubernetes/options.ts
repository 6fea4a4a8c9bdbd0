import type { LabelSelector } from "../../../cluster/objects.ts";
import type { Directive, Token } from "../../coredns/corefile.ts";
import type { PluginContext } from "../../coredns/plugin.ts";
import { isReverseName } from "../../names.ts";
import { type Fallthrough, argumentCount, numberArgument, readFallthrough, zonesOf } from "../arguments.ts";
import { parseSelector } from "./selector.ts";

export type PodMode = "disabled" | "insecure" | "verified";

/** The plugin's stanza. CoreDNS plugin/kubernetes/setup.go, README.md. */
export interface KubernetesOptions {
  /** Absolute, as written. */
  readonly zones: readonly string[];
  /** The first zone that is not a reverse one: names in PTR records end in it. */
  readonly primaryZone: string;
  pods: PodMode;
  ttlSeconds: number;
  endpointPodNames: boolean;
  ignoreEmptyService: boolean;
  /** Undefined: all. */
  namespaces: ReadonlySet<string> | undefined;
  namespaceLabels: LabelSelector | undefined;
  /** Objects must carry these labels to be seen at all. */
  labels: LabelSelector | undefined;
  fallthrough: Fallthrough;
  /** The EndpointSlices are not watched. */
  noEndpoints: boolean;
  /** Options that are accepted but whose effect is not modelled. */
  unmodelled: string | undefined;
}

/** Options about how the API server is reached: none changes an answer. */
const connectionOptions: ReadonlySet<string> = new Set(["endpoint", "tls", "kubeconfig", "startup_timeout"]);
const limitOptions: ReadonlySet<string> = new Set(["apiserver_qps", "apiserver_burst", "apiserver_max_inflight"]);

export function readOptions(directive: Directive, context: PluginContext): KubernetesOptions {
  const zones = zonesOf(directive.args, context);
  const primaryZone = zones.find((zone) => !isReverseName(zone));
  if (primaryZone === undefined) {
    context.problem("COREFILE_ARGUMENT", directive.name, "non-reverse zone name must be used");
  }
  const options: KubernetesOptions = {
    zones,
    primaryZone: primaryZone ?? "cluster.local.",
    pods: "disabled",
    ttlSeconds: 5,
    endpointPodNames: false,
    ignoreEmptyService: false,
    namespaces: undefined,
    namespaceLabels: undefined,
    labels: undefined,
    fallthrough: undefined,
    noEndpoints: false,
    unmodelled: undefined,
  };
  const block = directive.block ?? [];
  for (const property of block) readProperty(property, options, context);
  const namesAndLabels = block.find((property) => property.name.text === "namespace_labels");
  if (namesAndLabels !== undefined && options.namespaces !== undefined) {
    context.problem("COREFILE_ARGUMENT", namesAndLabels.name, "namespaces and namespace_labels cannot both be set");
  }
  if (options.unmodelled === "zonal" && options.noEndpoints) {
    context.problem("COREFILE_ARGUMENT", directive.name, "zonal needs endpoints: noendpoints cannot be set with it");
  }
  return options;
}

function readProperty({ name, args }: Directive, options: KubernetesOptions, context: PluginContext): void {
  const wants = (least: number, most = Number.POSITIVE_INFINITY): boolean =>
    argumentCount(name, args, least, most, context);
  switch (name.text) {
    case "pods":
      if (wants(1, 1)) options.pods = podMode(args[0] as Token, context) ?? options.pods;
      break;
    case "ttl":
      if (wants(1, 1)) options.ttlSeconds = numberArgument(args[0] as Token, 0, 3600, context) ?? options.ttlSeconds;
      break;
    case "endpoint_pod_names":
      if (wants(0, 0)) options.endpointPodNames = true;
      break;
    case "ignore":
      if (!wants(1)) break;
      if (args[0]?.text === "empty_service") options.ignoreEmptyService = true;
      else context.problem("COREFILE_ARGUMENT", args[0] as Token, `unable to parse ignore value: '${args[0]?.text}'`);
      break;
    case "namespaces":
      if (wants(1)) options.namespaces = new Set(args.map((arg) => arg.text));
      break;
    case "namespace_labels":
      if (wants(1)) options.namespaceLabels = selectorArgument(name, args, context);
      break;
    case "labels":
      if (wants(1)) options.labels = selectorArgument(name, args, context);
      break;
    case "fallthrough":
      options.fallthrough = readFallthrough(args);
      break;
    case "noendpoints":
      if (wants(0, 0)) options.noEndpoints = true;
      break;
    case "zonal":
      if (wants(0, 0)) options.unmodelled = "zonal";
      break;
    case "multicluster":
      for (const zone of args) {
        const own = options.zones.some((known) => known === `${zone.text.replace(/\.$/, "")}.`);
        if (own) options.unmodelled = "multicluster";
        else {
          const message = `is not authoritative for the multicluster zone ${zone.text}`;
          context.problem("COREFILE_ARGUMENT", zone, message);
        }
      }
      break;
    default:
      if (connectionOptions.has(name.text)) wants(1, name.text === "kubeconfig" ? 2 : undefined);
      else if (limitOptions.has(name.text)) {
        if (wants(1, 1) && !(Number(args[0]?.text) >= 0)) {
          context.problem("COREFILE_ARGUMENT", args[0] as Token, `${name.text} must be >= 0`);
        }
      } else context.problem("COREFILE_UNKNOWN_PROPERTY", name, `kubernetes has no property '${name.text}'`);
  }
}

function podMode(token: Token, context: PluginContext): PodMode | undefined {
  const mode = (["disabled", "insecure", "verified"] as const).find((mode) => mode === token.text);
  if (mode === undefined) {
    const message = `wrong value for pods: '${token.text}', must be one of: disabled, verified, insecure`;
    context.problem("COREFILE_ARGUMENT", token, message);
  }
  return mode;
}

function selectorArgument(name: Token, args: readonly Token[], context: PluginContext): LabelSelector | undefined {
  const text = args.map((arg) => arg.text).join(" ");
  const selector = parseSelector(text);
  if (selector === undefined) {
    context.problem("COREFILE_ARGUMENT", name, `unable to parse label selector value: '${text}'`);
  }
  return selector;
}
