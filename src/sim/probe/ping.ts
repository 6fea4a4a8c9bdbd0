import { nanosPerSecond } from "../../kernel/clock.ts";
import type { SocketError } from "../../kernel/socket/api.ts";
import { type Address, formatAddress } from "../../wire/address.ts";
import type { ProbeCommand } from "./command.ts";
import { type ProbeContext, type ProbeResult, type RunProbe, errorDetails, once } from "./probe.ts";

type PingCommand = Extract<ProbeCommand, { tool: "ping" }>;

/** ping waits this long for an answer to its last request (iputils, `-c 1` without `-W`). */
const lingerSeconds = 10;
const ident = 16962;

/** `ping -c 1 HOST`: one echo request. iputils' words. */
export const runPing: RunProbe<PingCommand> = (command, context, done) => {
  context.resolve(command.host, ["ipv4", "ipv6"], (resolution) => {
    switch (resolution.kind) {
      case "addresses":
        return ping(command, context, resolution.addresses[0] as Address, once(done));
      case "failed": {
        const nameError = resolution.error === "EAI_NONAME";
        const reason = nameError ? "Name or service not known" : "Temporary failure in name resolution";
        return done({
          outcome: nameError ? "name-not-found" : "dns-error",
          message: `ping: ${command.host}: ${reason}`,
          exitCode: 2,
        });
      }
      case "unknown":
        return done({
          outcome: "unknown",
          message: resolution.reason,
          exitCode: 0,
          unknownBecause: [resolution.reason],
        });
    }
  });
};

function ping(
  command: PingCommand,
  context: ProbeContext,
  address: Address,
  done: (result: ProbeResult) => void,
): void {
  const { namespace, clock } = context;
  const to = formatAddress(address);
  const protocol = typeof address === "number" ? "icmp" : "icmpv6";
  const flow = context.openFlow({ protocol, from: namespace.name, to, purpose: `echo request to ${command.host}` });
  const silence = clock.after((command.waitSeconds ?? lingerSeconds) * nanosPerSecond, () =>
    done({ outcome: "timed-out", message: "1 packets transmitted, 0 received, 100% packet loss", exitCode: 1 }),
  );
  const finish = (result: ProbeResult): void => {
    silence.cancel();
    done(result);
  };
  const failed = (error: SocketError): void => finish(failure(error));
  const sent = namespace.sockets.echo(
    address,
    {
      replied: (from, ttl) =>
        finish({
          outcome: "answered",
          message: `${command.dataBytes + 8} bytes from ${formatAddress(from)}: icmp_seq=1 ttl=${ttl}`,
          exitCode: 0,
        }),
      failed,
    },
    {
      flowKey: context.key,
      ident,
      sequence: 1,
      dataBytes: command.dataBytes,
      process: "ping",
      connects: true,
      ...(command.ttl !== undefined && { ttl: command.ttl }),
      ...(flow && { flow }),
    },
  );
  if (sent) failed(sent);
}

function failure(error: SocketError): ProbeResult {
  const { icmp, errno } = error;
  const message =
    icmp === undefined
      ? `ping: ${errno === "ENETUNREACH" ? "connect: Network is unreachable" : `sendmsg: ${errno}`}`
      : `From ${formatAddress(icmp.from)} icmp_seq=1 ${icmpWords(icmp.type, icmp.code)}`;
  const outcome = icmp?.type === 3 && icmp.code === 3 ? "refused" : "unreachable";
  return { outcome, message, exitCode: icmp === undefined ? 2 : 1, ...errorDetails(error) };
}

/** The words of iputils' pr_icmph for IPv4 errors, and the same for their IPv6 counterparts. */
function icmpWords(type: number, code: number): string {
  if (type === 11) return code === 0 ? "Time to live exceeded" : "Frag reassembly time exceeded";
  const destination = [
    "Destination Net Unreachable",
    "Destination Host Unreachable",
    "Destination Protocol Unreachable",
    "Destination Port Unreachable",
    "Frag needed and DF set",
  ];
  if (type === 3 && code === 13) return "Packet filtered";
  return (type === 3 ? destination[code] : undefined) ?? `ICMP type=${type} code=${code}`;
}
