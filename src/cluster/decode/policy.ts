import { type Cidr, covers, parseCidr } from "../../wire/cidr.ts";
import type { NetworkPolicy, NetworkPolicyPeer, NetworkPolicyPort, NetworkPolicyRule } from "../objects.ts";
import { readMeta } from "./meta.ts";
import { readPort, readPortNumber, readProtocol } from "./names.ts";
import type { Reader } from "./reader.ts";
import { everything, readSelector } from "./selector.ts";

const specFields: ReadonlySet<string> = new Set(["podSelector", "policyTypes", "ingress", "egress"]);
const ruleFields: Readonly<Record<"from" | "to", ReadonlySet<string>>> = {
  from: new Set(["from", "ports"]),
  to: new Set(["to", "ports"]),
};
const portFields: ReadonlySet<string> = new Set(["protocol", "port", "endPort"]);
const peerFields: ReadonlySet<string> = new Set(["podSelector", "namespaceSelector", "ipBlock"]);
const blockFields: ReadonlySet<string> = new Set(["cidr", "except"]);

/** Kubernetes pkg/apis/networking/validation (ValidateNetworkPolicySpec). */
export function readNetworkPolicy(object: Reader, namespace: string): NetworkPolicy {
  const metadata = readMeta(object, "subdomain", namespace);
  const spec = object.objectOrEmpty("spec");
  spec.onlyFields(specFields);
  const podSelector = spec.object("podSelector");
  const ingress = spec.objects("ingress").map((rule) => readRule(rule, "from"));
  const egress = spec.objects("egress").map((rule) => readRule(rule, "to"));
  return {
    kind: "NetworkPolicy",
    metadata,
    spec: {
      podSelector: podSelector ? readSelector(podSelector) : everything,
      policyTypes: readPolicyTypes(spec, egress.length > 0),
      ingress,
      egress,
    },
  };
}

/** Not stated: Ingress always, and Egress where there is an egress rule (pkg/apis/networking/v1/defaults.go). */
function readPolicyTypes(spec: Reader, hasEgressRule: boolean): readonly ("Ingress" | "Egress")[] {
  const stated = spec.strings("policyTypes").flatMap((type, index) => {
    if (type === "Ingress" || type === "Egress") return [type] as const;
    spec.report("BAD_VALUE", ["policyTypes", index], `policyTypes has \`${type}\``, "Use Ingress and Egress.");
    return [];
  });
  if (stated.length > 2) spec.report("BAD_VALUE", "policyTypes", "may not specify more than two policyTypes");
  if (stated.length > 0) return stated;
  return hasEgressRule ? ["Ingress", "Egress"] : ["Ingress"];
}

function readRule(rule: Reader, peers: "from" | "to"): NetworkPolicyRule {
  rule.onlyFields(ruleFields[peers]);
  return { peers: rule.objects(peers).map(readPeer), ports: rule.objects("ports").map(readPolicyPort) };
}

function readPeer(peer: Reader): NetworkPolicyPeer {
  peer.onlyFields(peerFields);
  const podSelector = peer.object("podSelector");
  const namespaceSelector = peer.object("namespaceSelector");
  const ipBlock = peer.object("ipBlock");
  if (!podSelector && !namespaceSelector && !ipBlock) peer.report("BAD_PEER", "", "must specify a peer");
  if (ipBlock && (podSelector || namespaceSelector))
    peer.report("BAD_PEER", "ipBlock", "may not specify both ipBlock and another peer");
  return {
    ...(podSelector && { podSelector: readSelector(podSelector) }),
    ...(namespaceSelector && { namespaceSelector: readSelector(namespaceSelector) }),
    ...(ipBlock && { ipBlock: readIpBlock(ipBlock) }),
  };
}

function readIpBlock(block: Reader): NonNullable<NetworkPolicyPeer["ipBlock"]> {
  block.onlyFields(blockFields);
  const cidr = block.requiredString("cidr");
  const outer = cidr === "" ? undefined : readCidr(block, ["cidr"], cidr);
  const except = block.strings("except");
  for (const [index, text] of except.entries()) {
    const inner = readCidr(block, ["except", index], text);
    if (outer === undefined || inner === undefined) continue;
    if (inner.prefixLength <= outer.prefixLength || !covers(outer, inner)) {
      block.report(
        "BAD_CIDR",
        ["except", index],
        `${text} must be a strict subset of ${cidr}`,
        "Name a smaller block inside cidr.",
      );
    }
  }
  return { cidr, except };
}

function readCidr(block: Reader, path: readonly (string | number)[], text: string): Cidr | undefined {
  const parsed = text.includes("/") ? parseCidr(text) : undefined;
  if (parsed === undefined)
    block.report("BAD_CIDR", path, `\`${text}\` is no CIDR`, "Write one address as 10.0.0.1/32.");
  return parsed;
}

function readPolicyPort(entry: Reader): NetworkPolicyPort {
  entry.onlyFields(portFields);
  const port = readPort(entry, "port");
  const endPort = readPortNumber(entry, "endPort");
  if (endPort !== undefined) {
    if (port === undefined) entry.report("REQUIRED", "endPort", "endPort needs port");
    else if (typeof port === "string")
      entry.report("NOT_ALLOWED_HERE", "endPort", "may not be specified when port is a name");
    else if (endPort < port) entry.report("BAD_PORT", "endPort", `endPort ${endPort} must be at least port ${port}`);
  }
  return {
    protocol: readProtocol(entry),
    ...(port !== undefined && { port }),
    ...(endPort !== undefined && { endPort }),
  };
}
