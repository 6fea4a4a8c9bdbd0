import { readFileSync } from "node:fs";
import { join } from "node:path";
import { Ajv2020 } from "ajv/dist/2020.js";
import { expect, test } from "vitest";
import { parseAllDocuments } from "yaml";
import { read, root, run, scenarioFiles } from "./files.ts";

/**
 * Where each scenario's expectation comes from. "facts" are measurements of the real components; a recorded case
 * stands in test/referee.
 */
const sources: Readonly<Record<string, string>> = {
  "coredns-node-dead.yaml":
    "facts/dns.md 2.2, all dropped: EAI_AGAIN at 20 s; resolver-measured, fault drop-all, glibc",
  "coredns-scaled-to-zero.yaml": "facts/dns.md 1.4, kube-dns without endpoints: EAI_AGAIN in 0.00 s; kernel REJECT",
  "curl-service.yaml": "kernel case kp-iptables, a pod calls a ClusterIP whose endpoint is on the other node",
  "dead-node-deleted.yaml":
    "facts/kube-proxy.md 2: UDP connections of deleted endpoints are deleted; facts/dns.md 2.2, glibc asks again after 5 s by the same port, gives up at 20 s",
  "default-deny-cuts-dns.yaml": "kube-router pod_firewall.go rejects; facts/dns.md 2.2, port unreachable: at once",
  "hairpin.yaml": "facts/kernel.md 5, hairpin rules; kernel case hostgw, flow hairpin",
  "headless.yaml": "facts/dns.md 1.1, headless; kube-proxy case f-headless programs nothing",
  "ipvs-service.yaml": "facts/kernel.md 6; kernel case ipvs, flow svc-remote",
  "missing-route.yaml": "kernel case invalid, no route: silence where the sender cannot be told",
  "no-endpoints.yaml": "kube-proxy case g-no-endpoints; facts/kernel.md 5, REJECT in FORWARD: ECONNREFUSED",
  "no-such-name.yaml": "facts/dns.md 2.3, `nope`: D, S, C, as is, all NX; curl 7.88.1's text",
  "nodeport.yaml": "kube-proxy case b-nodeport; kernel case kp-iptables, nodePort flows",
  "policy-lets-web-in.yaml": "networking/v1 NetworkPolicy; netpol cases, podSelector with a numbered port",
  "same-node.yaml": "facts/kernel.md 5, same node bridged; kernel case hostgw, flow svc-local",
  "stale-rules.yaml":
    "facts/kube-proxy.md 3.5: rules stay as they are without a sync; kernel case kp-iptables, no-pod-c1 and empty-c1",
  "ttl.yaml": "facts/kernel.md 5, TTL expired: ICMP 11/0 from the ingress device's address; reply TTL 62",
  "unready-pod.yaml": "discovery/v1 EndpointSlice: kube-proxy uses ready endpoints only",
  "wrong-target-port.yaml": "facts/kernel.md 5, closed port: RST",
};

const isScenario = new Ajv2020({ strict: true, strictRequired: false, allErrors: true }).compile(
  JSON.parse(readFileSync(join(root, "schema/scenario.json"), "utf8")) as object,
);

test("every scenario says where its expectation comes from", () => {
  expect(Object.keys(sources)).toEqual(expect.arrayContaining([...scenarioFiles]));
});

test.for(scenarioFiles)("%s is valid by the published schema", (file) => {
  const [document] = parseAllDocuments(read(file).text);
  isScenario(document?.toJS());
  expect(isScenario.errors ?? []).toEqual([]);
});

test.for(scenarioFiles)("%s meets what it expects", (file) => {
  const { flows } = run(file);
  expect(flows.length).toBeGreaterThan(0);
  for (const { name, expected, failures } of flows) {
    expect(expected, `${name} expects nothing`).toBe(true);
    expect(failures, name).toEqual([]);
  }
});

interface Mutation {
  readonly file: string;
  readonly from: string;
  readonly to: string;
  /** What the failure must tell. */
  readonly tells: readonly RegExp[];
}

test.for<Mutation>([
  {
    file: "curl-service.yaml",
    from: "outcome: answered",
    to: "outcome: refused",
    tells: [/^expected refused, saw answered: HTTP/],
  },
  {
    file: "curl-service.yaml",
    from: "reaches: shop/pod/web-0",
    to: "reaches: shop/pod/client",
    tells: [/^answered by shop\/web-0, expected shop\/client$/],
  },
  {
    file: "curl-service.yaml",
    from: "[KUBE-SERVICES, cni0, node-b]",
    to: "[KUBE-SERVICES, flannel.1]",
    tells: [/^flannel\.1 was never visited; the packets visited .*cni0/],
  },
  {
    file: "curl-service.yaml",
    from: "[KUBE-SERVICES, cni0, node-b]",
    to: "[shop/web-0, DNAT]",
    tells: [/^DNAT was not visited after shop\/web-0; the packets visited /],
  },
  {
    file: "curl-service.yaml",
    from: 'natTo: "*:8080"',
    to: 'natTo: "*:8081"',
    tells: [/rewritten to \*:8081, saw: rewritten to 10\.244\.1\.\d+:8080$/],
  },
  {
    file: "headless.yaml",
    from: "notThrough: [KUBE-SVC-*]",
    to: "notThrough: [cni0]",
    tells: [/^expected the packets to stay away from cni0, they visited cni0$/],
  },
  {
    file: "no-endpoints.yaml",
    from: "name: web } }",
    to: "name: wbe } }",
    tells: [/^expected a REJECT by Service shop\/wbe, saw refused: .* of Service shop\/web/],
  },
  {
    file: "no-endpoints.yaml",
    from: "rejectedBy",
    to: "droppedBy",
    tells: [/^expected a DROP by Service shop\/web, saw refused: no DROP rule matched$/],
  },
  {
    file: "coredns-node-dead.yaml",
    from: "takesOver: 19s",
    to: "takesUnder: 19s",
    tells: [/^expected an outcome in under 19\.000 s, it took 20\.\d+ s$/],
  },
  {
    file: "unready-pod.yaml",
    from: "reachesOnly: [shop/pod/web-1]",
    to: "reachesOnly: [shop/pod/web-0]",
    tells: [/^answered by shop\/web-1, expected shop\/web-0$/],
  },
  {
    file: "no-such-name.yaml",
    from: "host: wbe",
    to: "host: web",
    tells: [/^expected the message curl: \(6\) .*web, saw curl: \(6\) .*wbe$/],
  },
  {
    file: "ttl.yaml",
    from: "From 172.18.0.3*",
    to: "From 172.18.0.2*",
    tells: [/^expected the message From 172\.18\.0\.2.*, saw From 172\.18\.0\.3 /],
  },
])("$file with `$to` fails and says why", ({ file, from, to, tells }) => {
  const { text } = read(file);
  expect(text).toContain(from);
  const failures = run(file, {}, text.replace(from, to)).flows.flatMap((flow) => flow.failures);
  expect(failures).toHaveLength(tells.length);
  for (const [index, pattern] of tells.entries()) expect(failures[index]).toMatch(pattern);
});
