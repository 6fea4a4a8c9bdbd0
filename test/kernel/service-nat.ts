import { primaryAddress } from "../../src/kernel/ip/source-address.ts";
import { address } from "../../src/wire/address.ts";
import { contains, parseCidr } from "../../src/wire/cidr.ts";
import { hasPorts } from "../../src/wire/packet.ts";
import { type Lab, hostGateway } from "./cluster.ts";
import { listen } from "./conversation.ts";

const pods = parseCidr("10.244.0.0/16")!;

/** The services of test/referee/kernel/hostgw that have one endpoint. */
const services: readonly {
  readonly at: readonly (readonly [string, number])[];
  readonly endpoint: readonly [string, number];
  readonly external?: true;
}[] = [
  { at: [["10.96.0.11", 80]], endpoint: ["10.244.0.2", 8080] },
  {
    at: [
      ["172.18.0.2", 30_081],
      ["127.0.0.1", 30_081],
    ],
    endpoint: ["10.244.0.2", 8080],
    external: true,
  },
  { at: [["10.96.0.12", 80]], endpoint: ["10.244.1.2", 8080] },
  { at: [["172.18.0.2", 30_082]], endpoint: ["10.244.1.2", 8080], external: true },
  { at: [["10.96.0.13", 80]], endpoint: ["10.244.0.2", 8099] },
  { at: [["10.96.0.14", 80]], endpoint: ["10.244.1.99", 8080] },
  { at: [["10.96.0.53", 53]], endpoint: ["10.244.1.2", 5353] },
];

/** What the nat rules of that topology do, as two functions per node. */
function addRules(lab: Lab, node: string, ownPods: string): void {
  const ns = lab.ns(node);
  const own = parseCidr(ownPods)!;
  ns.conntrack.require();
  for (const hook of ["PREROUTING", "OUTPUT"] as const) {
    ns.conntrack.registerNat("ipv4", hook, {
      name: "services",
      priority: 0,
      run: (state) => {
        const { packet } = state.skb;
        const { transport } = packet;
        if (!hasPorts(transport)) return "accept";
        const service = services.find(({ at }) =>
          at.some(([to, port]) => address(to) === packet.dst && port === transport.dstPort),
        );
        if (service === undefined) return "accept";
        const [endpoint, port] = service.endpoint;
        if (service.external === true || !contains(pods, packet.src) || packet.src === address(endpoint))
          state.skb.mark |= 0x4000;
        return ns.conntrack.setupNat(state, "dst", {
          address: address(endpoint),
          port,
          randomPort: "no",
          persistent: false,
        });
      },
    });
  }
  ns.conntrack.registerNat("ipv4", "POSTROUTING", {
    name: "masquerade",
    priority: 0,
    run: (state) => {
      const { src, dst } = state.skb.packet;
      const { outDevice } = state;
      const between = contains(pods, src) === contains(pods, dst) || contains(own, dst);
      if (state.skb.mark === 0 && between) return "accept";
      state.skb.mark = 0;
      const source = outDevice && primaryAddress(ns, outDevice, state.skb.route?.nextHop);
      if (source === undefined) throw new Error("no address to masquerade with");
      return ns.conntrack.setupNat(state, "src", { address: source, randomPort: "random-fully", persistent: false });
    },
  });
}

/** The cluster of the hostgw case with its servers, and with functions in place of its nat rules. */
export function serviceCluster(): Lab {
  const lab = hostGateway();
  for (const [node, ownPods] of [
    ["node1", "10.244.0.0/24"],
    ["node2", "10.244.1.0/24"],
  ] as const) {
    addRules(lab, node, ownPods);
    listen(lab, node, "tcp", 10_250);
  }
  for (const pod of ["p1a", "p1b", "p2a", "p2b"]) {
    listen(lab, pod, "tcp", 8080);
    listen(lab, pod, "udp", 5353);
  }
  listen(lab, "ext", "tcp", 9000);
  return lab;
}

/** Replaces what the recorded lines call random (`*`) in ours, line by line. */
export function withStars(ours: readonly string[], recorded: readonly string[]): string[] {
  return ours.map((line, index) => {
    const pattern = recorded[index] ?? "";
    const escaped = pattern.replace(/[.[\]()|+?^$\\]/g, "\\$&").replaceAll("*", "\\d+");
    return new RegExp(`^${escaped}$`).test(line) ? pattern : line;
  });
}
