import { describe, expect, test } from "vitest";
import { CoreDns } from "../../src/dns/coredns/server.ts";
import { type UpstreamData, upstreamFrom } from "../../src/dns/coredns/upstream.ts";
import { address } from "../../src/wire/address.ts";
import { formatRecord } from "../../src/wire/dns-text.ts";
import { clusterOf } from "./cluster.ts";

/* Expectations: the README of each plugin of CoreDNS, and the sources named in src/dns/plugins. */

const manifest = `
apiVersion: v1
kind: Namespace
metadata: {name: shop}
---
apiVersion: v1
kind: Service
metadata: {name: web, namespace: shop}
spec: {clusterIP: 10.96.10.10, ports: [{name: http, port: 80}]}
---
apiVersion: v1
kind: Pod
metadata: {name: client, namespace: shop}
spec: {containers: [{name: c, image: i}]}
status: {phase: Running, podIP: 10.244.0.11, podIPs: [{ip: 10.244.0.11}]}
`;
const cluster = clusterOf(manifest);
const upstreamData: UpstreamData = { "www.example.com": { A: ["93.184.216.34"] } };

interface Question {
  readonly corefile: string;
  readonly asked: string;
  readonly type?: string;
  readonly from?: string;
  readonly files?: Readonly<Record<string, string>>;
}

function ask({ corefile, asked, type = "A", from, files }: Question): string {
  const server = new CoreDns({ corefile, cluster, ...(files && { files }) });
  const client = from === undefined ? undefined : address(from);
  const answered = server.answer({ name: asked, type }, client, 0, { upstream: upstreamFrom(upstreamData) });
  if (answered.kind === "unknown") return `unknown: ${answered.reason}`;
  const { rcode, question, answer } = answered.message;
  const records = answer.map(formatRecord).join(" | ");
  return `${question.name === asked ? "" : `question ${question.name} `}${rcode}${records === "" ? "" : ` ${records}`}`;
}

const rest = "kubernetes cluster.local\n forward . 192.0.2.1";

describe("rewrite", () => {
  test.for([
    {
      name: "an exact rule renames the records back",
      rule: "name web.example.org web.shop.svc.cluster.local",
      asked: "web.example.org.",
      answer: "NOERROR web.example.org. 5 IN A 10.96.10.10",
    },
    {
      name: "a suffix rule leaves the records as they are",
      rule: "name suffix .example.org .shop.svc.cluster.local",
      asked: "web.example.org.",
      answer: "NOERROR web.shop.svc.cluster.local. 5 IN A 10.96.10.10",
    },
    {
      name: "a suffix rule with answer auto renames them back",
      rule: "name suffix .example.org .shop.svc.cluster.local answer auto",
      asked: "web.example.org.",
      answer: "NOERROR web.example.org. 5 IN A 10.96.10.10",
    },
    {
      name: "a regex rule with an answer rule, in braces",
      rule: "stop {\n name regex (.*)\\.example\\.org {1}.shop.svc.cluster.local\n answer name (.*)\\.shop\\.svc\\.cluster\\.local {1}.example.org\n }",
      asked: "web.example.org.",
      answer: "NOERROR web.example.org. 5 IN A 10.96.10.10",
    },
    {
      name: "what no rule matches goes on as it is",
      rule: "name web.example.org web.shop.svc.cluster.local",
      asked: "www.example.com.",
      answer: "NOERROR www.example.com. 60 IN A 93.184.216.34",
    },
    {
      name: "a rule that continues leads to the next one",
      rule: "continue name suffix .a .b\n rewrite name web.b web.shop.svc.cluster.local",
      asked: "web.a.",
      answer: "NOERROR web.b. 5 IN A 10.96.10.10",
    },
    {
      name: "a rule for another field is not modelled",
      rule: "ttl exact web.shop.svc.cluster.local. 5",
      asked: "web.shop.svc.cluster.local.",
      answer: "unknown: rules of CoreDNS's rewrite plugin for ttl are not modelled",
    },
  ])("$name", ({ rule, asked, answer }) => {
    expect(ask({ corefile: `.:53 {\n rewrite ${rule}\n ${rest}\n}`, asked })).toBe(answer);
  });
});

describe("hosts", () => {
  const inline = "hosts {\n 10.0.0.1 db.internal db\n fd00::1 db.internal\n fallthrough\n }";
  test.for([
    {
      name: "an address from the Corefile",
      hosts: inline,
      asked: "db.internal.",
      answer: "NOERROR db.internal. 3600 IN A 10.0.0.1",
    },
    {
      name: "the other family",
      hosts: inline,
      asked: "db.internal.",
      type: "AAAA",
      answer: "NOERROR db.internal. 3600 IN AAAA fd00::1",
    },
    { name: "a family that is not there is NODATA", hosts: inline, asked: "db.", type: "AAAA", answer: "NOERROR" },
    {
      name: "a reverse name",
      hosts: inline,
      asked: "1.0.0.10.in-addr.arpa.",
      type: "PTR",
      answer: "NOERROR 1.0.0.10.in-addr.arpa. 3600 IN PTR db.internal. | 1.0.0.10.in-addr.arpa. 3600 IN PTR db.",
    },
    {
      name: "another name falls through",
      hosts: inline,
      asked: "www.example.com.",
      answer: "NOERROR www.example.com. 60 IN A 93.184.216.34",
    },
    {
      name: "and is SERVFAIL where it may not",
      hosts: "hosts {\n 10.0.0.1 db.internal\n }",
      asked: "www.example.com.",
      answer: "SERVFAIL",
    },
    {
      name: "a file of the ConfigMap",
      hosts: "hosts /etc/coredns/extra example.org {\n ttl 60\n }",
      asked: "a.example.org.",
      answer: "NOERROR a.example.org. 60 IN A 10.0.0.9",
    },
    {
      name: "a file that nobody gave",
      hosts: "hosts /etc/elsewhere",
      asked: "a.example.org.",
      answer: "unknown: the hosts file /etc/elsewhere is not given",
    },
  ])("$name", ({ hosts, asked, type, answer }) => {
    const files = { "/etc/coredns/extra": "10.0.0.9 a.example.org # here\n" };
    expect(ask({ corefile: `.:53 {\n ${hosts}\n ${rest}\n}`, asked, files, ...(type && { type }) })).toBe(answer);
  });
});

