import { expect, test } from "vitest";
import type { Trace } from "../../src/trace/records.ts";
import { type ShopProbe, run } from "./shop.ts";
import { flowsOf } from "./traces.ts";

interface OutcomeCase extends ShopProbe {
  readonly expected: Partial<Omit<Trace, "message">> & { readonly message: RegExp | string };
}

const refused = { outcome: "refused", exitCode: 7, errno: "ECONNREFUSED" } as const;
const timedOut = { outcome: "timed-out", exitCode: 28 } as const;

/*
 * Texts and exit codes: curl 7.88.1, dig 9.18, iputils ping as measured. Times: 6.18 sends a SYN at 0, 1, 2, 3, 4, 5,
 * 7, 11, 19, 35, 67 s and gives up at 131 s, 5.15 at 127 s (Documentation/networking/ip-sysctl.rst); three ARP
 * questions a second apart (facts/kernel.md 5, dead pod IP).
 */
test.for<OutcomeCase>([
  {
    name: "a Service by name is answered",
    run: "curl http://web",
    expected: { outcome: "answered", message: "HTTP/1.1 200 OK", exitCode: 0, answeredBy: "shop/web" },
  },
  {
    name: "a pod refuses a port that nobody listens on",
    run: "curl http://wrong",
    expected: {
      ...refused,
      answeredBy: "shop/web",
      message: /^curl: \(7\) Failed to connect to wrong port 80 after \d ms: Couldn't connect to server$/,
    },
  },
  {
    name: "a Service without endpoints is refused by a rule",
    run: "curl http://nobody",
    expected: {
      ...refused,
      icmp: { type: 3, code: 3 },
      message: /^curl: \(7\) Failed to connect to nobody port 80 after \d ms: Couldn't connect to server$/,
    },
  },
  {
    name: "a dead pod's address on another node is unreachable after three ARP questions",
    run: "curl http://10.244.1.77",
    expected: {
      outcome: "unreachable",
      exitCode: 7,
      errno: "EHOSTUNREACH",
      icmp: { type: 3, code: 1 },
      message: "curl: (7) Failed to connect to 10.244.1.77 port 80 after 3000 ms: Couldn't connect to server",
    },
  },
  {
    name: "a dead pod's address on the same bridge is unreachable without any ICMP",
    run: "curl http://10.244.0.77",
    expected: {
      outcome: "unreachable",
      exitCode: 7,
      errno: "EHOSTUNREACH",
      message: "curl: (7) Failed to connect to 10.244.0.77 port 80 after 3000 ms: Couldn't connect to server",
    },
  },
  {
    name: "--connect-timeout ends a connect",
    run: "curl --connect-timeout 2 http://10.244.1.77",
    expected: {
      ...timedOut,
      message: "curl: (28) Failed to connect to 10.244.1.77 port 80 after 2000 ms: Timeout was reached",
    },
  },
  {
    name: "-m ends a connect in other words",
    run: "curl -m 2 http://10.244.1.77",
    expected: { ...timedOut, message: "curl: (28) Connection timed out after 2000 milliseconds" },
  },
  {
    name: "a port that a Service lacks leaves the cluster and is lost (facts/kernel.md 11.5)",
    run: "curl http://10.96.10.10:81",
    expected: {
      ...timedOut,
      errno: "ETIMEDOUT",
      durationNanos: 131e9,
      message: "curl: (28) Failed to connect to 10.96.10.10 port 81 after 131000 ms: Couldn't connect to server",
    },
  },
  {
    name: "an older kernel gives up earlier",
    run: "curl http://10.96.10.10:81",
    options: { settings: { kernel: "5.15" } },
    expected: {
      ...timedOut,
      durationNanos: 127e9,
      message: "curl: (28) Failed to connect to 10.96.10.10 port 81 after 127000 ms: Couldn't connect to server",
    },
  },
  {
    name: "a name that does not exist",
    run: "curl http://nope",
    expected: { outcome: "name-not-found", exitCode: 6, message: "curl: (6) Could not resolve host: nope" },
  },
  {
    name: "a name that no resolver can ask for never leaves the pod",
    run: `curl http://${"a".repeat(64)}`,
    expected: {
      outcome: "name-not-found",
      exitCode: 6,
      flows: [],
      message: /^curl: \(6\) Could not resolve host: a+$/,
    },
  },
  {
    name: "localhost is in /etc/hosts, IPv6 first",
    run: "curl http://localhost",
    expected: {
      ...refused,
      message: "curl: (7) Failed to connect to localhost port 80 after 0 ms: Couldn't connect to server",
    },
  },
  {
    name: "a pod's own name is in /etc/hosts",
    from: "pod/web",
    run: "curl http://web:8080",
    expected: { outcome: "answered", message: "HTTP/1.1 200 OK", answeredBy: "shop/web" },
  },
  {
    name: "dig prints the answer",
    run: "dig web.shop.svc.cluster.local",
    expected: {
      outcome: "answered",
      exitCode: 0,
      message: "status: NOERROR, ANSWER: 1\nweb.shop.svc.cluster.local. 30 IN A 10.96.10.10",
    },
  },
  {
    name: "dig walks no search domains",
    run: "dig web",
    expected: { outcome: "name-not-found", exitCode: 0, message: "status: NXDOMAIN, ANSWER: 0" },
  },
  {
    name: "dig +search does",
    run: "dig web +search",
    expected: {
      outcome: "answered",
      exitCode: 0,
      message: /ANSWER: 1\nweb\.shop\.svc\.cluster\.local\. 30 IN A 10\.96\.10\.10$/,
    },
  },
  {
    name: "dig at a server that is not there",
    run: "dig web @10.244.1.9",
    expected: {
      outcome: "refused",
      exitCode: 9,
      message:
        /^;; communications error to 10\.244\.1\.9#53: connection refused\n(?:;; communications.*refused\n){2}.*no servers could be reached$/,
    },
  },
  {
    name: "ping of a pod on the other node shows two routers (facts/kernel.md 5)",
    run: "ping 10.244.1.9",
    expected: { outcome: "answered", exitCode: 0, message: "64 bytes from 10.244.1.9: icmp_seq=1 ttl=62" },
  },
  {
    name: "ping of a Service's address meets no rule and is lost",
    run: "ping web",
    expected: { outcome: "timed-out", exitCode: 1, message: "1 packets transmitted, 0 received, 100% packet loss" },
  },
  {
    name: "ping -W waits as long as it is told",
    run: "ping -W 3 10.96.10.10",
    expected: { outcome: "timed-out", exitCode: 1, durationNanos: 3e9, message: /packet loss/ },
  },
  {
    name: "ping of a dead pod's address",
    run: "ping 10.244.1.77",
    expected: {
      outcome: "unreachable",
      exitCode: 1,
      icmp: { type: 3, code: 1 },
      message: "From 172.18.0.3 icmp_seq=1 Destination Host Unreachable",
    },
  },
  {
    name: "tcp connects and reads a line",
    run: "tcp web:80",
    expected: { outcome: "answered", exitCode: 0, message: "10.96.10.10:80 answered" },
  },
  {
    name: "tcp is refused by a closed port",
    run: "tcp 10.244.1.9:8081",
    expected: { outcome: "refused", exitCode: 1, message: "10.244.1.9:8081: ECONNREFUSED after 0 ms" },
  },
  {
    name: "tcp to a server that says nothing ends",
    run: "tcp 10.96.0.10:53",
    expected: {
      outcome: "timed-out",
      exitCode: 1,
      message: "10.96.0.10:53 accepted the connection and did not answer",
    },
  },
  {
    name: "udp to a closed port is told by ICMP",
    run: "udp 10.244.1.9:53",
    expected: {
      outcome: "refused",
      exitCode: 1,
      errno: "ECONNREFUSED",
      icmp: { type: 3, code: 3 },
      message: /ECONNREFUSED/,
    },
  },
  {
    name: "udp to a TCP Service is lost",
    run: "udp 10.96.10.10:80",
    expected: { outcome: "timed-out", exitCode: 1, durationNanos: 5e9, message: "10.96.10.10:80 did not answer" },
  },
  {
    name: "the API server answers plain HTTP with 400 (Go's net/http)",
    run: "curl http://kubernetes.default:443",
    expected: { outcome: "answered", exitCode: 0, message: "HTTP/1.0 400 Bad Request", answeredBy: "node-a" },
  },
  {
    name: "a host outside that the scenario names answers, and sees the node's address",
    run: "curl http://192.0.2.7:8000",
    options: { listens: { "external:192.0.2.7": [{ port: 8000, protocol: "tcp" }] } },
    expected: { outcome: "answered", exitCode: 0, message: "HTTP/1.1 200 OK", answeredBy: "external:192.0.2.7" },
  },
  {
    name: "a name outside that the scenario states leads there",
    run: "curl http://away:8000",
    options: {
      listens: { "external:192.0.2.7": [{ port: 8000, protocol: "tcp" }] },
      upstream: { "www.example.org": { A: ["192.0.2.7"] } },
    },
    expected: { outcome: "answered", message: "HTTP/1.1 200 OK", answeredBy: "external:192.0.2.7" },
  },
  {
    name: "where CoreDNS is gone, curl fails at once (facts/dns.md 1.4)",
    run: "curl http://web",
    more: `---
apiVersion: apps/v1
kind: Deployment
metadata: { name: coredns, namespace: kube-system, labels: { k8s-app: kube-dns } }
spec:
  replicas: 0
  selector: { matchLabels: { k8s-app: kube-dns } }
  template: { metadata: { labels: { k8s-app: kube-dns } }, spec: { containers: [{ name: coredns }] } }
`,
    expected: { outcome: "dns-error", exitCode: 6, message: "curl: (6) Could not resolve host: web" },
  },
])("$name", (one) => {
  const { message, ...rest } = one.expected;
  const trace = run(one);
  if (typeof message === "string") expect(trace.message).toBe(message);
  else expect(trace.message).toMatch(message);
  expect(trace).toMatchObject(rest);
  expect(trace.unknownBecause).toBeUndefined();
});

