import { BinaryReader, BinaryWriter, DecodeError } from "../formats/binary.ts";
import { DIGEST_BYTES } from "../formats/bytes.ts";
import type { FinalizedBlock } from "./ports.ts";

/** Questions that nodes ask each other: the certificate resolver and the block backfill. */
export type ConsensusRequest =
  /** Certificates that settle a view. */
  | { readonly type: "certificates"; readonly view: number }
  /** The newest certificates of all. */
  | { readonly type: "latest" }
  | { readonly type: "block"; readonly digest: Uint8Array }
  /** Finalized blocks from a height on, as many as fit. */
  | { readonly type: "range"; readonly from: number };

const types = ["certificates", "latest", "block", "range"] as const;
/** Certificates in one answer. */
export const MAX_CERTIFICATES = 4;
/** Blocks in one answer. */
export const MAX_RANGE_BLOCKS = 64;
/** Bytes of the blocks in one range answer; a single larger block is an answer of its own. */
export const RANGE_BYTES = 1_048_576;

/** u8 type, then the view, the digest or the height. */
export function encodeRequest(request: ConsensusRequest): Uint8Array {
  const writer = new BinaryWriter(1 + DIGEST_BYTES).u8(types.indexOf(request.type));
  if (request.type === "certificates") writer.u64(request.view);
  if (request.type === "block") writer.raw(request.digest);
  if (request.type === "range") writer.u64(request.from);
  return writer.finish();
}

/** @throws DecodeError */
export function decodeRequest(bytes: Uint8Array): ConsensusRequest {
  const reader = new BinaryReader(bytes);
  const request = readRequest(reader);
  reader.finish();
  return request;
}

function readRequest(reader: BinaryReader): ConsensusRequest {
  const code = reader.u8();
  const type = types[code];
  switch (type) {
    case "certificates":
      return { type, view: reader.u64() };
    case "latest":
      return { type };
    case "block":
      return { type, digest: reader.raw(DIGEST_BYTES) };
    case "range":
      return { type, from: reader.u64() };
    default:
      throw new DecodeError(`got request type ${code}, allowed: 0 to ${types.length - 1}`);
  }
}

/** u8 count, then each certificate behind its length. */
export function encodeCertificates(certificates: readonly Uint8Array[]): Uint8Array {
  const writer = new BinaryWriter().u8(certificates.length);
  for (const certificate of certificates) writer.bytes(certificate);
  return writer.finish();
}

/** @throws DecodeError */
export function decodeCertificates(bytes: Uint8Array, maxCertificateBytes: number): Uint8Array[] {
  const reader = new BinaryReader(bytes);
  const count = reader.u8();
  if (count > MAX_CERTIFICATES)
    throw new DecodeError(`got ${count} certificates, allowed: up to ${MAX_CERTIFICATES}`);
  const certificates = Array.from({ length: count }, () => reader.bytes(maxCertificateBytes));
  reader.finish();
  return certificates;
}

/** u8 count, then per block: certificate behind its length, digest it certifies, block behind its length. */
export function encodeRange(blocks: readonly FinalizedBlock[]): Uint8Array {
  const size = blocks.reduce((sum, { bytes }) => sum + bytes.length + 512, 1);
  const writer = new BinaryWriter(size).u8(blocks.length);
  for (const { certificate, certifies, bytes } of blocks)
    writer.bytes(certificate).raw(certifies).bytes(bytes);
  return writer.finish();
}

/** One block of a range answer; nothing about it is proven yet. */
export type RangeEntry = Omit<FinalizedBlock, "digest">;

/** @throws DecodeError */
export function decodeRange(
  bytes: Uint8Array,
  maxCertificateBytes: number,
  maxBlockBytes: number,
): RangeEntry[] {
  const reader = new BinaryReader(bytes);
  const count = reader.u8();
  if (count > MAX_RANGE_BLOCKS)
    throw new DecodeError(`got ${count} blocks, allowed: up to ${MAX_RANGE_BLOCKS}`);
  const entries = Array.from({ length: count }, () => ({
    certificate: reader.bytes(maxCertificateBytes),
    certifies: reader.raw(DIGEST_BYTES),
    bytes: reader.bytes(maxBlockBytes),
  }));
  reader.finish();
  return entries;
}
