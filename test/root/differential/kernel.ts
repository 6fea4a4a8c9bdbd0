import { type ChildProcess, execFileSync, spawn } from "node:child_process";
import { createInterface } from "node:readline";
import { addresses, bridgeMac, defaultRoutes, farOf, hostOn, hosts, ports, sysctls } from "./layout.ts";

/** A frame by the number of the far end it is sent from or arrives at. */
export interface NumberedFrame {
  readonly port: number;
  readonly bytes: Buffer;
}

/** What a router holds after its packets. */
export interface Shown {
  readonly rules: Readonly<Record<"ipv4" | "ipv6", string>>;
  readonly sets: string;
  readonly connections: readonly string[];
}

/** What a router is loaded with. */
export interface Load {
  readonly sets: string;
  readonly ipv4: string;
  readonly ipv6: string;
}

/**
 * Sends what comes as `INDEX HEX` and prints what arrives, until the answer to an ARP request that was sent last (by
 * the word `wait`) is back. All of it on one processor, where packets stay in order.
 */
const peer = String.raw`
  $| = 1; $a = "SniSCCx8";
  socket(S, 17, 3, 0); socket(R, 17, 3, 0x0300);
  while (<STDIN>) {
    ($index, $hex) = split;
    if ($index eq "pause") { select(undef, undef, undef, $hex); next }
    send(S, pack("H*", $hex), 0, pack($a, 17, 0, $index, 0, 0, 0));
    next unless substr($hex, 24, 4) eq "0806";
    for (;;) {
      $from = recv(R, $frame, 65536, 0);
      ($f, $p, $i, $t, $type) = unpack($a, $from);
      next if $type == 4;
      next if $type == 1; last if substr($frame, 12, 10) eq "\x08\x06\x00\x01\x08\x00\x06\x04\x00\x02";
      next if substr($frame, 12, 2) eq "\x08\x06";
      print "$i ", unpack("H*", $frame), "\n";
    }
    print "done\n";
  }`;

/** A router of the real kernel: two network namespaces under a prefix of their own. */
export class KernelRouter {
  readonly #router: string;
  readonly #world: string;
  readonly #peer: ChildProcess;
  #lines: string[] = [];
  #done: (() => void) | undefined;