describe("template", () => {
  test.for([
    { name: "a type without answers", template: "IN AAAA . {\n rcode NOERROR\n }", type: "AAAA", answer: "NOERROR" },
    {
      name: "fields of the question",
      template:
        'IN A example.com {\n match ^ip-(?P<a>\\d+)-(\\d+)[.]example[.]com[.]$\n answer "{{ .Name }} 60 IN A 10.{{ .Group.a }}.{{ index .Match 2 }}.1"\n }',
      asked: "ip-3-4.example.com.",
      answer: "NOERROR ip-3-4.example.com. 60 IN A 10.3.4.1",
    },
    { name: "no match is SERVFAIL", template: "IN A example.com {\n match ^x\n }", answer: "SERVFAIL" },
    {
      name: "no match falls through where it may",
      template: "IN A example.com {\n match ^x\n fallthrough\n }",
      answer: "NOERROR www.example.com. 60 IN A 93.184.216.34",
    },
    { name: "another type goes on", template: "IN AAAA .", answer: "NOERROR www.example.com. 60 IN A 93.184.216.34" },
    {
      name: "more of Go's templates is not modelled",
      template: 'IN A . {\n answer "{{ parseInt .Name 16 8 }} 60 IN A 10.0.0.1"\n }',
      answer: "unknown: the template {{ parseInt .Name 16 8 }} 60 IN A 10.0.0.1 of CoreDNS is not modelled",
    },
  ])("$name", ({ template, asked = "www.example.com.", type, answer }) => {
    expect(ask({ corefile: `.:53 {\n template ${template}\n ${rest}\n}`, asked, ...(type && { type }) })).toBe(answer);
  });
});

// The facts of coredns/ci's autopath test, with names of our own.
describe("autopath", () => {
  const corefile =
    ".:53 {\n autopath @kubernetes\n kubernetes cluster.local {\n pods verified\n }\n forward . 192.0.2.1\n}";
  const from = "10.244.0.11";
  test.for([
    { asked: "web.shop.svc.cluster.local.", answer: "NOERROR web.shop.svc.cluster.local. 5 IN A 10.96.10.10" },
    {
      asked: "web.shop.shop.svc.cluster.local.",
      answer:
        "NOERROR web.shop.shop.svc.cluster.local. 5 IN CNAME web.shop.svc.cluster.local. | web.shop.svc.cluster.local. 5 IN A 10.96.10.10",
    },
    {
      asked: "www.example.com.shop.svc.cluster.local.",
      answer:
        "NOERROR www.example.com.shop.svc.cluster.local. 60 IN CNAME www.example.com. | www.example.com. 60 IN A 93.184.216.34",
    },
    { asked: "nope.shop.svc.cluster.local.", answer: "NXDOMAIN" },
  ])("$asked", ({ asked, answer }) => {
    expect(ask({ corefile, asked, from })).toBe(answer);
  });

  test("does nothing for a client that is no pod", () => {
    expect(ask({ corefile, asked: "web.shop.shop.svc.cluster.local.", from: "192.0.2.7" })).toBe("NXDOMAIN");
  });
});

describe("server blocks", () => {
  test("the longest zone that holds the name answers alone", () => {
    const corefile = `.:53 {\n ${rest}\n}\nexample.com {\n hosts {\n 10.0.0.7 www.example.com\n }\n}`;
    expect(ask({ corefile, asked: "www.example.com." })).toBe("NOERROR www.example.com. 3600 IN A 10.0.0.7");
    expect(ask({ corefile, asked: "web.shop.svc.cluster.local." })).toBe(
      "NOERROR web.shop.svc.cluster.local. 5 IN A 10.96.10.10",
    );
  });

  test("a name that no block speaks for is refused", () => {
    expect(ask({ corefile: "cluster.local:53 {\n kubernetes cluster.local\n}", asked: "example.com." })).toBe(
      "REFUSED",
    );
  });

  test("plugins are asked in plugin.cfg's order, whatever the Corefile's", () => {
    const corefile = ".:53 {\n forward . 192.0.2.1\n hosts {\n 10.0.0.7 www.example.com\n }\n}";
    expect(ask({ corefile, asked: "www.example.com." })).toBe("NOERROR www.example.com. 3600 IN A 10.0.0.7");
  });

  test("a snippet is imported", () => {
    const corefile = "(common) {\n hosts {\n 10.0.0.7 www.example.com\n }\n}\n.:53 {\n import common\n}";
    expect(ask({ corefile, asked: "www.example.com." })).toBe("NOERROR www.example.com. 3600 IN A 10.0.0.7");
  });

  test("a file is imported by pattern, as add-ons do it", () => {
    const files = { "/etc/coredns/custom/a.override": "hosts {\n 10.0.0.7 www.example.com\n}\n" };
    const corefile = ".:53 {\n import custom/*.override\n}";
    expect(ask({ corefile, asked: "www.example.com.", files })).toBe("NOERROR www.example.com. 3600 IN A 10.0.0.7");
  });
});
