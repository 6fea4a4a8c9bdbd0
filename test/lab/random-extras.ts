import { Dice } from "./dice.ts";
import { type Draft, type Place, slashed } from "./random-topology.ts";

/*
 * What folders of later seeds hold besides: source hints, addresses of Services on the node itself, gateways of odd kinds,
 * ARP's settings, ranges of NAT, connections that clash. It throws dice of its own, so that folders of earlier seeds stay.
 */

/** Seeds from here on hold more. */
export const firstWithExtras = 1000;

/** Adds to a draft whose places all stand. `rules` are asked for before the random ones. */
export function randomExtras(draft: Draft, seed: number, style: string): void {
  const dice = new Dice(seed ^ 0x5eed);
  for (const place of draft.places) {
    if (place.kind === "node") changeNode(dice, draft, place, style);
    else if (place.kind === "pod") changePod(dice, draft, place);
  }
}

function changeNode(
  dice: Dice,
  { add, v6, places, virtual }: Draft,
  { name, devices, address }: Place,
  style: string,
): void {
  const bits = v6 ? 128 : 32;
  const nodad = v6 ? " nodad" : "";
  const others = places.filter((other) => other.name !== name);
  const any = (): string => dice.pick(["all", ...devices].map(slashed));
  const second = v6 ? `fd00:172:18::${dice.pick(["a1", "b2"])}` : `172.18.1.${10 + dice.below(5)}`;
  const bridged = devices.includes("cni0");
  const veths = devices.filter((device) => device.startsWith("veth"));
  const pod = (): string => dice.pick(places.filter(({ kind }) => kind === "pod")).address;
  if (dice.happens(0.3)) {
    add(name, "ip", `addr add ${second}/${dice.pick([v6 ? 64 : 16, bits])} dev eth0${nodad}`);
    if (dice.happens(0.7)) {
      const target = dice.pick([...virtual, ...others.map((other) => other.address)]);
      const gateway = dice.pick(others.filter(({ kind }) => kind !== "pod")).address;
      add(
        name,
        "ip",
        `route add ${target}/${bits} via ${gateway} dev eth0 onlink src ${dice.pick([second, address])} metric 3`,
      );
    }
  }
  // As kube-ipvs0 and announcers of load balancers have them.
  if (dice.happens(0.15))
    add(name, "ip", `addr add ${dice.pick(virtual)}/${bits} dev ${dice.pick(["lo", "eth0", ...devices])}${nodad}`);
  if (dice.happens(0.1)) add(name, "ip", `route add local ${dice.pick([...virtual, pod()])}/${bits} dev lo`);
  if (dice.happens(0.12)) {
    const words = dice.pick(["mtu 1300", "mtu lock 1300", v6 ? "mtu 1280" : "mtu 1000", `src ${address}`]);
    add(
      name,
      "ip",
      `route add ${pod()}/${bits} via ${dice.pick(others.filter(({ kind }) => kind !== "pod")).address} dev eth0 metric 4 ${words}`,
    );
  }
  if (dice.happens(0.1)) add(name, "ip", `route add ${pod()}/${bits} dev ${dice.pick(devices)} metric 6`);
  if (!v6 && dice.happens(0.08)) add(name, "ip", `route add ${pod()}/32 via ${address} metric 2`);
  if (dice.happens(0.1))
    add(
      name,
      "ip",
      `${v6 ? "-6 " : ""}rule add from ${pod()} iif ${dice.pick(devices)} priority ${50 + dice.below(50)} lookup 101`,
    );
  if (dice.happens(0.1))
    add(
      name,
      "ip",
      `${v6 ? "-6 " : ""}rule add fwmark 0x4000/0x4000 to ${pod()} priority ${50 + dice.below(50)} lookup 101`,
    );
  if (dice.happens(0.2)) {
    const what = dice.pick([
      `throw ${v6 ? "::/0" : "default"}`,
      `${v6 ? "::/0" : "default"} via ${dice.pick(others.filter(({ kind }) => kind !== "pod")).address} dev eth0 onlink`,
      `${pod()}/${bits} dev ${dice.pick(devices)}`,
      `unreachable ${pod()}/${bits}`,
    ]);
    add(name, "ip", `route add ${what} table 101`);
  }
  if (veths.length > 0 && dice.happens(0.05)) add(name, "ip", `link set ${dice.pick(veths)} down`);
  if (bridged && dice.happens(0.15)) {
    for (const veth of veths) if (dice.happens(0.6)) add(name, "ip", `link set ${veth} type bridge_slave isolated on`);
  }
  if (bridged && dice.happens(0.1))
    add(
      name,
      "ip",
      `link set ${dice.pick(veths)} type bridge_slave ${dice.pick(["mcast_flood off", "bcast_flood off", "hairpin off"])}`,
    );
  if (bridged && dice.happens(0.15)) add(name, "ip", "link set cni0 promisc on");
  if (style === "vxlan" && dice.happens(0.3)) add(name, "ip", `link set flannel.1 mtu ${dice.pick([1400, 1300])}`);
  if (v6) {
    if (dice.happens(0.1)) add(name, "sysctl", `net.ipv6.conf.${any()}.proxy_ndp=1`);
    if (dice.happens(0.1)) add(name, "ip", `-6 neigh add proxy ${pod()} dev ${dice.pick(devices)}`);
    if (dice.happens(0.1))
      add(name, "sysctl", `net.ipv6.conf.${slashed(dice.pick(devices))}.forwarding=${dice.below(2)}`);
    return;
  }
  if (dice.happens(0.15)) add(name, "sysctl", `net.ipv4.conf.${any()}.arp_announce=${1 + dice.below(2)}`);
  if (dice.happens(0.1)) add(name, "sysctl", `net.ipv4.conf.${any()}.arp_filter=1`);
  if (dice.happens(0.1)) add(name, "ip", `neigh add proxy ${dice.pick([pod(), ...virtual])} dev ${dice.pick(devices)}`);
  if (dice.happens(0.2))
    add(name, "sysctl", `net.ipv4.conf.${slashed(dice.pick(devices))}.forwarding=${dice.below(2)}`);
  if (dice.happens(0.15))
    add(name, "sysctl", `net.ipv4.conf.${slashed(dice.pick(devices))}.rp_filter=${1 + dice.below(2)}`);
  if (dice.happens(0.1)) add(name, "sysctl", "net.ipv4.ip_forward_use_pmtu=1");
}

