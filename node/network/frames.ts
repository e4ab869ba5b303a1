/**
 * Frames on a stream: one byte of kind, four bytes of number, and for data as many bytes.
 *
 * | kind | number | then |
 * |---|---|---|
 * | 0 data | length | the message |
 * | 1 credit | bytes that the receiver is done with | nothing |
 */
export const FRAME_HEADER_BYTES = 5;

const DATA = 0;
const CREDIT = 1;

/** Up to here a frame gets its memory at once; beyond, only as its bytes really arrive. */
const ALLOCATED_AT_ONCE_BYTES = 64 * 1024;

/** Bytes that are no frame, or a frame that is not allowed here. */
export class FrameError extends Error {
  override readonly name = "FrameError";
}

export function dataHeader(length: number): Uint8Array {
  return header(DATA, length);
}

export function creditFrame(bytes: number): Uint8Array {
  return header(CREDIT, bytes);
}

function header(kind: number, number: number): Uint8Array {
  const bytes = new Uint8Array(FRAME_HEADER_BYTES);
  bytes[0] = kind;
  new DataView(bytes.buffer).setUint32(1, number);
  return bytes;
}

export interface FrameHandlers {
  /** Called with the length before any memory is taken; throws to refuse. */
  announced(length: number): void;
  data(message: Uint8Array): void;
  credit(bytes: number): void;
}

/** Cuts a stream of bytes into frames. Messages are copies: they hold no socket buffer alive. */
export class FrameReader {
  readonly #handlers: FrameHandlers;
  readonly #header = new Uint8Array(FRAME_HEADER_BYTES);
  #headerLength = 0;
  #body: Body | undefined;

  constructor(handlers: FrameHandlers) {
    this.#handlers = handlers;
  }

  /** Whether a frame has begun and not ended. */
  get partial(): boolean {
    return this.#headerLength > 0 || this.#body !== undefined;
  }

  /** @throws FrameError, and what the handlers throw */
  push(chunk: Uint8Array): void {
    let offset = 0;
    while (offset < chunk.length) {
      offset += this.#body ? this.#readBody(chunk, offset) : this.#readHeader(chunk, offset);
    }
  }

  #readHeader(chunk: Uint8Array, offset: number): number {
    const taken = Math.min(FRAME_HEADER_BYTES - this.#headerLength, chunk.length - offset);
    this.#header.set(chunk.subarray(offset, offset + taken), this.#headerLength);
    this.#headerLength += taken;
    if (this.#headerLength < FRAME_HEADER_BYTES) return taken;
    this.#headerLength = 0;
    const number = new DataView(this.#header.buffer).getUint32(1);
    const kind = this.#header[0];
    if (kind === CREDIT) this.#handlers.credit(number);
    else if (kind !== DATA) throw new FrameError(`got a frame of kind ${kind}, allowed: 0 and 1`);
    else if (number === 0) throw new FrameError("got an empty frame, allowed: 1 byte and more");
    else {
      this.#handlers.announced(number);
      this.#body = new Body(number);
    }
    return taken;
  }

  #readBody(chunk: Uint8Array, offset: number): number {
    const body = this.#body as Body;
    const taken = body.take(chunk, offset);
    if (body.missing === 0) {
      this.#body = undefined;
      this.#handlers.data(body.bytes());
    }
    return taken;
  }
}

/** A message under way. A large one costs memory only for what has arrived. */
class Body {
  readonly #length: number;
  readonly #whole: Uint8Array | undefined;
  readonly #parts: Uint8Array[] = [];
  missing: number;

  constructor(length: number) {
    this.#length = length;
    this.missing = length;
    if (length <= ALLOCATED_AT_ONCE_BYTES) this.#whole = new Uint8Array(length);
  }

  take(chunk: Uint8Array, offset: number): number {
    const taken = Math.min(this.missing, chunk.length - offset);
    const part = chunk.subarray(offset, offset + taken);
    if (this.#whole) this.#whole.set(part, this.#length - this.missing);
    else this.#parts.push(part.slice());
    this.missing -= taken;
    return taken;
  }

  bytes(): Uint8Array {
    if (this.#whole) return this.#whole;
    const bytes = new Uint8Array(this.#length);
    let offset = 0;
    for (const part of this.#parts) {
      bytes.set(part, offset);
      offset += part.length;
    }
    return bytes;
  }
}
