import type { TopologyFiles } from "../../src/topology/topology.ts";
import { Dice } from "./dice.ts";
import { firstWithExtras, randomClashes, randomExtras, randomNat } from "./random-extras.ts";
import { randomFlows } from "./random-flows.ts";
import { randomRules } from "./random-rules.ts";

/*
 * Random folders of plain Linux state, as somebody could meet them: a small cluster that works (a switch, nodes, pods,
 * somebody outside), in which some things are then set otherwise. Nothing depends on the time of day: ICMP errors and
 * redirects are not limited, and neighbours are given up after 0.3 s.
 */

/** A place in the cluster: what generators choose from. */
export interface Place {
  readonly name: string;
  readonly kind: "node" | "pod" | "outside";
  readonly address: string;
  readonly devices: readonly string[];
  readonly listens: readonly (readonly ["tcp" | "udp", number])[];
}

/** The cluster, as far as it stands. */
export interface Draft {
  readonly dice: Dice;
  readonly v6: boolean;
  readonly places: readonly Place[];
  /** Addresses that nobody has: of Services. */
  readonly virtual: readonly string[];
  /** Puts a line into a namespace's file. */
  add(namespace: string, file: string, line: string): void;
}

type Style = "vxlan" | "hostgw" | "routed" | "flat";

/** The folder for a seed. */
export function randomTopology(seed: number): TopologyFiles {
  const dice = new Dice(seed);
  const v6 = dice.happens(0.2);
  const style = dice.pick<Style>(v6 ? ["hostgw", "routed", "flat"] : ["vxlan", "hostgw", "hostgw", "routed", "flat"]);
  const files = new Map<string, string[]>();
  const put = (path: string, line: string): void => {
    const lines = files.get(path);
    if (lines === undefined) files.set(path, [line]);
    else lines.push(line);
  };
  const add = (namespace: string, file: string, line: string): void => put(`${namespace}/${file}`, line);
  const draft: Draft = { dice, v6, add, places: [], virtual: [11, 12, 13].map((last) => addresses(v6).service(last)) };
  const places = draft.places as Place[];
  places.push(...layOut(draft, style, put));
  for (const place of places) {
    quieten(draft, place);
    for (const [protocol, port] of place.listens) add(place.name, "listen", `${protocol} ${port}`);
  }
  for (const place of places.filter(({ kind }) => kind === "node")) {
    changeNode(draft, place, style);
    randomRules(draft, place, seed < firstWithExtras ? [] : randomNat(seed, draft, place));
  }
  for (const place of places.filter(({ kind }) => kind !== "node")) changeHost(draft, place);
  for (const line of randomFlows(draft, style === "vxlan")) put("flows", line);
  if (seed >= firstWithExtras) {
    randomExtras(draft, seed, style);
    for (const line of randomClashes(draft, seed, style === "vxlan")) put("flows", line);
  }
  return new Map([...files].map(([path, lines]) => [path, `${lines.join("\n")}\n`]));
}

interface Addresses {
  node(index: number): string;
  pod(node: number, index: number): string;
  service(last: number): string;
  readonly outside: string;
  readonly router: string;
  readonly nodeBits: number;
  readonly podBits: number;
  readonly hostBits: number;
  podNet(node: number): string;
}

function addresses(v6: boolean): Addresses {
  return v6
    ? {
        node: (index) => `fd00:172:18::${index + 2}`,
        pod: (node, index) => `fd00:10:244:${node}::${index + 1}`,
        service: (last) => `fd00:10:96::${last}`,
        outside: "fd00:172:18::64",
        router: "fd00:172:18::1",
        nodeBits: 64,
        podBits: 64,
        hostBits: 128,
        podNet: (node) => `fd00:10:244:${node}::/64`,
      }
    : {
        node: (index) => `172.18.0.${index + 2}`,
        pod: (node, index) => `10.244.${node}.${index + 1}`,
        service: (last) => `10.96.0.${last}`,
        outside: "172.18.0.100",
        router: "172.18.0.1",
        nodeBits: 16,
        podBits: 24,
        hostBits: 32,
        podNet: (node) => `10.244.${node}.0/24`,
      };
}

const hex = (number: number): string => number.toString(16).padStart(2, "0");

