import { closeSync, fsyncSync, openSync, readSync, writeSync, constants } from "node:fs";
import { BinaryReader, BinaryWriter } from "../formats/binary.ts";
import { equalBytes, sha256 } from "../formats/bytes.ts";
import { guarded } from "./errors.ts";

/** Highest view in which a vote of each kind was signed; 0 before the first. */
export interface SignedViews {
  readonly notarize: number;
  readonly nullify: number;
  readonly finalize: number;
}

const CHECKSUM_BYTES = 16;
const SLOT_BYTES = 4 * 8 + CHECKSUM_BYTES;

/**
 * A copy of the signed views outside of the journal's database, so that a journal that was lost
 * or replaced by an older copy is noticed.
 *
 * It is written after the journal's commit and not synced on its own: a copy that lags behind
 * after a power failure is harmless, and a second sync would double the cost of every vote. Two
 * slots are written in turn, so that a torn write leaves the one before.
 */
export class VoteGuard {
  readonly #path: string;
  readonly #descriptor: number;
  #sequence = 0;
  #views: SignedViews = { notarize: 0, nullify: 0, finalize: 0 };
  #damaged = false;

  /** @throws StorageError */
  constructor(path: string) {
    this.#path = path;
    this.#descriptor = guarded(path, () =>
      openSync(path, constants.O_RDWR | constants.O_CREAT, 0o600),
    );
    this.#load();
  }

  get views(): SignedViews {
    return this.#views;
  }

  /** Whether there is something in the file and none of it can be read. */
  get damaged(): boolean {
    return this.#damaged;
  }

  save(views: SignedViews): void {
    this.#sequence += 1;
    this.#views = views;
    this.#damaged = false;
    const body = new BinaryWriter(SLOT_BYTES)
      .u64(this.#sequence)
      .u64(views.notarize)
      .u64(views.nullify)
      .u64(views.finalize)
      .finish();
    const slot = Buffer.concat([body, checksum(body)]);
    const offset = (this.#sequence % 2) * SLOT_BYTES;
    guarded(this.#path, () => writeSync(this.#descriptor, slot, 0, SLOT_BYTES, offset));
  }

  close(): void {
    guarded(this.#path, () => {
      fsyncSync(this.#descriptor);
      closeSync(this.#descriptor);
    });
  }

  #load(): void {
    const content = Buffer.alloc(2 * SLOT_BYTES);
    const length = guarded(this.#path, () =>
      readSync(this.#descriptor, content, 0, content.length, 0),
    );
    let found = 0;
    for (const offset of [0, SLOT_BYTES]) {
      const slot = new Uint8Array(content.subarray(offset, offset + SLOT_BYTES));
      const body = slot.subarray(0, SLOT_BYTES - CHECKSUM_BYTES);
      if (!equalBytes(slot.subarray(body.length), checksum(body))) continue;
      found += 1;
      const reader = new BinaryReader(body);
      const sequence = reader.u64();
      if (sequence <= this.#sequence) continue;
      this.#sequence = sequence;
      this.#views = { notarize: reader.u64(), nullify: reader.u64(), finalize: reader.u64() };
    }
    this.#damaged = length > 0 && found === 0;
  }
}

function checksum(body: Uint8Array): Uint8Array {
  return sha256(body).subarray(0, CHECKSUM_BYTES);
}
