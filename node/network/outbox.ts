import { FRAME_OVERHEAD_BYTES } from "./limits.ts";

/**
 * Messages waiting for one peer, bounded in bytes and number. Messages are kept by reference, so a
 * broadcast to many slow peers costs its bytes once.
 */
export class Outbox {
  readonly #maxBytes: number;
  readonly #maxMessages: number;
  #messages: Uint8Array[] = [];
  #first = 0;
  #bytes = 0;
  /** Set while the first message is partly written: it may not be taken away then. */
  #headStarted = false;

  constructor(maxBytes: number, maxMessages: number) {
    this.#maxBytes = maxBytes;
    this.#maxMessages = maxMessages;
  }

  get length(): number {
    return this.#messages.length - this.#first;
  }

  get bytes(): number {
    return this.#bytes;
  }

  /** False, and nothing kept, when there is no room. */
  offer(message: Uint8Array): boolean {
    if (!this.#fits(message)) return false;
    this.#messages.push(message);
    this.#bytes += message.length + FRAME_OVERHEAD_BYTES;
    return true;
  }

  /**
   * Makes room by giving up the oldest messages: newer views replace older ones.
   *
   * @returns how many messages were given up, the new one included when it can never fit
   */
  replaceOldest(message: Uint8Array): number {
    let dropped = 0;
    while (!this.#fits(message) && this.#dropOldest()) dropped += 1;
    return this.offer(message) ? dropped : dropped + 1;
  }

  head(): Uint8Array | undefined {
    return this.#messages[this.#first];
  }

  startHead(): void {
    this.#headStarted = true;
  }

  /** The stream that had begun the first message is gone: another sends it from its start. */
  restartHead(): void {
    this.#headStarted = false;
  }

  shift(): void {
    const head = this.head();
    if (head === undefined) return;
    this.#headStarted = false;
    this.#bytes -= head.length + FRAME_OVERHEAD_BYTES;
    this.#first += 1;
    // Cutting the list only now and then keeps taking the first message cheap.
    if (this.#first > 64 && this.#first * 2 > this.#messages.length) this.#compact();
    else if (this.length === 0) this.clear();
  }

  clear(): void {
    this.#messages = [];
    this.#first = 0;
    this.#bytes = 0;
    this.#headStarted = false;
  }

  #fits(message: Uint8Array): boolean {
    const bytes = this.#bytes + message.length + FRAME_OVERHEAD_BYTES;
    return bytes <= this.#maxBytes && this.length < this.#maxMessages;
  }

  #dropOldest(): boolean {
    this.#compact();
    const index = this.#headStarted ? 1 : 0;
    const dropped = this.#messages[index];
    if (dropped === undefined) return false;
    this.#messages.splice(index, 1);
    this.#bytes -= dropped.length + FRAME_OVERHEAD_BYTES;
    return true;
  }

  #compact(): void {
    if (this.#first === 0) return;
    this.#messages = this.#messages.slice(this.#first);
    this.#first = 0;
  }
}
