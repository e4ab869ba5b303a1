import { setTimeout as delay } from "node:timers/promises";

/** Time as the chain sees it; tests bring their own. */
export interface Clock {
  /** Unix time in milliseconds. */
  now(): number;
  /** Rejects when the signal aborts. */
  sleep(ms: number, signal: AbortSignal): Promise<void>;
}

export const systemClock: Clock = {
  now: () => Date.now(),
  sleep: (ms, signal) => delay(ms, undefined, { signal }),
};
