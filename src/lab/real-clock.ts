import { type Clock, type Timer, nanosPerMilli } from "../kernel/clock.ts";

/** The clock of the wall, for code that otherwise runs in virtual time. Counts from `startNanos`. */
export function realClock(startNanos: number): Clock {
  const begin = process.hrtime.bigint();
  return {
    nowNanos: () => startNanos + Number(process.hrtime.bigint() - begin),
    after(delayNanos: number, action: () => void): Timer {
      const timer = setTimeout(action, Math.max(0, delayNanos) / nanosPerMilli);
      return { cancel: () => clearTimeout(timer) };
    },
  };
}
