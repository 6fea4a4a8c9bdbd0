import type { Draft, Place } from "./random-topology.ts";

/** Flows over a cluster: to every kind of destination, by every protocol, some of them twice. */
export function randomFlows({ dice, v6, places, virtual }: Draft, tunnelled: boolean): string[] {
  const sized = dice.happens(0.25);
  const lines: string[] = [];
  const senders = places;
  for (let index = 0; index < 10; index++) {
    const from = dice.pick(senders);
    const protocol = dice.weighted([
      [5, "tcp"],
      [4, "udp"],
      [3, "icmp"],
      // Hand-made segments have no options, whatever their flags.
      [v6 || sized ? 0 : 1, "raw"],
    ] as const);
    const sport = 41000 + index;
    const { address, port } = destination(from, protocol === "udp" ? "udp" : "tcp");
    const end =
      protocol === "icmp" ? (v6 ? `[${address}]` : address) : v6 ? `[${address}]:${port}` : `${address}:${port}`;
    const options: string[] = [];
    if (protocol !== "icmp") options.push(`sport=${sport}`);
    if (protocol === "raw") {
      const flags = dice.pick(["S", "A", "SA", "R", "F", "FA", "SF", "", "PA", "RA"]);
      options.push(`src=${dice.happens(0.8) ? from.address : dice.pick(places).address}`, `flags=${flags}`);
      if (dice.happens(0.1)) options.push("badsum=1");
    } else {
      if (dice.happens(0.1)) options.push(`ttl=${1 + dice.below(4)}`);
      if (dice.happens(0.1)) options.push(`src=${from.address}`);
      if (sized && dice.happens(0.6)) {
        options.push(`size=${dice.pick(protocol === "tcp" ? [400, 1000] : [300, 1252, 1372, 1400, 1472, 1473, 3000])}`);
        if (protocol !== "tcp") options.push(`df=${dice.pick(["want", "do", "dont", "probe"])}`);
        if (protocol === "udp" && dice.happens(0.4)) options.push("repeat=3");
      }
      options.push("timeout=0.7");
    }
    lines.push(`f${index} ${from.name} ${protocol} ${end} ${options.join(" ")}`);
    // The same conversation once more finds the connection that the first one left. Not in a tunnel: its outer port is
    // another one for each socket.
    if (protocol === "udp" && !tunnelled && dice.happens(0.15)) {
      lines.push(`f${index}-again ${from.name} ${protocol} ${end} ${options.join(" ")} fresh=0`);
    }
  }
  return lines;

  function destination(from: Place, protocol: "tcp" | "udp"): { readonly address: string; readonly port: number } {
    const to = dice.pick(places);
    const open = to.listens.find(([own]) => own === protocol)?.[1] ?? 8080;
    const port = dice.happens(0.8) ? open : dice.pick([80, 9999, 30080]);
    return dice.weighted([
      [6, () => ({ address: to.address, port })],
      [6, () => ({ address: dice.pick(virtual), port: protocol === "tcp" ? 80 : 53 })],
      [1, () => ({ address: from.address, port })],
      [2, () => ({ address: dice.pick(places.filter(({ kind }) => kind === "node")).address, port: 30080 })],
      [1, () => ({ address: v6 ? "fd00:10:244::99" : dice.pick(["10.244.0.99", "172.18.0.77", "10.244.9.9"]), port })],
      [
        v6 ? 0 : 1,
        () => ({ address: dice.pick(["127.0.0.1", "127.0.0.5", "192.0.2.1"]), port: dice.pick([port, 30080]) }),
      ],
      [
        v6 ? 0 : 1,
        () => ({ address: dice.pick(["10.244.0.255", "172.18.255.255", "10.244.0.1", "10.244.0.0"]), port }),
      ],
    ])();
  }
}