function layOut(draft: Draft, style: Style, put: (path: string, line: string) => void): Place[] {
  const { dice, v6, add } = draft;
  const plan = addresses(v6);
  const nodad = v6 ? " nodad" : "";
  const nodes = dice.weighted([
    [2, 1],
    [5, 2],
    [1, 3],
  ]);
  const places: Place[] = [];
  const cables = [...dice.times(nodes, (index) => `node${index}`), "ext"];
  const bridgeOptions = "type bridge stp_state 0 forward_delay 0 mcast_snooping 0";
  add("sw", "ip", `link add br0 address 02:00:ff:00:00:01 ${bridgeOptions}`);
  for (const [index, name] of cables.entries()) {
    put("links", `${name}:eth0=02:00:ac:12:00:${hex(index + 2)} sw:${name}=02:00:ff:00:00:${hex(index + 2)}`);
    add("sw", "ip", `link set ${name} master br0 up`);
  }
  add("sw", "ip", "link set br0 up");
  add("sw", "ip", `addr add ${plan.router}/${plan.nodeBits} dev br0${nodad}`);
  for (const key of ["iptables", "ip6tables"]) add("sw", "sysctl", `net.bridge.bridge-nf-call-${key}=0`);
  add("ext", "ip", `addr add ${plan.outside}/${plan.nodeBits} dev eth0${nodad}`);
  for (let node = 0; node < nodes; node++) {
    const name = `node${node}`;
    add(name, "ip", `addr add ${plan.node(node)}/${plan.nodeBits} dev eth0${nodad}`);
    const pods = dice.weighted([
      [1, 1],
      [4, 2],
      [1, 3],
    ]);
    const wires = dice.times(pods, (index) => `veth${index}`);
    const mtu = style === "vxlan" ? 1450 : 1500;
    const bridged = style === "vxlan" || style === "hostgw";
    if (bridged) {
      add(name, "ip", `link add cni0 address 02:00:0a:f4:${hex(node)}:01 mtu ${mtu} ${bridgeOptions}`);
      for (const wire of wires) {
        add(name, "ip", `link set ${wire} mtu ${mtu} master cni0 up`);
        if (dice.happens(0.7)) add(name, "ip", `link set ${wire} type bridge_slave hairpin on`);
      }
      add(name, "ip", "link set cni0 up");
      add(name, "ip", `addr add ${plan.pod(node, 0)}/${plan.podBits} dev cni0${nodad}`);
    }
    for (let index = 0; index < pods; index++) {
      const pod = `p${node}${index}`;
      const own = plan.pod(node, index + 1);
      put(
        "links",
        `${pod}:eth0=02:00:0a:f4:${hex(node)}:${hex(index + 2)} ${name}:veth${index}=02:00:fe:f4:${hex(node)}:${hex(index + 2)}`,
      );
      add(pod, "ip", `link set eth0 mtu ${mtu} up`);
      if (bridged) {
        add(pod, "ip", `addr add ${own}/${plan.podBits} dev eth0${nodad}`);
        add(pod, "ip", `route add default via ${plan.pod(node, 0)}`);
      } else {
        // As Calico and ptp do it: a host route to the pod, and a gateway that is on no network of the pod.
        const gateway = v6 ? "fd00:169:254::1" : "169.254.1.1";
        add(pod, "ip", `addr add ${own}/${plan.hostBits} dev eth0${nodad}`);
        add(pod, "ip", `route add ${gateway}/${plan.hostBits} dev eth0 scope link`);
        add(pod, "ip", `route add default via ${gateway} dev eth0`);
        add(pod, "ip", `neigh add ${gateway} lladdr 02:00:fe:f4:${hex(node)}:${hex(index + 2)} dev eth0 nud permanent`);
        add(name, "ip", `route add ${own}/${plan.hostBits} dev veth${index} scope link`);
        if (style === "flat")
          add(
            name,
            "ip",
            `neigh add ${own} lladdr 02:00:0a:f4:${hex(node)}:${hex(index + 2)} dev veth${index} nud permanent`,
          );
      }
      places.push({ name: pod, kind: "pod", address: own, devices: ["eth0"], listens: podListens(dice) });
    }
    for (let other = 0; other < nodes; other++) {
      if (other === node) continue;
      if (style === "vxlan") continue;
      add(name, "ip", `route add ${plan.podNet(other)} via ${plan.node(other)} dev eth0`);
    }
    if (style === "vxlan") addVxlan(draft, plan, node, nodes);
    add(name, "ip", `route add default via ${plan.router}`);
    const devices = ["eth0", ...wires, ...(bridged ? ["cni0"] : []), ...(style === "vxlan" ? ["flannel.1"] : [])];
    places.push({ name, kind: "node", address: plan.node(node), devices, listens: [["tcp", 10250]] });
  }
  if (dice.happens(0.7))
    for (let node = 0; node < nodes; node++) add("ext", "ip", `route add ${plan.podNet(node)} via ${plan.node(node)}`);
  add("ext", "ip", `route add default via ${plan.node(0)}`);
  places.push({
    name: "ext",
    kind: "outside",
    address: plan.outside,
    devices: ["eth0"],
    listens: [
      ["tcp", 9000],
      ["udp", 9000],
    ],
  });
  return places;
}

