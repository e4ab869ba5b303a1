import type { Clock } from "../../node/consensus/clock.ts";

interface Entry {
  readonly at: number;
  readonly order: number;
  run: (() => void) | undefined;
}

/** Microtask turns after each event, so that promises settle before the next one. */
const SETTLE_TURNS = 12;

/** A virtual clock: events run one at a time, in the order of their time, then of their making. */
export class Scheduler {
  readonly #heap: Entry[] = [];
  #now = 0;
  #order = 0;
  /** Events run so far. */
  events = 0;

  get now(): number {
    return this.#now;
  }

  after(delayMs: number, run: () => void): () => void {
    const entry: Entry = { at: this.#now + Math.max(0, delayMs), order: this.#order++, run };
    this.#push(entry);
    return () => {
      entry.run = undefined;
    };
  }

  /** The clock of one node, started at its own offset. */
  clock(offsetMs: number): Clock {
    return {
      now: () => this.#now + offsetMs,
      after: (delayMs, callback) => this.after(delayMs, callback),
    };
  }

  /**
   * Runs events until the time is reached or `done` says so.
   *
   * @param afterEvent called once everything that an event caused has settled
   */
  async run(until: number, afterEvent: () => void, done: () => boolean): Promise<void> {
    await settle();
    while (!done()) {
      const entry = this.#heap[0];
      if (entry === undefined || entry.at > until) break;
      this.#pop();
      if (entry.run === undefined) continue;
      this.#now = entry.at;
      this.events++;
      entry.run();
      await settle();
      afterEvent();
    }
    if (!done()) this.#now = Math.max(this.#now, until);
  }

  #push(entry: Entry): void {
    const heap = this.#heap;
    let index = heap.push(entry) - 1;
    while (index > 0) {
      const parent = (index - 1) >> 1;
      if (!before(entry, heap[parent]!)) break;
      heap[index] = heap[parent]!;
      index = parent;
    }
    heap[index] = entry;
  }

  #pop(): void {
    const heap = this.#heap;
    const last = heap.pop()!;
    if (heap.length === 0) return;
    let index = 0;
    for (;;) {
      let child = 2 * index + 1;
      if (child >= heap.length) break;
      if (child + 1 < heap.length && before(heap[child + 1]!, heap[child]!)) child++;
      if (!before(heap[child]!, last)) break;
      heap[index] = heap[child]!;
      index = child;
    }
    heap[index] = last;
  }
}

function before(a: Entry, b: Entry): boolean {
  return a.at < b.at || (a.at === b.at && a.order < b.order);
}

async function settle(): Promise<void> {
  for (let turn = 0; turn < SETTLE_TURNS; turn++) await undefined;
}