function changePod(dice: Dice, { add, v6, virtual }: Draft, { name }: Place): void {
  const bits = v6 ? 128 : 32;
  if (dice.happens(0.05)) add(name, "ip", `addr add ${dice.pick(virtual)}/${bits} dev lo${v6 ? " nodad" : ""}`);
  if (!v6 && dice.happens(0.1)) add(name, "sysctl", `net.ipv4.conf.all.arp_announce=${1 + dice.below(2)}`);
  if (!v6 && dice.happens(0.05)) add(name, "sysctl", "net.ipv4.conf.all.arp_ignore=8");
  if (dice.happens(0.05))
    add(
      name,
      "ip",
      `${v6 ? "-6 " : ""}rule add to ${dice.pick(virtual)} ${dice.pick(["blackhole", "prohibit", "unreachable"])} priority 77`,
    );
}

/** Rules of NAT with ranges, for the front of the table. */
export function randomNat(seed: number, { v6, places, virtual }: Draft, { name }: Place): string[] {
  const dice = new Dice(seed ^ 0xa7 ^ [...name].reduce((sum, letter) => sum * 31 + letter.charCodeAt(0), 7));
  const own = v6 ? "fd00:172:18::" : "172.18.0.";
  const range = `${own}${v6 ? "2" : "2"}-${own}${v6 ? "4" : "4"}`;
  const rules: string[] = [];
  const how = (): string => dice.pick(["", "", " --persistent", " --random", " --random-fully"]);
  const pods = v6 ? "fd00:10:244::/48" : "10.244.0.0/16";
  if (dice.happens(0.35)) rules.push(`-A POSTROUTING -s ${pods} ! -d ${pods} -j SNAT --to-source ${range}${how()}`);
  if (dice.happens(0.25)) {
    const port = v6 ? `[${own}3]:32000-32999` : `${own}3:32000-32999`;
    rules.push(`-A POSTROUTING -s ${pods} -p ${dice.pick(["tcp", "udp"])} -j SNAT --to-source ${port}${how()}`);
  }
  if (dice.happens(0.25)) {
    const [first, second] = [dice.pick(places), dice.pick(places)].map(({ address }) => address);
    const ends = v6 ? [`fd00:10:244::2`, `fd00:10:244::4`] : ["10.244.0.2", "10.244.0.4"];
    const to = dice.pick([`${ends[0]}-${ends[1]}`, first ?? "", second ?? ""]);
    const hook = dice.pick(["PREROUTING", "OUTPUT"]);
    rules.push(
      `-A ${hook} -d ${dice.pick(virtual)} -j DNAT --to-destination ${to}${dice.pick(["", " --persistent", " --random"])}`,
    );
  }
  if (dice.happens(0.2)) {
    const protocol = dice.pick(["tcp", "udp"]);
    const ports = dice.pick(["8080", "5353", "8080-8081", "10250"]);
    rules.push(
      `-A ${dice.pick(["PREROUTING", "OUTPUT"])} -d ${dice.pick(virtual)} -p ${protocol} -j REDIRECT --to-ports ${ports}${dice.pick(["", " --random"])}`,
    );
  }
  if (dice.happens(0.15))
    rules.push(`-A POSTROUTING -o eth0 -j MASQUERADE${dice.pick(["", " --random", " --random-fully"])}`);
  return rules;
}

/** Connections of two hosts that are one once their source is translated, and errors about what is known. */
export function randomClashes(draft: Draft, seed: number, tunnelled: boolean): string[] {
  const { places, v6, virtual } = draft;
  if (tunnelled) return [];
  const dice = new Dice(seed ^ 0xc1a5);
  const pods = places.filter(({ kind }) => kind === "pod");
  const lines: string[] = [];
  for (let index = 0; index < 2; index++) {
    const to = dice.pick([...places.map(({ address }) => address), ...virtual]);
    const protocol = dice.pick(["udp", "tcp"]);
    const end = `${v6 ? `[${to}]` : to}:${protocol === "udp" ? dice.pick([5353, 53, 9000]) : dice.pick([8080, 80, 9000])}`;
    const sport = dice.pick([42000 + index, 500 + index]);
    const first = dice.pick(pods).name;
    const second = dice.pick(pods).name;
    lines.push(`c${index} ${first} ${protocol} ${end} sport=${sport} timeout=0.7`);
    if (first !== second) lines.push(`c${index}-clash ${second} ${protocol} ${end} sport=${sport} timeout=0.7 fresh=0`);
  }
  return lines;
}
