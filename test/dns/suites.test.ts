import { existsSync, readFileSync, readdirSync } from "node:fs";
import { join } from "node:path";
import { describe, expect, test } from "vitest";
import type { Upstream } from "../../src/dns/coredns/server.ts";
import { CoreDns, checkCorefile } from "../../src/dns/coredns/server.ts";
import { replyTo } from "../../src/dns/message.ts";
import { parseRequest } from "../../src/dns/plugins/kubernetes/parse.ts";
import { endpointLabel } from "../../src/dns/plugins/kubernetes/records.ts";
import { parseAddress } from "../../src/wire/address.ts";
import type { DnsRecord } from "../../src/wire/dns.ts";
import { formatRecord, parseRecord } from "../../src/wire/dns-text.ts";
import { clusterOf } from "./cluster.ts";

/* Expectations: CoreDNS's own tests and coredns/ci, as data in ../shared/suites/dns. */

interface SuiteCase {
  readonly name?: string;
  readonly qname: string;
  readonly qtype: string;
  readonly qnameAsWritten?: string;
  readonly rcode: string;
  readonly answer?: readonly string[];
  readonly ns?: readonly string[];
  readonly extra?: readonly string[];
  readonly liveMatches?: boolean;
  readonly live?: {
    readonly rcode: string;
    readonly answer?: readonly string[];
    readonly ns?: readonly string[];
    readonly extra?: readonly string[];
  };
  readonly upstream?: unknown;
}

interface Suite {
  readonly config: {
    readonly plugin?: string;
    readonly corefile?: string;
    readonly synced?: boolean;
    readonly clientNamespace?: string;
    readonly localIPs?: readonly string[];
  };
  readonly objectsYaml: string;
  readonly zonefile?: string;
  readonly cases: readonly SuiteCase[];
}

const folder = join(import.meta.dirname, "../../../shared/suites/dns");
const present = existsSync(folder);
if (!present && process.env["KUBEHOP_REQUIRE"] === "all") throw new Error(`${folder} is missing`);
if (!present) console.info(`skipped: ${folder} is not there`);

function read(file: string): Suite {
  return JSON.parse(readFileSync(join(folder, file), "utf8")) as Suite;
}

/** The suite of the real cluster counts on these being there: the DNS Service, and the pod that asks. */
const kubeDns = `
apiVersion: v1
kind: Service
metadata: {name: kube-dns, namespace: kube-system}
spec: {clusterIP: 10.96.0.10, ports: [{name: dns, port: 53, protocol: UDP}]}
---
apiVersion: discovery.k8s.io/v1
kind: EndpointSlice
metadata: {name: kube-dns-1, namespace: kube-system, labels: {kubernetes.io/service-name: kube-dns}}
addressType: IPv4
ports: [{name: dns, port: 53, protocol: UDP}]
endpoints: [{addresses: [10.244.0.10], conditions: {ready: true}}]
---
apiVersion: v1
kind: Pod
metadata: {name: dig, namespace: test-1}
spec: {containers: [{name: dig, image: dig}]}
status: {phase: Running, podIP: 10.244.0.99, podIPs: [{ip: 10.244.0.99}]}
`;
const clientAddress = "10.244.0.99";

/** What cannot be compared, and why. */
const notRun: Readonly<Record<string, string>> = {
  "k8s-multicluster.json": "the Multi-Cluster Services API is not modelled (unknown)",
  "k8s-zonal.json": "the option zonal is not modelled (unknown)",
  "k8s_external.json": "the plugin k8s_external is not modelled (unknown)",
  "k8s_external-apex.json": "the plugin k8s_external is not modelled (unknown)",
  "k8s-external-func.json": "the plugin k8s_external is not modelled (unknown)",
  "k8s-services-func.json": "back-end records, not replies; half of them are multicluster",
  "k8s-services-authority-func.json": "back-end records, not replies",
  "ci-axfr.json": "the plugin transfer is not modelled (unknown)",
};
const otherForm = ["INDEX.json", "corefile-kubernetes-stanza.json", "k8s-parse.json", "k8s-endpoint-hostname.json"];

const questionFiles = present
  ? readdirSync(folder).filter((file) => !otherForm.includes(file) && !(file in notRun))
  : [];

/** In records of these suites TTL 303 means any, and of an SOA only owner, TTL and MNAME are stated. */
function comparable(lines: readonly string[]): string[] {
  return lines.map((line) => line.replace(/^(\S+) \d+ IN/, "$1 IN").replace(/ SOA (\S+) .*/, " SOA $1")).sort();
}

function ttls(lines: readonly string[]): (number | undefined)[] {
  return lines.map((line) => parseRecord(line)?.ttlSeconds).sort();
}

