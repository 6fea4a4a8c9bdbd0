import { type Clock, type Timer, nanosPerSecond } from "../clock.ts";

/** When something is sent again and when its sender gives up, in seconds after the first time. */
export interface RetransmissionPlan {
  readonly retransmitSeconds: readonly number[];
  readonly timeoutSeconds: number;
}

/** The plan for tcp_synack_retries: after 1, 3, 7, ... seconds. */
export function synAckPlan(retries: number): RetransmissionPlan {
  const seconds = Array.from({ length: Math.max(0, retries) + 1 }, (_, index) => 2 ** (index + 1) - 1);
  return { retransmitSeconds: seconds.slice(0, -1), timeoutSeconds: seconds.at(-1) ?? 1 };
}

/** The one timer of a connection (icsk_retransmit_timer): handshake, retransmission, TIME_WAIT. */
export class TcpTimer {
  readonly #clock: Clock;
  #timer: Timer | undefined;

  constructor(clock: Clock) {
    this.#clock = clock;
  }

  stop(): void {
    this.#timer?.cancel();
    this.#timer = undefined;
  }

  after(delayNanos: number, action: () => void): void {
    this.stop();
    this.#timer = this.#clock.after(delayNanos, action);
  }

  /** Sends attempts 2, 3, ... as planned until stopped, then gives up. The first one has been sent. */
  follow(plan: RetransmissionPlan, send: (attempt: number) => void, giveUp: () => void, attempt = 2): void {
    const { retransmitSeconds, timeoutSeconds } = plan;
    const since = attempt === 2 ? 0 : (retransmitSeconds[attempt - 3] ?? 0);
    const until = retransmitSeconds[attempt - 2];
    this.after(((until ?? timeoutSeconds) - since) * nanosPerSecond, () => {
      if (until === undefined) return giveUp();
      send(attempt);
      this.follow(plan, send, giveUp, attempt + 1);
    });
  }
}
