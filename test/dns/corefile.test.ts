import { expect, test } from "vitest";
import { checkCorefile } from "../../src/dns/coredns/server.ts";

// Expectations: what CoreDNS says of such a Corefile at start (coredns/caddy caddyfile, plugin/*/setup.go).
test.for([
  {
    name: "kubeadm's is right",
    corefile: ".:53 {\n errors\n kubernetes cluster.local\n forward . /etc/resolv.conf\n}",
    problems: [],
  },
  { name: "an unknown directive", corefile: ".:53 {\n kubernetess\n}", problems: ["2:2 COREFILE_UNKNOWN_DIRECTIVE"] },
  { name: "a brace that is never closed", corefile: ".:53 {\n errors\n", problems: ["1:6 COREFILE_SYNTAX"] },
  { name: "a brace that closes nothing", corefile: ".:53 {\n errors\n}\n}\n", problems: ["4:1 COREFILE_SYNTAX"] },
  {
    name: "a zone twice",
    corefile: ".:53 {\n errors\n}\n. {\n errors\n}\n",
    problems: ["4:1 COREFILE_DUPLICATE_ZONE"],
  },
  { name: "the same zone on another port", corefile: ".:53 {\n errors\n}\n.:54 {\n errors\n}\n", problems: [] },
  { name: "a snippet that is not there", corefile: ".:53 {\n import nope\n}", problems: ["2:9 COREFILE_IMPORT"] },
  {
    name: "a snippet that imports itself",
    corefile: "(a) {\n import a\n}\n. {\n import a\n}",
    problems: ["2:2 COREFILE_IMPORT"],
  },
  {
    name: "all mistakes at once",
    corefile:
      ".:53 {\n kubernetes cluster.local {\n  pods some\n  ttl 9999\n  nothing\n }\n forward .\n cache 30 {\n  disable all\n }\n}",
    problems: [
      "3:8 COREFILE_ARGUMENT",
      "4:7 COREFILE_ARGUMENT",
      "5:3 COREFILE_UNKNOWN_PROPERTY",
      "7:2 COREFILE_ARGUMENT",
      "9:11 COREFILE_ARGUMENT",
    ],
  },
  {
    name: "an upstream that is no address",
    corefile: ". {\n forward . dns.example.com\n}",
    problems: ["2:12 COREFILE_ARGUMENT"],
  },
  {
    name: "a comment, quotes and an environment variable",
    corefile: '. { # here\n hosts "/etc/a b" {$X}\n}',
    problems: [],
  },
  { name: "a file without braces", corefile: ".:53\nerrors\nkubernetes cluster.local", problems: [] },
  {
    name: "a regular expression that could hang",
    corefile: ". {\n rewrite name regex (a+)+$ b\n}",
    problems: ["2:21 COREFILE_ARGUMENT"],
  },
])("$name", ({ corefile, problems }) => {
  const found = checkCorefile(corefile).map(({ code, origin }) => `${origin.line}:${origin.column} ${code}`);
  expect(found.sort()).toEqual([...problems].sort());
});
