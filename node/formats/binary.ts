const encoder = new TextEncoder();
const decoder = new TextDecoder("utf-8", { fatal: true, ignoreBOM: true });

/**
 * Fixed-width binary encoding: big-endian integers, and byte strings behind a length.
 * There is one encoding per value, so a decoded message encodes to the same bytes again.
 */
export class BinaryWriter {
  #bytes: Uint8Array;
  #view: DataView;
  #length = 0;

  constructor(capacity = 256) {
    this.#bytes = new Uint8Array(capacity);
    this.#view = new DataView(this.#bytes.buffer);
  }

  u8(value: number): this {
    this.#reserve(1);
    this.#view.setUint8(this.#length, checked(value, 0xff));
    this.#length += 1;
    return this;
  }

  u16(value: number): this {
    this.#reserve(2);
    this.#view.setUint16(this.#length, checked(value, 0xffff));
    this.#length += 2;
    return this;
  }

  u32(value: number): this {
    this.#reserve(4);
    this.#view.setUint32(this.#length, checked(value, 0xffff_ffff));
    this.#length += 4;
    return this;
  }

  /** A number up to 2^53 - 1 in eight bytes. */
  u64(value: number): this {
    this.#reserve(8);
    this.#view.setBigUint64(this.#length, BigInt(checked(value, Number.MAX_SAFE_INTEGER)));
    this.#length += 8;
    return this;
  }

  /** Bytes as they are, without a length. */
  raw(bytes: Uint8Array): this {
    this.#reserve(bytes.length);
    this.#bytes.set(bytes, this.#length);
    this.#length += bytes.length;
    return this;
  }

  /** A u32 length and the bytes. */
  bytes(bytes: Uint8Array): this {
    return this.u32(bytes.length).raw(bytes);
  }

  /** A u32 length and the text in UTF-8. */
  text(text: string): this {
    return this.bytes(encoder.encode(text));
  }

  finish(): Uint8Array {
    return this.#bytes.slice(0, this.#length);
  }

  #reserve(more: number): void {
    const needed = this.#length + more;
    if (needed <= this.#bytes.length) return;
    const grown = new Uint8Array(Math.max(needed, this.#bytes.length * 2));
    grown.set(this.#bytes);
    this.#bytes = grown;
    this.#view = new DataView(grown.buffer);
  }
}

/** Thrown when bytes are not an encoding of what was expected. */
export class DecodeError extends Error {
  override readonly name = "DecodeError";
}

/** Reads what BinaryWriter wrote; every length is checked before anything is allocated. */
export class BinaryReader {
  readonly #bytes: Uint8Array;
  readonly #view: DataView;
  #offset = 0;

  constructor(bytes: Uint8Array) {
    this.#bytes = bytes;
    this.#view = new DataView(bytes.buffer, bytes.byteOffset, bytes.byteLength);
  }

  get remaining(): number {
    return this.#bytes.length - this.#offset;
  }

  u8(): number {
    return this.#view.getUint8(this.#take(1));
  }

  u16(): number {
    return this.#view.getUint16(this.#take(2));
  }

  u32(): number {
    return this.#view.getUint32(this.#take(4));
  }

  u64(): number {
    const value = this.#view.getBigUint64(this.#take(8));
    if (value > BigInt(Number.MAX_SAFE_INTEGER))
      throw new DecodeError(`got the integer ${value}, allowed: up to ${Number.MAX_SAFE_INTEGER}`);
    return Number(value);
  }

  raw(length: number): Uint8Array {
    const start = this.#take(length);
    // A copy also of a Buffer, whose slice() would share its memory.
    return new Uint8Array(this.#bytes.subarray(start, start + length));
  }

  /** A byte string of at most `limit` bytes. */
  bytes(limit: number): Uint8Array {
    const length = this.u32();
    if (length > limit) throw new DecodeError(`got ${length} bytes, allowed: up to ${limit}`);
    return this.raw(length);
  }

  /** A text of at most `limit` bytes of valid UTF-8. */
  text(limit: number): string {
    try {
      return decoder.decode(this.bytes(limit));
    } catch (error) {
      if (error instanceof DecodeError) throw error;
      throw new DecodeError("got a text that is not UTF-8");
    }
  }

  /** Refuses bytes behind the end. */
  finish(): void {
    if (this.remaining > 0) throw new DecodeError(`got ${this.remaining} bytes behind the end`);
  }

  #take(length: number): number {
    if (length > this.remaining)
      throw new DecodeError(`got ${this.remaining} bytes, needed: ${length}`);
    const start = this.#offset;
    this.#offset += length;
    return start;
  }
}

function checked(value: number, limit: number): number {
  if (!Number.isSafeInteger(value) || value < 0 || value > limit)
    throw new RangeError(`got ${value}, allowed: an integer from 0 to ${limit}`);
  return value;
}
