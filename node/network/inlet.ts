import { TokenBucket } from "./token-bucket.ts";

export interface InletOptions {
  readonly messagesPerSecond: number;
  readonly bytesPerSecond: number;
  /** False keeps messages waiting until `resume`. */
  ready(): boolean;
  deliver(message: Uint8Array): void;
  /** Gives the sender its credit back. */
  release(messageBytes: number): void;
}

const BURST_SECONDS = 2;

/**
 * Where messages of one stream wait until the node may and can take them. A sender above its rate is
 * slowed down, because its credit comes back late; what waits is bounded by that credit.
 */
export class Inlet {
  readonly #options: InletOptions;
  readonly #messages: TokenBucket;
  readonly #bytes: TokenBucket;
  #waiting: Uint8Array[] = [];
  #timer: NodeJS.Timeout | undefined;
  #running = false;

  constructor(options: InletOptions) {
    const now = performance.now();
    this.#options = options;
    this.#messages = new TokenBucket(options.messagesPerSecond, BURST_SECONDS, now);
    this.#bytes = new TokenBucket(options.bytesPerSecond, BURST_SECONDS, now);
  }

  push(message: Uint8Array): void {
    this.#waiting.push(message);
    this.resume();
  }

  resume(): void {
    if (this.#running || this.#timer) return;
    this.#running = true;
    try {
      this.#deliverAll();
    } finally {
      this.#running = false;
    }
  }

  close(): void {
    clearTimeout(this.#timer);
    this.#timer = undefined;
    this.#waiting = [];
  }

  #deliverAll(): void {
    let taken = 0;
    for (const message of this.#waiting) {
      if (!this.#options.ready()) break;
      const now = performance.now();
      const wait = Math.max(this.#messages.waitMs(now), this.#bytes.waitMs(now));
      if (wait > 0) {
        this.#wait(wait);
        break;
      }
      this.#messages.take(1, now);
      this.#bytes.take(message.length, now);
      taken += 1;
      this.#options.deliver(message);
      this.#options.release(message.length);
    }
    this.#waiting.splice(0, taken);
  }

  #wait(ms: number): void {
    this.#timer = setTimeout(() => {
      this.#timer = undefined;
      this.resume();
    }, ms);
    this.#timer.unref();
  }
}
