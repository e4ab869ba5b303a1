import { creditFrame, dataHeader, FRAME_HEADER_BYTES, FrameError, FrameReader } from "./frames.ts";
import { FRAME_OVERHEAD_BYTES } from "./limits.ts";
import type { Outbox } from "./outbox.ts";

export interface RawStreamEvents {
  message: Uint8Array;
  drain: void;
  remoteCloseWrite: void;
  close: Error | undefined;
}

/** The part of a libp2p stream that is used. Its `onDrain` and its async iterator are not. */
export interface RawStream {
  /** False when the caller should wait for `drain`; throws on a stream that was reset. */
  send(data: Uint8Array): boolean;
  abort(error: Error): void;
  on<E extends keyof RawStreamEvents>(
    event: E,
    listener: (argument: RawStreamEvents[E]) => void,
  ): void;
}

export interface FrameStreamOptions {
  /** Largest message accepted, asked again for every frame. */
  maxReceiveBytes(): number;
  readonly receiveWindowBytes: number;
  readonly sendWindowBytes: number;
  /** What it throws ends the stream. The owner calls `release` when it is done with a message. */
  onMessage(message: Uint8Array): void;
  /** Credit or room in the transport came back. */
  onWritable(): void;
  /** Some bytes arrived: the peer is alive. */
  onActivity?(): void;
  /** Once; without an error when the other side closed in order. */
  onClose(error?: Error): void;
}

/** Small messages are put together up to this size; large ones leave in such pieces. */
const BATCH_BYTES = 64 * 1024;

/**
 * The only holder of a raw stream: framing, caps before allocation, credit in both directions,
 * waiting for drain, and containment of errors.
 *
 * Bytes are taken out of the library at once and counted against the window: a sender that ignores
 * its credit is cut off, so what a slow reader has to keep is bounded. Pausing a libp2p stream is
 * avoided on purpose: it resets yamux streams and does nothing on QUIC.
 */
export class FrameStream {
  readonly #raw: RawStream;
  readonly #options: FrameStreamOptions;
  readonly #reader: FrameReader;
  #closed = false;
  #needsDrain = false;
  #credit: number;
  /** Bytes received and not released yet, and released but not told to the sender yet. */
  #held = 0;
  #returnable = 0;
  /** Bytes of the first message of the outbox that are written already; 0 before its header. */
  #offset = 0;
  #sent = 0;
  #writeSince: number | undefined;
  #readSince: number | undefined;

