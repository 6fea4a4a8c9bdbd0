import fc from "fast-check";
import { program, text, u32 } from "./byte-matches.ts";
import { type Place, only } from "./place.ts";
import { ipv4Sets, setKinds } from "./sets.ts";

function words(...parts: readonly (string | false)[]): string[] {
  return parts.filter((part): part is string => part !== false);
}

const not = fc.constantFrom("", "", "! ");

/** Terms of the header: at most one of each. */
export function header(place: Place): fc.Arbitrary<string> {
  const v4 = place.family === "ipv4";
  const blocks = v4
    ? [
        "10.1.0.0/24",
        "10.2.0.2",
        "10.1.0.2,10.2.0.3",
        "10.4.0.0/16",
        "10.1.0.2/255.0.255.255",
        "0.0.0.0/0",
        "10.96.0.10",
      ]
    : ["fd01::/64", "fd02::2", "fd01::2,fd02::3", "fd04::/48", "fd01::2/ffff::ffff", "::/0", "fd96::a"];
  const block = (option: string): fc.Arbitrary<string> =>
    fc
      .tuple(not, fc.constantFrom(...blocks))
      .map(([n, b]) => (n !== "" && b.includes(",") ? `${option} ${b}` : `${n}${option} ${b}`));
  const device = (option: string): fc.Arbitrary<string> =>
    fc
      .tuple(not, fc.constantFrom("in0", "out0", "br0", "br+", "in+", "eth0", "lo"))
      .map(([n, d]) => `${n}${option} ${d}`);
  const none = fc.constant("");
  const mayIn = only(place, "PREROUTING", "INPUT", "FORWARD");
  const mayOut = only(place, "FORWARD", "OUTPUT", "POSTROUTING");
  return fc
    .tuple(
      fc.oneof({ weight: 2, arbitrary: none }, { weight: 1, arbitrary: block("-s") }),
      fc.oneof({ weight: 2, arbitrary: none }, { weight: 1, arbitrary: block("-d") }),
      mayIn ? fc.oneof({ weight: 3, arbitrary: none }, { weight: 1, arbitrary: device("-i") }) : none,
      mayOut ? fc.oneof({ weight: 3, arbitrary: none }, { weight: 1, arbitrary: device("-o") }) : none,
    )
    .map((parts) => parts.filter((part) => part !== "").join(" "))
    .map((text) => (text.includes(",") ? text.replaceAll("! ", "") : text));
}

const port = fc.constantFrom("80", "81", "53", "1000:2000", ":1024", "40000:", "65535", "0");
const ctBlocks = { ipv4: ["10.1.0.2", "10.2.0.0/24", "10.96.0.10"], ipv6: ["fd01::2", "fd02::/64", "fd96::a"] };

/** What goes with a protocol: `-p tcp` and its options. */
export function protocol({ family }: Place): fc.Arbitrary<string> {
  const v4 = family === "ipv4";
  const portTerms = fc
    .tuple(fc.option(fc.tuple(not, port)), fc.option(fc.tuple(not, port)))
    .map(([s, d]) => words(s !== null && `${s[0]}--sport ${s[1]}`, d !== null && `${d[0]}--dport ${d[1]}`).join(" "));
  const flags = fc.constantFrom(
    "",
    "",
    "--syn",
    "! --syn",
    "--tcp-flags SYN,ACK SYN",
    "! --tcp-flags ALL ACK,PSH",
    "--tcp-flags ALL NONE",
    "--tcp-option 2",
    "! --tcp-option 2",
    "--tcp-option 8",
    "! --tcp-option 3",
    "--tcp-option 5",
  );
  const multiport = fc
    .tuple(
      not,
      fc.constantFrom("--sports", "--dports", "--ports"),
      fc.constantFrom("80", "80,443", "53,1000:2000,81", "80,65535", "40001,80"),
    )
    .map(([n, o, p]) => `-m multiport ${n}${o} ${p}`);
  const icmpTypes = v4
    ? [
        "any",
        "echo-request",
        "8",
        "0",
        "3",
        "3/3",
        "destination-unreachable",
        "port-unreachable",
        "time-exceeded",
        "8/0",
        "3/4",
        "255",
      ]
    : ["echo-request", "echo-reply", "1", "1/4", "packet-too-big", "3/0", "128/0"];
  const chunks = [
    "any INIT",
    "all DATA",
    "only DATA",
    "any DATA:U,SACK",
    "all INIT",
    "any ALL",
    "only INIT,DATA",
    "any SHUTDOWN,ABORT",
  ];
  return fc.oneof(
    fc.tuple(portTerms, flags).map(([p, f]) => `-p tcp ${p.replace("--dport 80", "--dport http")} ${f}`),
    portTerms.map((p) => `-p udp ${p}`),
    fc.tuple(fc.constantFrom("tcp", "udp", "sctp", "udplite"), multiport).map(([p, m]) => `-p ${p} ${m}`),
    fc
      .tuple(not, fc.constantFrom(...icmpTypes))
      .map(([n, t]) => (v4 ? `-p icmp ${n}--icmp-type ${t}` : `-p ipv6-icmp ${n}--icmpv6-type ${t}`)),
    fc
      .tuple(portTerms, fc.option(fc.tuple(not, fc.constantFrom(...chunks))))
      .map(([p, c]) => `-p sctp ${p} ${c === null ? "" : `${c[0]}--chunk-types ${c[1]}`}`),
    fc
      .tuple(not, fc.constantFrom("tcp", "udp", "47", "esp", v4 ? "icmp" : "ipv6-icmp", "132"))
      .map(([n, p]) => `${n}-p ${p}`),
    fc
      .tuple(not, fc.constantFrom("1400:1500", "1000", "1460", "0:536"))
      .map(([n, m]) => `-p tcp -m tcpmss ${n}--mss ${m}`),
    v4 ? not.map((n) => `${n}-f`) : fc.constant("-p tcp"),
  );
}

