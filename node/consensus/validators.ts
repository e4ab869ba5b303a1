import { BinaryWriter } from "../formats/binary.ts";
import { fromHex, sha256, toHex } from "../formats/bytes.ts";
import { PUBLIC_KEY_BYTES, VerifyingKey } from "../formats/ed25519.ts";
import type { SignatureScheme } from "./scheme.ts";

/**
 * Faults tolerated among equal validators: floor((n - 1) / 3).
 *
 * @throws RangeError when `validators` is not a positive integer
 */
export function maximumFaults(validators: number): number {
  if (!Number.isSafeInteger(validators) || validators < 1)
    throw new RangeError(`got ${validators} validators, allowed: an integer of 1 or more`);
  return Math.floor((validators - 1) / 3);
}

/**
 * Votes that decide among equal validators: n - f. Two quorums overlap in more than f.
 *
 * @throws RangeError when `validators` is not a positive integer
 */
export function quorumSize(validators: number): number {
  return validators - maximumFaults(validators);
}

/** The validators of one epoch, indexed by their position in ascending order of public key. */
export class ValidatorSet {
  readonly epoch = 0;
  /** Public keys in ascending order, 64 lower-case hexadecimal digits each. */
  readonly keys: readonly string[];
  readonly size: number;
  readonly faults: number;
  readonly quorum: number;
  readonly genesisHash: Uint8Array;
  readonly #indices: ReadonlyMap<string, number>;
  readonly #turns: readonly number[];

  /**
   * @param publicKeys in any order
   * @param genesisHash 32 bytes; seeds the order of leaders
   */
  constructor(publicKeys: readonly string[], genesisHash: Uint8Array) {
    this.keys = [...publicKeys].sort();
    this.size = this.keys.length;
    this.faults = maximumFaults(this.size);
    this.quorum = quorumSize(this.size);
    this.genesisHash = genesisHash;
    this.#indices = new Map(this.keys.map((key, index) => [key, index]));
    if (this.#indices.size !== this.size) throw new RangeError("got the same validator key twice");
    this.#turns = leaderOrder(this.size, genesisHash);
  }

  /** Undefined for a key that is no validator's. */
  indexOf(publicKey: string): number | undefined {
    return this.#indices.get(publicKey);
  }

  /** @throws RangeError for an index that no validator has */
  keyAt(index: number): string {
    const key = this.keys[index];
    if (key === undefined) throw new RangeError(`got validator ${index} of ${this.size}`);
    return key;
  }

  /** Round robin, so at most f bad leaders in a row, and every validator leads once in n views. */
  leader(view: number): number {
    return this.#turns[(this.epoch + view) % this.size] as number;
  }
}

/** A permutation that nobody can choose after the genesis: indices sorted by SHA-256(seed, index). */
function leaderOrder(size: number, seed: Uint8Array): number[] {
  const ranked = Array.from({ length: size }, (_, index) => ({
    index,
    rank: toHex(sha256(new BinaryWriter().raw(seed).u16(index).finish())),
  }));
  return ranked.sort((a, b) => (a.rank < b.rank ? -1 : 1)).map(({ index }) => index);
}

/** Ed25519 by the rule of `formats/ed25519.ts`, with one prepared key per validator. */
export function ed25519Scheme(validators: ValidatorSet): SignatureScheme {
  const keys = validators.keys.map((key) => new VerifyingKey(fromHex(key, PUBLIC_KEY_BYTES)));
  return {
    verify: (signer, message, signature) => keys[signer]?.verify(message, signature) ?? false,
  };
}
