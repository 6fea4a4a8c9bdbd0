import { nanosPerSecond } from "../../kernel/clock.ts";
import type { Address } from "../../wire/address.ts";
import type { DnsMessage } from "../../wire/dns.ts";
import { matchesQuery } from "./common.ts";
import type { Mailbox, Process } from "./process.ts";

/** What `exchange` gives when nothing came. */
export const timedOut = "timed out";

/** Sends one query from a socket of its own and waits for its reply; text says what went wrong. */
export function* exchange(
  mail: Mailbox,
  message: DnsMessage,
  server: Address,
  transport: "udp" | "tcp",
  timeoutSeconds: number,
): Process<DnsMessage | string> {
  const deadline = mail.io.clock.nowNanos() + timeoutSeconds * nanosPerSecond;
  const purpose = `${message.question.type} ${message.question.name}`;
  const channel = transport === "tcp" ? mail.openTcp(server, purpose) : mail.openUdp(server, purpose);
  try {
    const error = transport === "tcp" ? undefined : channel.send(message);
    if (error !== undefined) return error.errno;
    for (;;) {
      const wake = yield deadline;
      if (wake.kind === "timeout") return timedOut;
      if (wake.kind === "ended" || wake.channel !== channel) continue;
      if (wake.kind === "error") return wake.error.errno;
      if (wake.kind === "connected") channel.send(message);
      else if (matchesQuery(message, wake.message)) return wake.message;
    }
  } finally {
    channel.close();
  }
}