describe.skipIf(!present).each(questionFiles)("%s", (file) => {
  const { config, cases, objectsYaml, zonefile } = read(file);
  const corefile =
    config.plugin === "kubernetes"
      ? `.:53 {\n${config.corefile}\nforward . 192.0.2.1\n}`
      : (config.corefile ?? "").replaceAll("{{UPSTREAM}}", "192.0.2.1");
  const server = new CoreDns({
    corefile,
    cluster: clusterOf(config.plugin === "kubernetes" ? objectsYaml : `${objectsYaml}\n---\n${kubeDns}`, file),
    localAddresses: (config.localIPs ?? ["10.244.0.10"]).flatMap((text) => parseAddress(text) ?? []),
    ...(zonefile !== undefined && { files: { "/etc/coredns/Zonefile": zonefile.replace(/^ {4}/gm, "") } }),
    ...(config.synced === false && { synced: false }),
  });

  test.each(cases)("$qname $qtype", (stated) => {
    // The target's records are what the upstream must have said.
    const upstream: Upstream = ({ query }) => ({
      kind: "reply",
      message: {
        ...replyTo(query),
        answer: upstreamRecords(stated).filter((record) => record.type === query.question.type),
      },
    });
    // autopath: what dig is given, in the first search domain; the question goes out once.
    const client = parseAddress(config.clientNamespace === undefined ? "" : clientAddress);
    const isSearched = stated.qnameAsWritten !== undefined && file === "ci-autopath.json";
    const name = isSearched ? `${stated.qnameAsWritten}.${config.clientNamespace}.svc.cluster.local.` : stated.qname;
    const answered = server.answer({ name, type: stated.qtype }, client, 0, { upstream });
    if (answered.kind === "unknown") throw new Error(answered.reason);
    const { message } = answered;
    const texts = (records: readonly DnsRecord[]): string[] => records.map(formatRecord);
    // The live reply knows TTLs that the suite leaves open; where the two differ, the suite is right (see its liveNote).
    const wanted = stated.liveMatches === true ? (stated.live ?? stated) : stated;
    expect({
      rcode: message.rcode,
      answer: comparable(texts(message.answer)),
      ns: comparable(texts(message.authority)),
      extra: comparable(texts(message.additional)),
    }).toEqual({
      rcode: wanted.rcode,
      answer: comparable(wanted.answer ?? []),
      ns: comparable(wanted.ns ?? []),
      extra: comparable(wanted.extra ?? []),
    });
    // 303 stands for any TTL.
    const isStated = ttls(wanted.answer ?? []).every((ttl) => ttl !== 303);
    if (isStated) expect(ttls(texts(message.answer))).toEqual(ttls(wanted.answer ?? []));
  });
});

function upstreamRecords({ answer = [], live }: SuiteCase): readonly DnsRecord[] {
  return (live?.answer ?? answer).flatMap((line) => parseRecord(line) ?? []);
}

describe.skipIf(!present)("other forms", () => {
  interface Stanza {
    readonly input: string;
    readonly shouldErr: boolean;
  }
  const stanzas = present
    ? (JSON.parse(readFileSync(join(folder, "corefile-kubernetes-stanza.json"), "utf8")) as { cases: Stanza[] }).cases
    : [];
  test.each(stanzas)("$input is refused: $shouldErr", ({ input, shouldErr }) => {
    const problems = checkCorefile(`.:53 {\n${input}\n}`);
    expect(problems.length > 0, problems.map(({ message }) => message).join("\n")).toBe(shouldErr);
  });

  interface Parsed {
    readonly qname: string;
    readonly expected?: string;
    readonly error?: boolean;
    readonly multicluster?: boolean;
    readonly zonal?: boolean;
  }
  const names = present
    ? (JSON.parse(readFileSync(join(folder, "k8s-parse.json"), "utf8")) as { cases: Parsed[] }).cases
    : [];
  const plain = names.filter(({ multicluster, zonal }) => multicluster !== true && zonal !== true);
  test.each(plain)("$qname is taken apart as CoreDNS does", ({ qname, expected }) => {
    const parsed = parseRequest(qname, "inter.webs.tests.");
    const text =
      parsed &&
      [parsed.port, parsed.protocol, parsed.endpoint, "", parsed.service, parsed.namespace, parsed.kind].join(".");
    expect(text).toBe(expected);
  });

  interface Labelled {
    readonly ip: string;
    readonly hostname: string;
    readonly podName: string;
    readonly endpointPodNames: boolean;
    readonly label: string;
  }
  const labels = present
    ? (JSON.parse(readFileSync(join(folder, "k8s-endpoint-hostname.json"), "utf8")) as { cases: Labelled[] }).cases
    : [];
  test.each(labels)("$ip $hostname $podName is called $label", ({ ip, hostname, podName, endpointPodNames, label }) => {
    expect(endpointLabel({ address: ip, hostname, targetName: podName }, endpointPodNames)).toBe(label);
  });

  test("what is not run is listed with its reason", () => {
    for (const [file, reason] of Object.entries(notRun)) {
      console.info(`not run: ${file} (${read(file).cases.length} cases): ${reason}`);
    }
    console.info(`not run: k8s-parse.json (${names.length - plain.length} cases): multicluster and zonal names`);
  });
});
