import type { DeviceSettings, Sysctls } from "./namespace.ts";

/** Kernel defaults that differ from 0: Documentation/networking/ip-sysctl.rst. */
const defaults: Readonly<Record<string, number>> = {
  "net.ipv4.ip_default_ttl": 64,
  "net.ipv4.icmp_ratelimit": 1000,
  "net.ipv4.icmp_ratemask": 6168,
  "net.ipv6.icmp.ratelimit": 100,
  "net.ipv4.icmp_msgs_per_sec": 1000,
  "net.ipv4.icmp_echo_ignore_broadcasts": 1,
  "net.ipv4.ip_local_port_range.min": 32768,
  "net.ipv4.ip_local_port_range.max": 60999,
  "net.ipv4.tcp_retries2": 15,
  "net.ipv4.tcp_synack_retries": 5,
  "net.ipv4.ipfrag_time": 30,
  "net.ipv4.min_pmtu": 552,
  "net.ipv4.mtu_expires": 600,
  "net.ipv4.route.min_pmtu": 552,
  "net.ipv4.route.mtu_expires": 600,
  "net.ipv6.route.mtu_expires": 600,
  "net.ipv6.ip6frag_time": 60,
  // With the br_netfilter module loaded; without it bridged frames never meet iptables, as with 0.
  "net.bridge.bridge-nf-call-iptables": 1,
  "net.bridge.bridge-nf-call-ip6tables": 1,
  "net.bridge.bridge-nf-call-arptables": 1,
};

/** Defaults of `net.ipv4.conf.*`, `net.ipv6.conf.*` and `net.ipv4.neigh.*` by their last part, where not 0. */
const perDevice: Readonly<Record<string, number>> = {
  send_redirects: 1,
  shared_media: 1,
  accept_redirects: 1,
  secure_redirects: 1,
  hop_limit: 64,
  mcast_solicit: 3,
  ucast_solicit: 3,
  retrans_time_ms: 1000,
  base_reachable_time_ms: 30_000,
  delay_first_probe_time: 5,
  proxy_delay: 80,
  unres_qlen: 101,
  locktime: 100,
  proxy_qlen: 64,
};

/** Seconds: nf_conntrack_proto_tcp.c, _sctp.c, _udp.c, _icmp.c, _generic.c. */
const conntrackDefaults: Readonly<Record<string, number>> = {
  buckets: 262_144,
  checksum: 1,
  tcp_loose: 1,
  tcp_max_retrans: 3,
  tcp_timeout_syn_sent: 120,
  tcp_timeout_syn_recv: 60,
  tcp_timeout_established: 432_000,
  tcp_timeout_fin_wait: 120,
  tcp_timeout_close_wait: 60,
  tcp_timeout_last_ack: 30,
  tcp_timeout_time_wait: 120,
  tcp_timeout_close: 10,
  tcp_timeout_unacknowledged: 300,
  tcp_timeout_max_retrans: 300,
  sctp_timeout_closed: 10,
  sctp_timeout_cookie_wait: 3,
  sctp_timeout_cookie_echoed: 3,
  sctp_timeout_established: 210,
  sctp_timeout_shutdown_sent: 3,
  sctp_timeout_shutdown_recd: 3,
  sctp_timeout_shutdown_ack_sent: 3,
  udp_timeout: 30,
  udp_timeout_stream: 120,
  icmp_timeout: 30,
  icmpv6_timeout: 30,
  generic_timeout: 600,
  gre_timeout: 30,
  gre_timeout_stream: 180,
};
const conntrackPrefix = "net.netfilter.nf_conntrack_";

const forwarding4 = "net.ipv4.ip_forward";
const perDeviceName = /^net\.ipv[46]\.(?:conf|neigh)\.(.+)\.([a-z0-9_]+)$/;

/** Writing the key on the left writes the whole family of keys on the right, as the kernel does. */
const fanOut: readonly { readonly written: readonly string[]; readonly pattern: RegExp }[] = [
  { written: [forwarding4, "net.ipv4.conf.all.forwarding"], pattern: /^net\.ipv4\.conf\..+\.forwarding$/ },
  { written: ["net.ipv6.conf.all.forwarding"], pattern: /^net\.ipv6\.conf\..+\.forwarding$/ },
  { written: ["net.ipv6.conf.all.disable_ipv6"], pattern: /^net\.ipv6\.conf\..+\.disable_ipv6$/ },
];

