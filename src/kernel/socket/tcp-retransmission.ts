import { nanosPerMilli, nanosPerSecond } from "../clock.ts";
import type { TcpTimer } from "./tcp-timer.ts";

/** TCP_RTO_MIN. */
const rtoMinNanos = 200 * nanosPerMilli;
/** That and a round trip far below it, in whole jiffies of 4 ms. */
const firstRtoNanos = 204 * nanosPerMilli;
const rtoMaxNanos = 120 * nanosPerSecond;
/** How long the last of several segments waits before it is sent again: two jiffies (TCP_TIMEOUT_MIN), and two round trips, which are far below. */
const probeNanos = 8 * nanosPerMilli;

/** What can be done about an acknowledgement that does not come. */
export interface Resender {
  /** Sends the last segment on its way once more. */
  probe(): void;
  /** Sends the first one again, for the `attempt`th time. */
  again(attempt: number): void;
  giveUp(): void;
  /** How long it goes on, as a number of retransmissions (tcp_retries2). */
  retries(): number;
  nowNanos(): number;
}

/**
 * The time that so many retransmissions take: the first time-out behind it ends the connection. tcp_model_timeout(),
 * retransmits_timed_out().
 */
function mostNanos(retries: number): number {
  const doublings = Math.floor(Math.log2(rtoMaxNanos / rtoMinNanos));
  if (retries <= doublings) return (2 ** (retries + 1) - 1) * rtoMinNanos;
  return (2 ** (doublings + 1) - 1) * rtoMinNanos + (retries - doublings) * rtoMaxNanos;
}

/**
 * When what is on its way is sent again: first the last segment, to learn whether anything was lost (tail loss probe,
 * RFC 8985, section 7), then the first one, after the least time-out and twice that each further time (RFC 6298): the
 * round trips of a cluster are far below it.
 */
export class Retransmission {
  readonly #timer: TcpTimer;
  readonly #resender: Resender;
  #timeouts = 0;
  /** When the first segment was sent again after the first time-out (retrans_stamp). */
  #sinceNanos = 0;
  /** The first segment was also the last, so the probe sent it. */
  #probedFirst = false;
  #probed = false;
  /** Of what was on its way when a loss was seen not all has been acknowledged (TCP_CA_Loss, TCP_CA_Recovery). */
  #lost = false;

  constructor(timer: TcpTimer, resender: Resender) {
    this.#timer = timer;
    this.#resender = resender;
  }

  /** After a time-out the window is one segment, and that one is on its way (tcp_enter_loss). */
  get hasTimedOut(): boolean {
    return this.#timeouts > 0;
  }

  /** So many segments are on their way: waits for their acknowledgement. tcp_schedule_loss_probe(). */
  arm(segments: number): void {
    if (this.#lost || this.#probed) return this.#wait();
    this.#timer.after(segments === 1 ? firstRtoNanos : probeNanos, () => {
      this.#probed = true;
      this.#probedFirst = segments === 1;
      this.#resender.probe();
      this.#wait();
    });
  }

  /** Something is known to be lost, and was sent again: no probe is needed to learn it. */
  lose(): void {
    this.#lost = true;
  }

  /** Something new was acknowledged; `recovered`: all that was on its way when the last loss was seen. */
  acknowledged(recovered: boolean): void {
    this.#timeouts = 0;
    this.#probed = false;
    this.#probedFirst = false;
    if (recovered) this.#lost = false;
  }

  #wait(): void {
    this.#timer.after(Math.min(firstRtoNanos * 2 ** this.#timeouts, rtoMaxNanos), () => {
      const now = this.#resender.nowNanos();
      if (this.#timeouts++ === 0) this.#sinceNanos = now;
      if (now - this.#sinceNanos >= mostNanos(this.#resender.retries())) return this.#resender.giveUp();
      this.#lost = true;
      this.#resender.again(this.#timeouts + (this.#probedFirst ? 2 : 1));
      this.#wait();
    });
  }
}
