import { type Clock, type Timer, nanosPerMilli } from "../clock.ts";

/** How long an acknowledgement waits for data to travel with (TCP_ATO_MIN). */
const delayNanos = 40 * nanosPerMilli;

/**
 * When data is acknowledged: at once, until the connection turns out to be interactive, that is, answers follow
 * data within the delay; then the answers carry the acknowledgements (inet_csk_enter_pingpong_mode).
 */
export class AckPolicy {
  readonly #clock: Clock;
  readonly #send: () => void;
  #interactive = false;
  #lastDataNanos = Number.NEGATIVE_INFINITY;
  #timer: Timer | undefined;

  constructor(clock: Clock, send: () => void) {
    this.#clock = clock;
    this.#send = send;
  }

  dataArrived(): void {
    this.#lastDataNanos = this.#clock.nowNanos();
  }

  dataLeaves(): void {
    if (this.#clock.nowNanos() - this.#lastDataNanos <= delayNanos) this.#interactive = true;
  }

  /** Something wants to be acknowledged. */
  owed(): void {
    if (!this.#interactive) return this.#send();
    this.#timer ??= this.#clock.after(delayNanos, () => {
      this.#interactive = false;
      this.#send();
    });
  }

  /** A segment that leaves now carries the acknowledgement. */
  paid(): void {
    this.#timer?.cancel();
    this.#timer = undefined;
  }
}