// Documentation/networking/ip-sysctl.rst, tcp_syn_retries and tcp_syn_linear_timeouts.
test.for([
  ["6.18", [0, 1, 2, 3, 4, 5, 7, 11, 19, 35, 67]],
  ["5.15", [0, 1, 3, 7, 15, 31, 63]],
] as const)("the SYN of a lost connection goes out again as kernel %s does", ([kernel, seconds]) => {
  const trace = run({
    run: "curl http://10.96.10.10:81",
    options: { settings: { kernel } },
  });
  const packets = flowsOf(trace, "tcp")[0]?.packets ?? [];
  const sent = packets.map(({ hops }) => (hops[0]?.steps[0]?.timeNanos ?? 0) / 1e9);
  expect(sent.map(Math.round)).toEqual(seconds);
  expect(packets.map(({ attempt }) => attempt)).toEqual(seconds.map((_, index) => index + 1));
});

// facts/dns.md 2.3: D, S, C, as is, each A then AAAA; 2.1: ndots:5.
test.for([
  ["web.shop", ["web.shop.shop.svc.cluster.local.", "web.shop.svc.cluster.local."]],
  [
    "web.shop.svc",
    ["web.shop.svc.shop.svc.cluster.local.", "web.shop.svc.svc.cluster.local.", "web.shop.svc.cluster.local."],
  ],
  ["web.shop.svc.cluster.local.", ["web.shop.svc.cluster.local."]],
  ["nope", ["nope.shop.svc.cluster.local.", "nope.svc.cluster.local.", "nope.cluster.local.", "nope."]],
] as const)("curl %s asks for these names in this order", ([host, names]) => {
  const trace = run({ run: `curl http://${host}` });
  const asked = flowsOf(trace, "udp").flatMap(({ packets }) =>
    packets.filter(({ direction }) => direction === "original").flatMap(({ hops }) => hops[0]?.packet.payload ?? []),
  );
  expect(asked).toEqual(names.flatMap((name) => [`A? ${name}`, `AAAA? ${name}`]));
});

test("the kubelet's file is an assumption where nobody states another port", () => {
  const trace = run({ run: "curl http://172.18.0.3:10250" });
  expect(trace).toMatchObject({ outcome: "answered", message: "HTTP/1.0 400 Bad Request", answeredBy: "node-b" });
  expect(trace.assumptions.map(({ id }) => id)).toContain("kubelet");
});
