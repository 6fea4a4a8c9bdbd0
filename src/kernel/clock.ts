/** A pending timer. */
export interface Timer {
  cancel(): void;
}

/** Virtual time. Nothing in the engine reads another clock. */
export interface Clock {
  /** Nanoseconds since the start of the run. */
  nowNanos(): number;
  /** Runs `action` after `delayNanos`; actions of the same instant run in the order they were scheduled in. */
  after(delayNanos: number, action: () => void): Timer;
}

interface Event {
  readonly atNanos: number;
  readonly order: number;
  readonly action: () => void;
  cancelled: boolean;
}

export const nanosPerMilli = 1_000_000;
export const nanosPerSecond = 1_000_000_000;

/**
 * Until a process runs after a packet woke it. Longer than a packet's way through a machine: the kernel forwards at
 * once, in the soft interrupt of whoever sends.
 */
export const wakeUpNanos: number = nanosPerMilli / 5;

/** The one event queue of a run: a binary heap ordered by (time, order of scheduling). */
export class EventQueue implements Clock {
  #now = 0;
  #order = 0;
  readonly #heap: Event[] = [];

  nowNanos(): number {
    return this.#now;
  }

  after(delayNanos: number, action: () => void): Timer {
    const event: Event = {
      atNanos: this.#now + Math.max(0, delayNanos),
      order: this.#order++,
      action,
      cancelled: false,
    };
    this.#push(event);
    return { cancel: () => void (event.cancelled = true) };
  }

  /**
   * Runs events until none is left, `done` says so, or virtual time would pass `untilNanos`: it is that time then, also
   * when nothing is left to happen. Returns false when it stopped because of the time limit.
   */
  run(options: { readonly untilNanos?: number; readonly done?: () => boolean } = {}): boolean {
    const { untilNanos = Number.POSITIVE_INFINITY, done } = options;
    while (this.#heap.length > 0) {
      if (done?.() === true) return true;
      const next = this.#heap[0] as Event;
      if (next.atNanos > untilNanos) {
        this.#now = untilNanos;
        return false;
      }
      this.#pop();
      if (next.cancelled) continue;
      this.#now = next.atNanos;
      next.action();
    }
    if (untilNanos !== Number.POSITIVE_INFINITY && done?.() !== true) this.#now = Math.max(this.#now, untilNanos);
    return true;
  }

  #push(event: Event): void {
    const heap = this.#heap;
    let index = heap.push(event) - 1;
    while (index > 0) {
      const parent = (index - 1) >> 1;
      if (!before(event, heap[parent] as Event)) break;
      heap[index] = heap[parent] as Event;
      index = parent;
    }
    heap[index] = event;
  }

  #pop(): void {
    const heap = this.#heap;
    const last = heap.pop() as Event;
    if (heap.length === 0) return;
    let index = 0;
    for (;;) {
      let child = 2 * index + 1;
      if (child >= heap.length) break;
      if (child + 1 < heap.length && before(heap[child + 1] as Event, heap[child] as Event)) child++;
      if (!before(heap[child] as Event, last)) break;
      heap[index] = heap[child] as Event;
      index = child;
    }
    heap[index] = last;
  }
}

function before(a: Event, b: Event): boolean {
  return a.atNanos < b.atNanos || (a.atNanos === b.atNanos && a.order < b.order);
}
