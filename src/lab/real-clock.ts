import { type Clock, type Timer, nanosPerMilli, wakeUpNanos } from "../kernel/clock.ts";

/**
 * The clock of the wall, for code that otherwise runs in virtual time. Counts from `startNanos`. What a program does
 * between two system calls takes no time worth a timer: it follows at once, before anything can be received.
 */
export function realClock(startNanos: number): Clock {
  const begin = process.hrtime.bigint();
  return {
    nowNanos: () => startNanos + Number(process.hrtime.bigint() - begin),
    after(delayNanos: number, action: () => void): Timer {
      if (delayNanos < wakeUpNanos) {
        let cancelled = false;
        queueMicrotask(() => !cancelled && action());
        return { cancel: () => void (cancelled = true) };
      }
      const timer = setTimeout(action, delayNanos / nanosPerMilli);
      return { cancel: () => clearTimeout(timer) };
    },
  };
}
