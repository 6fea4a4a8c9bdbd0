import fc from "fast-check";
import { type Place, only } from "./place.ts";

/** What a rule does. */
export function target(place: Place, jumps: readonly string[]): fc.Arbitrary<string> {
  const { family, table } = place;
  const v4 = family === "ipv4";
  const all: fc.Arbitrary<string>[] = [
    fc.constant(""),
    fc.constantFrom("-j ACCEPT", "-j ACCEPT", "-j RETURN", ...(table === "nat" ? [] : ["-j DROP"])),
    fc.constantFrom(
      '-j LOG --log-prefix "a b: " --log-level debug',
      "-j NFLOG --nflog-group 5",
      "-j CONNMARK --set-mark 1",
      "-j CONNMARK --set-xmark 0x2/0xf",
    ),
    ...jumps.map((chain) => fc.constantFrom(`-j ${chain}`, `-j ${chain}`, `-g ${chain}`)),
    fc.constantFrom(
      "-j MARK --set-mark 1",
      "-j MARK --or-mark 0x10000",
      "-j MARK --and-mark 0xffff",
      "-j MARK --xor-mark 3",
      "-j MARK --set-xmark 0x2/0xf",
      "-j MARK --set-mark 0x5/0x6",
    ),
    fc.constantFrom(
      "-j CONNMARK --save-mark",
      "-j CONNMARK --restore-mark --mask 0xff",
      "-j CONNMARK --restore-mark --nfmask 0xf0 --ctmask 0xff",
      "-j CONNMARK --save-mark --nfmask 0xff --ctmask 0xf0",
      "-j CONNMARK --and-mark 0xf0",
      "-j CONNMARK --xor-mark 1",
    ),
    fc
      .tuple(
        fc.constantFrom("--add-set", "--del-set"),
        fc.constantFrom("src", "dst"),
        fc.constantFrom("", "--exist", "--timeout 500", "--exist --timeout 0"),
      )
      .map(([o, f, t]) => `-j SET ${o} made${v4 ? 4 : 6} ${f} ${o === "--del-set" ? "" : t}`),
    fc.constantFrom(
      `-j SET --add-set ipport${v4 ? 4 : 6} dst,dst`,
      `-j SET --del-set ip${v4 ? 4 : 6} src`,
      `-j SET --add-set port${v4 ? 4 : 6} src`,
      `-j SET --add-set net${v4 ? 4 : 6} src`,
      `-j SET --add-set wide${v4 ? 4 : 6} dst`,
      `-j SET --add-set until${v4 ? 4 : 6} src --exist --timeout 900`,
      `-j SET --del-set until${v4 ? 4 : 6} dst`,
      `-j SET --add-set lists${v4 ? 4 : 6} dst,dst --exist`,
      `-j SET --del-set lists${v4 ? 4 : 6} dst,dst`,
    ),
  ];
  if (table === "raw")
    all.push(
      fc.constantFrom(
        "-j CT --notrack",
        "-j NOTRACK",
        "-j CT",
        "-j CT --zone 1",
        "-j CT --zone 1",
        "-j CT --zone-orig 2",
        "-j CT --zone-reply 3",
        "-j CT --zone mark",
      ),
    );
  if (table === "mangle") {
    all.push(
      fc
        // Where no route leads to the gateway, somebody is asked for who may not be there.
        .constantFrom(
          ...(v4 ? ["10.2.0.5", "10.2.0.5 --oif out0", "10.1.0.6"] : ["fd02::5", "fd01::6", "fd01::6 --oif in0"]),
        )
        .map((gateway) => `-j TEE --gateway ${gateway}`),
    );
    const maps = only(place, "FORWARD", "OUTPUT", "POSTROUTING") ? ["", "--map-prio"] : [""];
    all.push(
      fc
        .tuple(fc.constantFrom("info", "wide"), fc.constantFrom("src", "dst"), fc.constantFrom(...maps))
        .map(([name, side, prio]) => `-j SET --map-set ${name}${v4 ? 4 : 6} ${side} --map-mark ${prio}`),
    );
    all.push(
      v4
        ? fc.constantFrom("-j TTL --ttl-set 10", "-j TTL --ttl-dec 1", "-j TTL --ttl-inc 5")
        : fc.constantFrom("-j HL --hl-set 10", "-j HL --hl-dec 1", "-j HL --hl-inc 5"),
    );
    all.push(
      fc.constantFrom(
        "-j DSCP --set-dscp 0x2e",
        "-j DSCP --set-dscp-class AF11",
        "-j TOS --set-tos 0x10",
        "-j TOS --or-tos 0x1f",
        "-j TOS --and-tos 0xf0",
        "-j TOS --xor-tos 0x18",
        "-j CHECKSUM --checksum-fill",
      ),
    );
    if (only(place, "POSTROUTING", "FORWARD", "OUTPUT")) all.push(fc.constant("-j CLASSIFY --set-class 1:10"));
    if (only(place, "POSTROUTING", "FORWARD", "OUTPUT"))
      all.push(
        fc.constantFrom(
          "-p tcp --syn -j TCPMSS --clamp-mss-to-pmtu",
          "-p tcp --syn -j TCPMSS --set-mss 1000",
          "-p tcp --tcp-flags SYN,RST SYN -j TCPMSS --set-mss 1460",
        ),
      );
  }
  if (table === "filter") {
    const types = v4
      ? [
          "icmp-net-unreachable",
          "icmp-host-unreachable",
          "icmp-proto-unreachable",
          "icmp-port-unreachable",
          "icmp-net-prohibited",
          "icmp-host-prohibited",
          "icmp-admin-prohibited",
        ]
      : [
          "icmp6-no-route",
          "icmp6-adm-prohibited",
          "icmp6-addr-unreachable",
          "icmp6-port-unreachable",
          "icmp6-policy-fail",
          "icmp6-reject-route",
        ];
    all.push(
      fc.constant("-j REJECT"),
      fc.constantFrom(...types).map((t) => `-j REJECT --reject-with ${t}`),
      fc.constant("-p tcp -j REJECT --reject-with tcp-reset"),
    );
  }
  if (table === "nat") {
    const [to, other, own] = v4 ? ["10.2.0.2", "10.2.0.3", "10.1.0.9"] : ["fd02::2", "fd02::3", "fd01::9"];
    const bracket = (a: string): string => (v4 ? a : `[${a}]`);
    if (only(place, "PREROUTING", "OUTPUT")) {
      all.push(
        fc.constant(`-j DNAT --to-destination ${to}`),
        fc.constant(`-p tcp -j DNAT --to-destination ${bracket(to)}:8080`),
        fc.constant(`-p tcp -j DNAT --to-destination ${bracket(`${to}-${other}`)}:8080`),
        fc.constant(`-j DNAT --to-destination ${to}-${other} --persistent`),
        fc
          .tuple(
            fc.constantFrom("udp", "tcp"),
            fc.constantFrom("8000-8100/80", "7000-7010/400", "53-53/80", "60000-60001/1"),
          )
          .map(([p, span]) => `-p ${p} -j DNAT --to-destination ${bracket(to)}:${span}`),
        fc.constant("-p tcp -j REDIRECT --to-ports 15001"),
        fc.constant("-p udp -j REDIRECT"),
        fc.constant(v4 ? "-j NETMAP --to 10.2.0.0/24" : "-j NETMAP --to fd02::/64"),
      );
    }
    if (only(place, "POSTROUTING", "INPUT")) {
      all.push(
        fc.constant(`-j SNAT --to-source ${own}`),
        fc.constant(`-p tcp -j SNAT --to-source ${bracket(own)}:7777`),
        fc.constant(
          `-j SNAT --to-source ${own}-${own.slice(0, -1)}8`.replace(
            /(\S+)9-(\S+)8$/,
            (_, a: string, b: string) => `${a}8-${b}9`,
          ),
        ),
        fc.constant(v4 ? "-j NETMAP --to 10.7.0.0/24" : "-j NETMAP --to fd07::/64"),
      );
    }
    if (only(place, "POSTROUTING"))
      all.push(fc.constant("-j MASQUERADE"), fc.constant("-p tcp -j MASQUERADE --to-ports 7000"));
  }
  return fc.oneof(...all);
}