  constructor(prefix: string) {
    this.#router = `${prefix}-r`;
    this.#world = `${prefix}-w`;
    execFileSync("ip", ["netns", "add", this.#router]);
    execFileSync("ip", ["netns", "add", this.#world]);
    try {
      this.#build();
    } catch (error) {
      this.#delete();
      throw error;
    }
    this.#peer = spawn("ip", ["netns", "exec", this.#world, "taskset", "-c", "0", "perl", "-e", peer], {
      stdio: ["pipe", "pipe", "inherit"],
    });
    createInterface({ input: this.#peer.stdout as NodeJS.ReadableStream }).on("line", (line) => {
      if (line === "done") this.#done?.();
      else this.#lines.push(line);
    });
  }

  #sh(namespace: string, script: string): string {
    return execFileSync("ip", ["netns", "exec", namespace, "sh", "-e"], {
      input: script,
      encoding: "utf8",
      stdio: ["pipe", "pipe", "pipe"],
      maxBuffer: 2 ** 26,
    });
  }

  #build(): void {
    const world = ["sysctl -qw net.ipv6.conf.all.disable_ipv6=1 net.ipv6.conf.default.disable_ipv6=1"];
    const router = [
      "sysctl -qw net.ipv6.conf.default.accept_dad=0 net.ipv6.conf.default.addr_gen_mode=1",
      "ip link set lo up",
    ];
    for (const [index, { device, mac, far, farMac }] of ports.entries()) {
      const ends = `index ${60 + index} address ${mac} type veth peer name ${far} netns ${this.#world} index ${20 + index} address ${farMac}`;
      router.push(`ip link add ${device} ${ends}`);
      world.push(`ip link set ${far} up arp off`);
    }
    router.push(`ip link add br0 address ${bridgeMac} type bridge stp_state 0 forward_delay 0 mcast_snooping 0`);
    for (const port of ["bp0", "bp1"]) router.push(`ip link set ${port} master br0`);
    for (const device of ["in0", "out0", "bp0", "bp1", "br0"]) router.push(`ip link set ${device} up`);
    for (const [device, address, length] of addresses) {
      router.push(`ip addr add ${address}/${length} dev ${device} ${address.includes(":") ? "nodad" : ""}`);
      for (const host of hosts) {
        router.push(
          `ip neigh add ${hostOn(address, host)} lladdr ${farOf(device, host).farMac} dev ${device} nud permanent`,
        );
      }
    }
    for (const port of [2, 3]) {
      router.push(`bridge fdb replace ${ports[port]?.farMac} dev ${ports[port]?.device} master static`);
    }
    for (const [name, value] of Object.entries(sysctls)) router.push(`sysctl -qw ${name}=${value}`);
    for (const route of defaultRoutes)
      router.push(`ip ${route.includes(":") ? "-6" : ""} route add default via ${route}`);
    this.#sh(this.#router, router.join("\n"));
    this.#sh(this.#world, world.join("\n"));
    this.#sh(
      this.#router,
      "while ip link | grep -q 'state DOWN\\|LOWERLAYERDOWN\\|NO-CARRIER'; do sleep 0.05; done; sleep 2.5",
    );
  }

  /** Loads sets and rules into an empty router. Throws what iptables-restore or ipset said. */
  load({ sets, ipv4, ipv6 }: Load): void {
    const here = (command: string, text: string): string => `${command} <<'END-OF-TEXT'\n${text}END-OF-TEXT\n`;
    this.#sh(
      this.#router,
      [
        here("iptables-legacy-restore", emptyTables),
        here("ip6tables-legacy-restore", emptyTables),
        "conntrack -F 2>/dev/null || true\nipset flush\nipset destroy\nsysctl -qw net.netfilter.nf_conntrack_acct=0\n",
        sets === "" ? "" : here("ipset restore", sets),
        here("iptables-legacy-restore", ipv4),
        here("ip6tables-legacy-restore", ipv6),
      ].join(""),
    );
  }

  /** Sends frames in order, with a pause between them; what arrived at the far ends. */
  send(frames: readonly NumberedFrame[], pauseSeconds = 0): Promise<readonly NumberedFrame[]> {
    this.#lines = [];
    const pause = pauseSeconds === 0 ? "" : `pause ${pauseSeconds}\n`;
    const lines = [...frames, { port: 2, bytes: arpRequest }].map(
      ({ port, bytes }) => `${20 + port} ${bytes.toString("hex")}\n${pause}`,
    );
    return new Promise((resolve) => {
      this.#done = () =>
        resolve(
          this.#lines.map((line) => {
            const [index, hex = ""] = line.split(" ");
            return { port: Number(index) - 20, bytes: Buffer.from(hex, "hex") };
          }),
        );
      this.#peer.stdin?.write(lines.join(""));
    });
  }

  show(): Shown {
    const [ipv4 = "", ipv6 = "", sets = "", connections = ""] = this.#sh(
      this.#router,
      "iptables-legacy-save -c; echo @@; ip6tables-legacy-save -c; echo @@; ipset save; echo @@; conntrack -L 2>/dev/null",
    ).split("@@\n");
    return { rules: { ipv4, ipv6 }, sets, connections: connections.split("\n").filter((line) => line !== "") };
  }

  /** What this kernel says of sets that it cannot make; undefined where it can. */
  refusesSets(text: string): string | undefined {
    try {
      this.load({ sets: text, ipv4: emptyTables, ipv6: emptyTables });
      return undefined;
    } catch (error) {
      const said = String((error as { readonly stderr?: string }).stderr ?? error);
      if (!said.includes("not supported")) throw error;
      return said.trim();
    }
  }

  stop(): void {
    this.#peer.kill("SIGKILL");
    this.#delete();
  }

  #delete(): void {
    for (const name of [this.#router, this.#world]) {
      try {
        execFileSync("ip", ["netns", "del", name], { stdio: "ignore" });
      } catch {
        // It was not made.
      }
    }
  }
}

/** Who has 10.4.0.1? From the far end w2, to the bridge alone. */
const arpRequest = Buffer.from(
  "020000000200020000000002080600010800060400010200000000020a0400020000000000000a040001",
  "hex",
);

const emptyTables = ["raw", "mangle", "nat", "filter", "security"].map((table) => `*${table}\nCOMMIT\n`).join("");