/** Other matches. */
export function match(place: Place): fc.Arbitrary<string> {
  const { family } = place;
  const v4 = family === "ipv4";
  const mark = fc.constantFrom("0", "0x1", "0x1/0x1", "0x2/0xf", "0x3/0x1", "0x10000/0x30000", "5");
  const states = fc.constantFrom(
    "NEW",
    "ESTABLISHED",
    "RELATED,ESTABLISHED",
    "INVALID",
    "UNTRACKED",
    "DNAT",
    "SNAT",
    "NEW,DNAT",
    "INVALID,NEW,RELATED",
  );
  const block = fc.constantFrom(...ctBlocks[family]);
  const ctTerms = fc.oneof(
    fc.tuple(not, states).map(([n, s]) => `${n}--ctstate ${s}`),
    fc
      .tuple(not, fc.constantFrom("NONE", "SEEN_REPLY", "ASSURED", "CONFIRMED", "EXPECTED", "SEEN_REPLY,CONFIRMED"))
      .map(([n, s]) => `${n}--ctstatus ${s}`),
    fc
      .tuple(not, fc.constantFrom("--ctorigsrc", "--ctorigdst", "--ctreplsrc", "--ctrepldst"), block)
      .map(([n, o, b]) => `${n}${o} ${b}`),
    fc
      .tuple(
        not,
        fc.constantFrom("--ctorigsrcport", "--ctorigdstport", "--ctreplsrcport", "--ctrepldstport"),
        fc.constantFrom("80", "1:1024", "40001"),
      )
      .map(([n, o, b]) => `${n}${o} ${b}`),
    fc.tuple(not, fc.constantFrom("tcp", "17", "1")).map(([n, s]) => `${n}--ctproto ${s}`),
    fc.constantFrom("--ctdir ORIGINAL", "--ctdir REPLY"),
    fc.tuple(not, fc.constantFrom("1:25", "0", "31:115", "125:500000")).map(([n, s]) => `${n}--ctexpire ${s}`),
  );
  const type = fc.constantFrom(
    "LOCAL",
    "UNICAST",
    "MULTICAST",
    "UNSPEC",
    ...(v4 ? ["BLACKHOLE", "BROADCAST", "LOCAL,BROADCAST"] : []),
  );
  const limits = words(
    "",
    only(place, "PREROUTING", "INPUT", "FORWARD") && "--limit-iface-in",
    only(place, "FORWARD", "POSTROUTING", "OUTPUT") && "--limit-iface-out",
  );
  const setFlags = (dimensions: number): fc.Arbitrary<string> =>
    fc.array(fc.constantFrom("src", "dst"), { minLength: dimensions, maxLength: dimensions }).map((f) => f.join(","));
  const suffix = v4 ? "4" : "6";
  const inSet = fc
    .constantFrom(...setKinds.filter(([name]) => v4 || !ipv4Sets.includes(name)))
    .chain(([name, dimensions]) =>
      fc.tuple(
        not,
        fc.constant(name),
        setFlags(dimensions),
        fc.constantFrom(
          "",
          "",
          "",
          "--return-nomatch",
          "! --update-counters",
          "--packets-gt 1",
          "! --bytes-eq 100",
          "--packets-eq 0",
        ),
      ),
    )
    .map(([n, name, f, o]) => `-m set ${n}--match-set ${name}${suffix} ${f} ${o}`);
  const recent = fc
    .tuple(
      not,
      fc.constantFrom(
        "--set",
        "--rcheck",
        "--update",
        "--remove",
        "--rcheck --seconds 100 --hitcount 2",
        "--update --seconds 100 --reap",
        "--rcheck --hitcount 3",
        "--rcheck --rttl",
        "--update --hitcount 2 --rttl",
      ),
      // A list has the mask of its first rule, which is not the same as the first that a packet meets.
      fc.constantFrom("", "--name A", v4 ? "--name B --mask 255.255.0.0" : "--name C --mask ffff::"),
      fc.constantFrom("", "--rdest", "--rsource"),
    )
    .map(([n, a, name, side]) => `-m recent ${n}${a} ${name} ${side}`);
  return fc.oneof(
    fc
      .array(ctTerms, { minLength: 1, maxLength: 2 })
      .map((terms) => `-m conntrack ${[...new Map(terms.map((t) => [/--\w+/.exec(t)?.[0], t])).values()].join(" ")}`),
    fc
      .tuple(
        not,
        states.filter((s) => !s.includes("NAT")),
      )
      .map(([n, s]) => `-m state ${n}--state ${s}`),
    fc.tuple(fc.constantFrom("mark", "connmark"), not, mark).map(([m, n, v]) => `-m ${m} ${n}--mark ${v}`),
    fc.constantFrom(`-m comment --comment "a \\"b\\" c's"`, "-m comment --comment x"),
    fc
      .tuple(not, fc.constantFrom("--src-type", "--dst-type"), type, fc.constantFrom(...limits))
      .map(([n, o, t, l]) => `-m addrtype ${n}${o} ${t} ${l}`),
    fc.constantFrom(
      "-m statistic --mode nth --every 2 --packet 0",
      "-m statistic --mode nth ! --every 3 --packet 1",
      "-m statistic --mode random --probability 1",
      "-m statistic --mode random ! --probability 0",
    ),
    inSet,
    recent,
    fc.constantFrom(
      "-m limit --limit 1/hour --limit-burst 2",
      "-m limit --limit 3/hour",
      "-m limit --limit 10/minute --limit-burst 3",
    ),
    fc.constantFrom(
      "-m hashlimit --hashlimit-upto 1/hour --hashlimit-burst 2 --hashlimit-mode srcip --hashlimit-name h1",
      "-m hashlimit --hashlimit-above 1/hour --hashlimit-burst 2 --hashlimit-mode srcip,dstport --hashlimit-name h2",
      "-m hashlimit --hashlimit-upto 1/hour --hashlimit-burst 1 --hashlimit-name h3",
      `-m hashlimit --hashlimit-above 1/day --hashlimit-burst 3 --hashlimit-mode dstip --hashlimit-dstmask ${v4 ? 16 : 48} --hashlimit-name h4`,
      // A packet costs all that a second gives.
      "-m hashlimit --hashlimit-upto 16b/s --hashlimit-mode srcip --hashlimit-name h5",
      "-m hashlimit --hashlimit-above 32b/s --hashlimit-burst 96b --hashlimit-mode dstip --hashlimit-name h6",
      "-m hashlimit --hashlimit-upto 1/sec --hashlimit-burst 1 --hashlimit-rate-match --hashlimit-rate-interval 3600 --hashlimit-mode srcip --hashlimit-name h7",
      "-m hashlimit --hashlimit-above 48b/s --hashlimit-burst 96b --hashlimit-rate-match --hashlimit-rate-interval 3600 --hashlimit-name h8",
    ),
    fc.tuple(not, fc.constantFrom("60", "0:52", "60:100", "1500")).map(([n, l]) => `-m length ${n}--length ${l}`),
    v4
      ? fc.constantFrom("-m ttl --ttl-eq 64", "-m ttl --ttl-lt 64", "-m ttl --ttl-gt 63", "-m ttl ! --ttl-eq 63")
      : fc.constantFrom("-m hl --hl-eq 64", "-m hl --hl-lt 64", "-m hl --hl-gt 63", "-m hl ! --hl-eq 63"),
    fc
      .tuple(
        not,
        fc.constantFrom("--src-range", "--dst-range"),
        v4
          ? fc.constantFrom("10.1.0.2-10.1.0.9", "10.2.0.3-10.4.0.3")
          : fc.constantFrom("fd01::2-fd01::9", "fd02::3-fd04::3"),
      )
      .map(([n, o, r]) => `-m iprange ${n}${o} ${r}`),
    fc
      .tuple(not, fc.constantFrom("unicast", "broadcast", "multicast"))
      .map(([n, t]) => `-m pkttype ${n}--pkt-type ${t}`),
    fc.constantFrom(
      "-m dscp --dscp 0",
      "-m dscp ! --dscp-class EF",
      "-m dscp --dscp-class CS6",
      "-m tos --tos 0x10",
      "-m tos ! --tos 0x10/0x3f",
      "-m tos --tos Minimize-Delay",
      "-m tos --tos 0xc0/0xf0",
    ),
    ...(only(place, "PREROUTING", "INPUT", "FORWARD")
      ? [
          fc
            .tuple(not, fc.constantFrom("02:00:00:00:00:00", "02:00:00:00:00:02"))
            .map(([n, m]) => `-m mac ${n}--mac-source ${m}`),
        ]
      : []),
    ...(only(place, "OUTPUT", "POSTROUTING")
      ? [
          fc.constantFrom(
            "-m owner --uid-owner 0",
            "-m owner ! --uid-owner 0",
            "-m owner --socket-exists",
            "-m owner ! --socket-exists",
            "-m owner ! --gid-owner 5-10",
          ),
        ]
      : []),
    ...(only(place, "PREROUTING") && (place.table === "raw" || place.table === "mangle")
      ? [fc.subarray(["--loose", "--validmark", "--accept-local", "--invert"]).map((f) => `-m rpfilter ${f.join(" ")}`)]
      : []),
    ...(only(place, "FORWARD", "POSTROUTING")
      ? [
          fc.constantFrom(
            "-m physdev --physdev-is-bridged",
            "-m physdev ! --physdev-is-bridged",
            "-m physdev --physdev-is-bridged --physdev-out bp1",
            "-m physdev --physdev-out bp+ --physdev-is-bridged",
          ),
        ]
      : []),
    ...(only(place, "PREROUTING", "INPUT", "FORWARD")
      ? [
          fc.constantFrom(
            "-m physdev --physdev-in bp0",
            "-m physdev ! --physdev-in bp0",
            "-m physdev --physdev-is-in",
            "-m physdev ! --physdev-is-in",
            "-m physdev --physdev-in bp+",
          ),
        ]
      : []),
    connections(place),
    fc.oneof(u32, text, program),
    ...(v4 ? [] : [headers]),
    ...(!v4 && only(place, "PREROUTING", "INPUT", "FORWARD") ? [fc.constant("-m eui64")] : []),
    ...(only(place, "PREROUTING", "INPUT", "FORWARD")
      ? [fc.constantFrom("-m policy --dir in --pol none", "-m policy --dir in --pol ipsec")]
      : []),
    ...(only(place, "FORWARD", "OUTPUT", "POSTROUTING") ? [fc.constant("-m policy --dir out --pol none")] : []),
    fc.tuple(not, fc.constantFrom(0, 40, 60, 150, 1000)).map(([n, bytes]) => `-m quota ${n}--quota ${bytes}`),
  );
}

