import {
  createPrivateKey,
  createPublicKey,
  type KeyObject,
  randomBytes,
  sign,
  verify,
} from "node:crypto";
import { ed25519 } from "@noble/curves/ed25519.js";
import { toHex } from "./bytes.ts";

/**
 * Ed25519 as every part of Guts uses it: one acceptance rule for votes, certificates, evidence and
 * transactions. Libraries differ on malformed points (RFC 8032 section 8.9, ZIP 215), and nodes that
 * differ could split a chain, so the rule is spelled out here:
 *
 * 1. once per key, `checkPublicKey`: canonical encoding, not of small order, torsion-free;
 * 2. per signature: 64 bytes, S below the group order, R not one of the 14 small-order encodings;
 * 3. then OpenSSL decides (cofactorless, RFC 8032 section 5.1.7).
 */
export const PUBLIC_KEY_BYTES = 32;
export const SEED_BYTES = 32;
export const SIGNATURE_BYTES = 64;

/** Order of the base point, RFC 8032 section 5.1: 2^252 + 27742317777372353535851937790883648493. */
const GROUP_ORDER = 2n ** 252n + 27742317777372353535851937790883648493n;
const FIELD_PRIME = 2n ** 255n - 19n;
const PKCS8_PREFIX = Buffer.from("302e020100300506032b657004220420", "hex");
const SPKI_PREFIX = Buffer.from("302a300506032b6570032100", "hex");

const smallOrder = new Set(smallOrderEncodings());

/** The 14 encodings of the eight points of small order: either sign bit, and y + p where it fits. */
function smallOrderEncodings(): string[] {
  const y8 = 0x7a03ac9277fdc74ec6cc392cfa53202a0f67100d760b3cba4fd84d3d706a17c7n;
  const values = [0n, 1n, FIELD_PRIME - 1n, y8, FIELD_PRIME - y8, FIELD_PRIME, FIELD_PRIME + 1n];
  return values
    .flatMap((y) => [y, y | (1n << 255n)])
    .map((y) => {
      const bigEndian = Buffer.from(y.toString(16).padStart(64, "0"), "hex");
      return bigEndian.reverse().toString("hex");
    });
}

/** A private key with its public key; the seed never leaves it except through `seed()`. */
export class SigningKey {
  readonly publicKey: Uint8Array;
  readonly #seed: Uint8Array;
  readonly #key: KeyObject;

  /** @param seed 32 bytes, RFC 8032 section 5.1.5 */
  constructor(seed: Uint8Array) {
    if (seed.length !== SEED_BYTES)
      throw new RangeError(`got ${seed.length} bytes, allowed: exactly ${SEED_BYTES}`);
    // A copy: slice() of a Buffer would share its memory.
    this.#seed = new Uint8Array(seed);
    this.#key = createPrivateKey({
      key: Buffer.concat([PKCS8_PREFIX, seed]),
      format: "der",
      type: "pkcs8",
    });
    const spki = createPublicKey(this.#key).export({ format: "der", type: "spki" });
    this.publicKey = new Uint8Array(spki.subarray(SPKI_PREFIX.length));
  }

  static generate(): SigningKey {
    return new SigningKey(randomBytes(SEED_BYTES));
  }

  sign(message: Uint8Array): Uint8Array {
    return new Uint8Array(sign(null, message, this.#key));
  }

  /** A copy of the seed, for writing a key file or making a libp2p identity. */
  seed(): Uint8Array {
    return new Uint8Array(this.#seed);
  }

  /** Keeps the seed out of logs. */
  toJSON(): string {
    return `SigningKey(${toHex(this.publicKey)})`;
  }
}

/** A public key that passed `checkPublicKey`, ready for fast verification. */
export class VerifyingKey {
  readonly publicKey: Uint8Array;
  readonly hex: string;
  readonly #key: KeyObject;

  /** @throws RangeError when the key is not acceptable, see `publicKeyProblem` */
  constructor(publicKey: Uint8Array) {
    const problem = publicKeyProblem(publicKey);
    if (problem !== undefined) throw new RangeError(problem);
    this.publicKey = new Uint8Array(publicKey);
    this.hex = toHex(publicKey);
    this.#key = createPublicKey({
      key: Buffer.concat([SPKI_PREFIX, publicKey]),
      format: "der",
      type: "spki",
    });
  }

  verify(message: Uint8Array, signature: Uint8Array): boolean {
    return acceptableSignature(signature) && verify(null, message, this.#key, signature);
  }

  /** The same answer, computed on a thread of the pool. */
  verifyAsync(message: Uint8Array, signature: Uint8Array): Promise<boolean> {
    if (!acceptableSignature(signature)) return Promise.resolve(false);
    return new Promise((resolve, reject) => {
      verify(null, message, this.#key, signature, (error, valid) =>
        error ? reject(error) : resolve(valid),
      );
    });
  }
}

/**
 * What is wrong with a public key, if anything: RFC 8032 section 5.1.3 decoding, and no torsion.
 * Takes about a millisecond, so do it once per key.
 */
export function publicKeyProblem(publicKey: Uint8Array): string | undefined {
  if (publicKey.length !== PUBLIC_KEY_BYTES)
    return `got a public key of ${publicKey.length} bytes, allowed: exactly ${PUBLIC_KEY_BYTES}`;
  const hex = toHex(publicKey);
  if (smallOrder.has(hex)) return `got the public key ${hex}, which is of small order`;
  try {
    const point = ed25519.Point.fromBytes(publicKey, false);
    if (!point.isTorsionFree()) return `got the public key ${hex}, which is not torsion-free`;
  } catch {
    return `got the public key ${hex}, which is not the encoding of a point`;
  }
  return undefined;
}

function acceptableSignature(signature: Uint8Array): boolean {
  if (signature.length !== SIGNATURE_BYTES) return false;
  if (smallOrder.has(toHex(signature.subarray(0, 32)))) return false;
  // S < L. Every S below 2^252 passes at a glance; the rest is compared in full.
  const top = signature[63] as number;
  if (top < 0x10) return true;
  if (top > 0x10) return false;
  const s = BigInt(`0x${Buffer.from(signature.subarray(32)).reverse().toString("hex")}`);
  return s < GROUP_ORDER;
}
