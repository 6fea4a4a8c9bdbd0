import type { Mac } from "../../../src/wire/mac.ts";

/*
 *   w0 ── in0 [ r ] out0 ── w1      r routes between 10.1.0.0/24 and 10.2.0.0/24, fd01::/64 and fd02::/64,
 *   w2 ── bp0 [   ] bp1  ── w3      and bridges 10.4.0.0/24, fd04::/64 (br0).
 */

export interface Port {
  readonly device: string;
  readonly mac: Mac;
  /** The far end, where frames are sent from and arrive. */
  readonly far: string;
  readonly farMac: Mac;
}

/** In the order of their far ends' numbers. */
export const ports: readonly Port[] = ["in0", "out0", "bp0", "bp1"].map((device, index) => ({
  device,
  mac: `02:00:00:00:01:0${index}` as Mac,
  far: `w${index}`,
  farMac: `02:00:00:00:00:0${index}` as Mac,
}));

export const bridgeMac: Mac = "02:00:00:00:02:00" as Mac;

export const addresses: readonly (readonly [device: string, address: string, length: number])[] = [
  ["in0", "10.1.0.1", 24],
  ["out0", "10.2.0.1", 24],
  ["br0", "10.4.0.1", 24],
  ["in0", "fd01::1", 64],
  ["out0", "fd02::1", 64],
  ["br0", "fd04::1", 64],
];

/** Host parts that have a permanent neighbour entry on each network. */
export const hosts: readonly number[] = [2, 3, 4, 5, 6, 7, 8, 9, 10];

/** That host's address on the network of one of `addresses`. */
export function hostOn(own: string, host: number): string {
  return own.replace(/1$/, host.toString(own.includes(":") ? 16 : 10));
}

/** Who has that address. */
export function farOf(device: string, host: number): Port {
  const port = device === "br0" ? ports[host === 3 ? 3 : 2] : ports.find((one) => one.device === device);
  if (port === undefined) throw new Error(`no far end at ${device}`);
  return port;
}

export const defaultRoutes: readonly string[] = ["10.2.0.2", "fd02::2"];

export const sysctls: Readonly<Record<string, number>> = {
  "net.ipv4.ip_forward": 1,
  "net.ipv6.conf.all.forwarding": 1,
  "net.ipv4.icmp_ratelimit": 0,
  "net.ipv6.icmp.ratelimit": 0,
  "net.ipv4.conf.all.send_redirects": 0,
  "net.ipv4.conf.in0.send_redirects": 0,
  "net.ipv4.conf.out0.send_redirects": 0,
  "net.ipv4.conf.br0.send_redirects": 0,
  "net.netfilter.nf_conntrack_tcp_be_liberal": 1,
};