/** Terms that count what connections there are, and what went over one. */
function connections({ family }: Place): fc.Arbitrary<string> {
  const lengths = family === "ipv4" ? [0, 16, 24, 32] : [0, 48, 64, 128];
  const limit = fc
    .tuple(
      fc.constantFrom("upto", "above"),
      fc.nat(3),
      fc.constantFrom(...lengths),
      fc.constantFrom("", "--connlimit-saddr", "--connlimit-daddr"),
    )
    .map(([o, n, length, side]) => `-m connlimit --connlimit-${o} ${n} --connlimit-mask ${length} ${side}`);
  const bytes = fc
    .tuple(
      not,
      fc.constantFrom("0", "1", "2:3", ":1", "40:60", "61", "100:", "50:55"),
      fc.constantFrom("packets", "bytes", "avgpkt"),
      fc.constantFrom("original", "reply", "both"),
    )
    .map(
      ([n, range, mode, side]) =>
        `-m connbytes ${n}--connbytes ${range} --connbytes-mode ${mode} --connbytes-dir ${side}`,
    );
  return fc.oneof(limit, bytes);
}

/** Headers of IPv6 that no packet here has. */
const headers: fc.Arbitrary<string> = fc.oneof(
  fc.constantFrom(
    "-m rt --rt-type 0",
    "-m rt ! --rt-type 0",
    "-m hbh",
    "-m hbh ! --hbh-len 5",
    "-m dst",
    "-m dst ! --dst-len 5",
    "-m frag",
    "-m frag --fragid 5",
    "-m frag ! --fragid 5",
    "-m frag --fragfirst",
    "-m srh ! --srh-segs-left-gt 3",
    "-m ah",
    "-m ah ! --ahspi 5",
  ),
  fc
    .tuple(
      not,
      fc.constantFrom("prot", "esp", "hop-by-hop", "esp,prot", "frag,prot", "none", "dst,esp"),
      fc.constantFrom("", "--soft"),
    )
    .map(([n, h, soft]) => `-m ipv6header ${n}--header ${h} ${soft}`),
);