/** Sysctls of a namespace; `inherit` hands `default` on to a new device, as registering one does. */
export interface SysctlTable extends Sysctls {
  inherit(device: string): void;
}

export function createSysctls(): SysctlTable {
  const values = new Map<string, number>();
  const settings = new Map<string, DeviceSettings>();
  /** What was asked for before: defaults take several patterns to find. */
  const resolved = new Map<string, number>();

  function get(name: string): number {
    let value = resolved.get(name);
    if (value === undefined) resolved.set(name, (value = resolve(name)));
    return value;
  }

  function resolve(name: string): number {
    const value = values.get(name) ?? values.get(aliasOf(name));
    if (value !== undefined) return value;
    for (const { written, pattern } of fanOut) {
      if (!pattern.test(name)) continue;
      for (const source of written) {
        const all = values.get(source);
        if (all !== undefined) return all;
      }
    }
    if (name.startsWith(conntrackPrefix)) return conntrackDefaults[name.slice(conntrackPrefix.length)] ?? 0;
    const key = perDeviceName.exec(name)?.[2];
    return defaults[name] ?? (key === undefined ? 0 : (perDevice[key] ?? 0));
  }

  function set(name: string, value: number): void {
    for (const { written, pattern } of fanOut) {
      if (!written.includes(name)) continue;
      for (const key of values.keys()) if (pattern.test(key) || written.includes(key)) values.delete(key);
    }
    values.set(name, value);
    forget();
  }

  let version = 0;
  /** The device asked for last: a packet asks for one several times. */
  let last = "";
  let lastSettings: DeviceSettings | undefined;
  function forget(): void {
    version++;
    lastSettings = undefined;
    settings.clear();
    resolved.clear();
  }

  return {
    get,
    set,
    version: () => version,
    entries: () => [...values],
    inherit(device) {
      for (const [name, value] of values) {
        const match = /^(net\.ipv[46]\.(?:conf|neigh)\.)default(\..+)$/.exec(name);
        if (match) values.set(`${match[1]}${device}${match[2]}`, value);
      }
      forget();
    },
    device(name) {
      if (name === last && lastSettings !== undefined) return lastSettings;
      last = name;
      lastSettings = settings.get(name);
      if (lastSettings !== undefined) return lastSettings;
      const own = (key: string): number => get(`net.ipv4.conf.${name}.${key}`);
      const all = (key: string): number => get(`net.ipv4.conf.all.${key}`);
      const either = (key: string): boolean => own(key) !== 0 || all(key) !== 0;
      const made: DeviceSettings = {
        forwarding: own("forwarding") !== 0,
        forwarding6: get(`net.ipv6.conf.${name}.forwarding`) !== 0,
        disabled6: get(`net.ipv6.conf.${name}.disable_ipv6`) !== 0,
        rpFilter: Math.min(2, Math.max(own("rp_filter"), all("rp_filter"))) as 0 | 1 | 2,
        routeLocalnet: either("route_localnet"),
        acceptLocal: either("accept_local"),
        srcValidMark: either("src_valid_mark"),
        sendRedirects: either("send_redirects"),
        sharedMedia: either("shared_media"),
        arpIgnore: Math.max(own("arp_ignore"), all("arp_ignore")),
        arpAnnounce: Math.max(own("arp_announce"), all("arp_announce")),
        arpFilter: either("arp_filter"),
        proxyArp: either("proxy_arp"),
        promoteSecondaries: either("promote_secondaries"),
        acceptRedirects:
          own("forwarding") !== 0
            ? own("accept_redirects") !== 0 && all("accept_redirects") !== 0
            : either("accept_redirects"),
        proxyNdp: get(`net.ipv6.conf.${name}.proxy_ndp`) !== 0 || get("net.ipv6.conf.all.proxy_ndp") !== 0,
      };
      settings.set(name, made);
      lastSettings = made;
      return made;
    },
  };
}

/** `net.ipv4.ip_forward` and `net.ipv4.conf.all.forwarding` are one switch. */
function aliasOf(name: string): string {
  if (name === forwarding4) return "net.ipv4.conf.all.forwarding";
  return name === "net.ipv4.conf.all.forwarding" ? forwarding4 : name;
}