function podListens(dice: Dice): Place["listens"] {
  return dice.happens(0.85)
    ? [
        ["tcp", 8080],
        ["udp", 5353],
      ]
    : [["udp", 5353]];
}

function addVxlan({ add }: Draft, plan: Addresses, node: number, nodes: number): void {
  const name = `node${node}`;
  const mac = (index: number): string => `02:00:f1:00:00:${hex(index + 2)}`;
  add(
    name,
    "ip",
    `link add flannel.1 address ${mac(node)} mtu 1450 type vxlan id 1 dev eth0 local ${plan.node(node)} dstport 8472 nolearning`,
  );
  add(name, "ip", `addr add 10.244.${node}.0/32 dev flannel.1`);
  add(name, "ip", "link set flannel.1 up");
  for (let other = 0; other < nodes; other++) {
    if (other === node) continue;
    add(name, "ip", `neigh add 10.244.${other}.0 lladdr ${mac(other)} dev flannel.1 nud permanent`);
    add(name, "ip", `route add ${plan.podNet(other)} via 10.244.${other}.0 dev flannel.1 onlink`);
    add(name, "bridge", `fdb add ${mac(other)} dev flannel.1 dst ${plan.node(other)} self permanent`);
  }
}

/** What would depend on the time. */
function quieten({ add, v6 }: Draft, { name, devices }: Place): void {
  if (v6) {
    add(name, "sysctl", "net.ipv6.conf.all.accept_dad=0\nnet.ipv6.conf.default.accept_dad=0");
    add(name, "sysctl", "net.ipv6.icmp.ratelimit=0");
    for (const device of devices) add(name, "sysctl", `net.ipv6.conf.${slashed(device)}.router_solicitations=0`);
  } else add(name, "sysctl", "net.ipv6.conf.all.disable_ipv6=1\nnet.ipv6.conf.default.disable_ipv6=1");
  add(name, "sysctl", "net.ipv4.icmp_ratelimit=0\nnet.ipv4.icmp_msgs_per_sec=100000\nnet.ipv4.icmp_msgs_burst=100000");
  // A server does not send its answer to a connection again while the next flow runs.
  add(name, "sysctl", "net.ipv4.tcp_synack_retries=0");
  const family = v6 ? "ipv6" : "ipv4";
  for (const device of devices) {
    add(name, "sysctl", `net.${family}.neigh.${slashed(device)}.retrans_time_ms=100`);
    add(name, "sysctl", `net.ipv4.neigh.${slashed(device)}.proxy_delay=0`);
  }
  for (const device of ["all", "default", ...devices])
    add(name, "sysctl", `net.ipv4.conf.${slashed(device)}.send_redirects=0`);
}

/** A dot in a device's name is a slash in a setting's. */
export function slashed(device: string): string {
  return device.replaceAll(".", "/");
}