  constructor(raw: RawStream, options: FrameStreamOptions) {
    this.#raw = raw;
    this.#options = options;
    this.#credit = options.sendWindowBytes;
    this.#reader = new FrameReader({
      announced: (length) => this.#announced(length),
      data: (message) => {
        // A new frame, a new deadline: under steady traffic there is hardly a moment without one.
        this.#readSince = undefined;
        this.#options.onMessage(message);
      },
      credit: (bytes) => this.#credited(bytes),
    });
    raw.on("message", (chunk) => this.#guard(() => this.#receive(chunk)));
    raw.on("drain", () => this.#guard(() => this.#drained()));
    raw.on("remoteCloseWrite", () => this.#guard(() => this.fail()));
    raw.on("close", (error) => this.#guard(() => this.#ended(error)));
  }

  get closed(): boolean {
    return this.#closed;
  }

  /** Messages written completely. */
  get sent(): number {
    return this.#sent;
  }

  /**
   * Writes messages while there is credit and room, up to `budgetBytes`.
   *
   * @returns true when only the budget ended it: call again on a later tick
   */
  pump(outbox: Outbox, budgetBytes: number, now: number): boolean {
    let written = 0;
    while (!this.#closed && !this.#needsDrain) {
      if (written >= budgetBytes) return outbox.length > 0;
      const batch = this.#nextBatch(outbox);
      if (batch === undefined) break;
      written += batch.length;
      this.#writeSince = undefined;
      this.#write(batch);
    }
    if (outbox.length === 0) this.#writeSince = undefined;
    else this.#writeSince ??= now;
    return false;
  }

  /** Gives the credit of a message back to the sender, once the message is dealt with. */
  release(messageBytes: number): void {
    const cost = messageBytes + FRAME_OVERHEAD_BYTES;
    this.#held -= cost;
    this.#returnable += cost;
    this.#returnCredit();
  }

  /** Whether a begun frame or a waiting message has not moved for `timeoutMs`. */
  stalled(now: number, timeoutMs: number): boolean {
    const since = Math.min(this.#writeSince ?? Infinity, this.#readSince ?? Infinity);
    return now - since > timeoutMs;
  }

  /** Ends both directions at once. */
  fail(error?: Error): void {
    if (this.#closed) return;
    this.#ended(error);
    try {
      this.#raw.abort(error ?? new Error("stream ended"));
    } catch {
      // The library may throw for a stream that it has reset meanwhile; it is gone either way.
    }
  }

  #receive(chunk: Uint8Array): void {
    if (this.#closed) return;
    this.#options.onActivity?.();
    this.#reader.push(chunk);
    this.#readSince = this.#reader.partial ? (this.#readSince ?? performance.now()) : undefined;
  }

  #announced(length: number): void {
    const limit = this.#options.maxReceiveBytes();
    if (length > limit)
      throw new FrameError(`got a frame of ${length} bytes, allowed: up to ${limit}`);
    this.#held += length + FRAME_OVERHEAD_BYTES;
    if (this.#held + this.#returnable > this.#options.receiveWindowBytes)
      throw new FrameError(`got more than the credit of ${this.#options.receiveWindowBytes} bytes`);
  }

  #credited(bytes: number): void {
    this.#credit += bytes;
    if (this.#credit > this.#options.sendWindowBytes)
      throw new FrameError(`got credit for ${bytes} bytes that were not sent`);
    this.#options.onWritable();
  }

  #drained(): void {
    this.#needsDrain = false;
    this.#returnCredit();
    this.#options.onWritable();
  }

  /** Credit goes out between frames, never inside one that is partly written. */
  #returnCredit(): void {
    if (this.#closed || this.#needsDrain || this.#offset > 0) return;
    const frame = this.#dueCredit();
    if (frame) this.#write(frame);
  }

  #dueCredit(): Uint8Array | undefined {
    const bytes = this.#returnable;
    if (bytes === 0 || bytes < this.#options.receiveWindowBytes / 4) return undefined;
    this.#returnable = 0;
    return creditFrame(bytes);
  }

  #nextBatch(outbox: Outbox): Uint8Array | undefined {
    const parts: Uint8Array[] = [];
    let size = 0;
    for (let head = outbox.head(); head && size < BATCH_BYTES; head = outbox.head()) {
      if (this.#offset === 0) {
        const cost = head.length + FRAME_OVERHEAD_BYTES;
        if (cost > this.#credit) break;
        this.#credit -= cost;
        parts.push(dataHeader(head.length));
        size += FRAME_HEADER_BYTES;
        outbox.startHead();
      }
      const piece = head.subarray(this.#offset, this.#offset + Math.max(1, BATCH_BYTES - size));
      parts.push(piece);
      size += piece.length;
      this.#offset += piece.length;
      if (this.#offset < head.length) break;
      this.#offset = 0;
      this.#sent += 1;
      outbox.shift();
      const credit = this.#dueCredit();
      if (!credit) continue;
      parts.push(credit);
      size += credit.length;
    }
    return size === 0 ? undefined : Buffer.concat(parts, size);
  }

  #write(bytes: Uint8Array): void {
    try {
      if (!this.#raw.send(bytes)) this.#needsDrain = true;
    } catch (error) {
      this.fail(error as Error);
    }
  }

  #ended(error?: Error): void {
    if (this.#closed) return;
    this.#closed = true;
    this.#options.onClose(error);
  }

  /** A throw in a listener of the library would end the process. */
  #guard(action: () => void): void {
    try {
      action();
    } catch (error) {
      this.fail(error as Error);
    }
  }
}
