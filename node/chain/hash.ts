import { hash } from "node:crypto";
import { DIGEST_BYTES } from "../formats/bytes.ts";

/**
 * SHA-256 digests inside the Merkle trees are kept as strings of one character per byte: they take
 * a third of the memory of a Uint8Array, and making one takes a third of the time.
 */
export type PackedDigest = string;

export function packedHash(data: Uint8Array): PackedDigest {
  return hash("sha256", data, "binary");
}

export function pack(bytes: Uint8Array): string {
  return Buffer.from(bytes.buffer, bytes.byteOffset, bytes.byteLength).toString("latin1");
}

export function unpack(packed: string): Uint8Array {
  return new Uint8Array(Buffer.from(packed, "latin1"));
}

const scratch = Buffer.alloc(2 + 2 * DIGEST_BYTES);

/** SHA-256 of some head bytes and two digests. */
export function hashPair(head: readonly number[], a: PackedDigest, b: PackedDigest): PackedDigest {
  let offset = 0;
  for (const byte of head) offset = scratch.writeUInt8(byte, offset);
  offset += scratch.write(a, offset, "latin1");
  offset += scratch.write(b, offset, "latin1");
  return hash("sha256", scratch.subarray(0, offset), "binary");
}