function changeNode({ dice, add, v6, places, virtual }: Draft, { name, devices }: Place, style: Style): void {
  const any = (): string => dice.pick(["all", "default", ...devices].map(slashed));
  if (v6) {
    if (dice.happens(0.93)) add(name, "sysctl", "net.ipv6.conf.all.forwarding=1");
  } else {
    if (dice.happens(0.95)) add(name, "sysctl", "net.ipv4.ip_forward=1");
    if (dice.happens(0.1))
      add(name, "sysctl", `net.ipv4.conf.${slashed(dice.pick(devices))}.forwarding=${dice.below(2)}`);
    if (dice.happens(0.3)) add(name, "sysctl", `net.ipv4.conf.${any()}.rp_filter=${dice.below(3)}`);
    if (dice.happens(0.3)) add(name, "sysctl", `net.ipv4.conf.${any()}.route_localnet=1`);
    if (dice.happens(0.1)) add(name, "sysctl", `net.ipv4.conf.${any()}.accept_local=1`);
    if (dice.happens(0.1)) add(name, "sysctl", `net.ipv4.conf.${any()}.arp_ignore=${1 + dice.below(2)}`);
    if (dice.happens(0.15)) add(name, "sysctl", `net.ipv4.conf.${any()}.proxy_arp=1`);
    if (dice.happens(0.1)) add(name, "sysctl", `net.ipv4.conf.${any()}.src_valid_mark=1`);
  }
  if (dice.happens(0.1)) add(name, "sysctl", "net.netfilter.nf_conntrack_tcp_loose=0");
  add(name, "sysctl", `net.bridge.bridge-nf-call-${v6 ? "ip6tables" : "iptables"}=${dice.happens(0.7) ? 1 : 0}`);
  if (style === "vxlan" || style === "hostgw") {
    const port = (): string => dice.pick(devices.filter((device) => device.startsWith("veth")));
    if (dice.happens(0.1)) add(name, "ip", `link set ${port()} type bridge_slave isolated on`);
    if (dice.happens(0.05)) add(name, "ip", `link set ${port()} type bridge_slave learning off`);
    if (dice.happens(0.05)) add(name, "ip", `link set ${port()} type bridge_slave flood off`);
    if (dice.happens(0.1)) add(name, "ip", "link set cni0 promisc on");
  }
  if (dice.happens(0.1)) add(name, "ip", `link set ${dice.pick(devices)} mtu ${dice.pick([1280, 1300, 1400])}`);
  // ip(8) takes the family of a route from its addresses, of a rule from the flag alone.
  const anywhere = v6 ? "::/0" : "default";
  const flag = v6 ? "-6 " : "";
  const bits = v6 ? 128 : 32;
  const target = (): string => `${dice.pick([...virtual, ...places.map(({ address }) => address)])}/${bits}`;
  if (dice.happens(0.2)) {
    const type = dice.pick(["blackhole", "unreachable", "prohibit", "throw"]);
    add(name, "ip", `route add ${type} ${target()} metric 5`);
  }
  if (dice.happens(0.1)) add(name, "ip", `route add ${target()} dev eth0 metric 7`);
  if (dice.happens(0.05)) add(name, "ip", `route del ${anywhere}`);
  if (dice.happens(0.3)) {
    const choose = dice.pick([
      () => `from ${dice.pick(places).address}`,
      () => `to ${dice.pick([...virtual, ...places.map(({ address }) => address)])}`,
      () => `iif ${dice.pick([...devices, "lo"])}`,
      () => `fwmark ${dice.pick(["0x1", "0x4000/0x4000", "0x2/0x3"])}`,
      () => `not from ${dice.pick(places).address}`,
    ])();
    const action = dice.pick(["lookup 100", "lookup 100", "lookup 100", "blackhole", "unreachable", "prohibit"]);
    add(name, "ip", `${flag}rule add ${choose} priority ${100 + dice.below(100)} ${action}`);
    if (action === "lookup 100" && dice.happens(0.8)) {
      const what = dice.pick([
        `${anywhere} dev eth0 via ${dice.pick(places.filter((other) => other.kind !== "pod" && other.name !== name)).address} onlink`,
        `${dice.pick(["blackhole", "unreachable", "prohibit", "throw"])} ${anywhere}`,
        `${target()} dev ${dice.pick(devices)}`,
      ]);
      add(name, "ip", `route add ${what} table 100`);
    }
  }
  if (dice.happens(0.05))
    add(name, "ip", `neigh add ${dice.pick(places).address} lladdr 02:00:00:00:be:ef dev eth0 nud permanent`);
}

function changeHost({ dice, add, v6, places }: Draft, { name, kind }: Place): void {
  if (kind === "pod" && dice.happens(0.05)) add(name, "ip", `link set eth0 mtu ${dice.pick([1280, 1400])}`);
  if (v6) return;
  if (dice.happens(0.08)) add(name, "sysctl", `net.ipv4.conf.eth0.rp_filter=${1 + dice.below(2)}`);
  if (dice.happens(0.05)) add(name, "sysctl", "net.ipv4.icmp_echo_ignore_all=1");
  if (dice.happens(0.05)) add(name, "sysctl", "net.ipv4.conf.all.arp_ignore=1");
  if (dice.happens(0.05)) {
    const block = `${dice.pick(places).address}/32`;
    add(name, "ip", `route add ${dice.pick(["blackhole", "unreachable", "prohibit"])} ${block} metric 5`);
  }
}
