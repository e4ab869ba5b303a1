/** Allows a rate with a burst of `burstSeconds` worth of it. Times are in milliseconds. */
export class TokenBucket {
  readonly #perMs: number;
  readonly #capacity: number;
  #tokens: number;
  #at: number;

  constructor(perSecond: number, burstSeconds: number, now: number) {
    this.#perMs = perSecond / 1000;
    this.#capacity = perSecond * burstSeconds;
    this.#tokens = this.#capacity;
    this.#at = now;
  }

  /**
   * Takes tokens when the bucket is not empty; it may go below zero once, so that a message larger
   * than the burst passes and is paid for by waiting.
   */
  take(tokens: number, now: number): boolean {
    this.#refill(now);
    if (this.#tokens <= 0) return false;
    this.#tokens -= tokens;
    return true;
  }

  /** Milliseconds until `take` may succeed; 0 for at once. */
  waitMs(now: number): number {
    this.#refill(now);
    return this.#tokens > 0 ? 0 : Math.ceil((1 - this.#tokens) / this.#perMs);
  }

  get full(): boolean {
    return this.#tokens >= this.#capacity;
  }

  #refill(now: number): void {
    const passed = Math.max(0, now - this.#at);
    this.#tokens = Math.min(this.#capacity, this.#tokens + passed * this.#perMs);
    this.#at = now;
  }
}
