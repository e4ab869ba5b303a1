import { BinaryReader, BinaryWriter, DecodeError } from "../formats/binary.ts";
import { DIGEST_BYTES, equalBytes, sha256, toHex } from "../formats/bytes.ts";
import { hashPair, type PackedDigest, packedHash, unpack } from "./hash.ts";
import { MAX_TRANSACTION_BYTES } from "./transaction.ts";

/** What a block says of itself. Digests are 32 bytes, SHA-256. */
export interface BlockHeader {
  readonly genesisHash: Uint8Array;
  readonly epoch: number;
  readonly view: number;
  /** Index among the validators sorted by public key. */
  readonly leader: number;
  readonly parentView: number;
  readonly parentDigest: Uint8Array;
  readonly height: number;
  /** Unix time in milliseconds. */
  readonly timestampMs: number;
  readonly transactionRoot: Uint8Array;
  /** State root after this block. */
  readonly stateRoot: Uint8Array;
  readonly transactionCount: number;
}

/** A decoded block with its bytes and the SHA-256 of them. */
export interface Block {
  readonly header: BlockHeader;
  /** Encoded transactions. */
  readonly transactions: readonly Uint8Array[];
  readonly bytes: Uint8Array;
  readonly digest: Uint8Array;
  /** The digest in hexadecimal. */
  readonly id: string;
}

const VERSION = 1;

/** Bytes of an encoded header; the transactions follow it. */
export const HEADER_BYTES = 2 + 4 * DIGEST_BYTES + 5 * 8 + 2 + 4;

/** Bytes a transaction takes in a block, beyond its own. */
export const TRANSACTION_OVERHEAD_BYTES = 4;

/**
 * Encodes a block. In this order, integers big-endian: version u16, genesis hash, epoch u64, view
 * u64, leader u16, parent view u64, parent digest, height u64, timestamp u64, transaction root,
 * state root, transaction count u32; then every transaction behind its length as u32.
 */
export function encodeBlock(header: BlockHeader, transactions: readonly Uint8Array[]): Block {
  const size = transactions.reduce(
    (sum, { length }) => sum + TRANSACTION_OVERHEAD_BYTES + length,
    HEADER_BYTES,
  );
  const writer = new BinaryWriter(size)
    .u16(VERSION)
    .raw(header.genesisHash)
    .u64(header.epoch)
    .u64(header.view)
    .u16(header.leader)
    .u64(header.parentView)
    .raw(header.parentDigest)
    .u64(header.height)
    .u64(header.timestampMs)
    .raw(header.transactionRoot)
    .raw(header.stateRoot)
    .u32(header.transactionCount);
  for (const transaction of transactions) writer.bytes(transaction);
  return blockOf(header, transactions, writer.finish());
}

/** @throws DecodeError when the bytes are not exactly one encoded block */
export function decodeBlock(bytes: Uint8Array): Block {
  const header = decodeHeader(bytes);
  const reader = new BinaryReader(bytes);
  reader.raw(HEADER_BYTES);
  // Each takes at least its length, so a count that cannot fit is refused before it is believed.
  if (header.transactionCount * TRANSACTION_OVERHEAD_BYTES > reader.remaining)
    throw new DecodeError(`got ${header.transactionCount} transactions in ${bytes.length} bytes`);
  const transactions: Uint8Array[] = [];
  for (let i = 0; i < header.transactionCount; i++)
    transactions.push(reader.bytes(MAX_TRANSACTION_BYTES));
  reader.finish();
  return blockOf(header, transactions, bytes);
}

/** Reads the header in front of a block. @throws DecodeError */
export function decodeHeader(bytes: Uint8Array): BlockHeader {
  const reader = new BinaryReader(bytes);
  const version = reader.u16();
  if (version !== VERSION) throw new DecodeError(`got block version ${version}, allowed: 1`);
  return {
    genesisHash: reader.raw(DIGEST_BYTES),
    epoch: reader.u64(),
    view: reader.u64(),
    leader: reader.u16(),
    parentView: reader.u64(),
    parentDigest: reader.raw(DIGEST_BYTES),
    height: reader.u64(),
    timestampMs: reader.u64(),
    transactionRoot: reader.raw(DIGEST_BYTES),
    stateRoot: reader.raw(DIGEST_BYTES),
    transactionCount: reader.u32(),
  };
}

/** The block of height 0 and view 0. The same genesis gives the same block everywhere. */
export function genesisBlock(genesisHash: Uint8Array, stateRoot: Uint8Array): Block {
  const header = {
    genesisHash,
    epoch: 0,
    view: 0,
    leader: 0,
    parentView: 0,
    parentDigest: new Uint8Array(DIGEST_BYTES),
    height: 0,
    timestampMs: 0,
    transactionRoot: transactionRoot([]),
    stateRoot,
    transactionCount: 0,
  };
  return encodeBlock(header, []);
}

/**
 * Merkle root over encoded transactions, built as in RFC 9162 section 2.1.1: leaves are hashed
 * behind 0, inner nodes behind 1, and no transactions give the hash of nothing.
 */
export function transactionRoot(transactions: readonly Uint8Array[]): Uint8Array {
  const leaves = transactions.map((bytes) => {
    const leaf = Buffer.allocUnsafe(bytes.length + 1);
    leaf[0] = 0;
    leaf.set(bytes, 1);
    return packedHash(leaf);
  });
  return unpack(leaves.length === 0 ? packedHash(new Uint8Array()) : subtree(leaves));
}

function subtree(leaves: readonly PackedDigest[]): PackedDigest {
  if (leaves.length === 1) return leaves[0] as PackedDigest;
  const left = 2 ** (Math.ceil(Math.log2(leaves.length)) - 1);
  return hashPair([1], subtree(leaves.slice(0, left)), subtree(leaves.slice(left)));
}

export function hasTransactionRoot({ header, transactions }: Block): boolean {
  return equalBytes(header.transactionRoot, transactionRoot(transactions));
}

function blockOf(
  header: BlockHeader,
  transactions: readonly Uint8Array[],
  bytes: Uint8Array,
): Block {
  const digest = sha256(bytes);
  return { header, transactions, bytes, digest, id: toHex(digest) };
}
