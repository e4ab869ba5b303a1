import { BinaryReader, BinaryWriter, DecodeError } from "../formats/binary.ts";
import { DIGEST_BYTES, fromHex, toHex } from "../formats/bytes.ts";
import {
  PUBLIC_KEY_BYTES,
  SIGNATURE_BYTES,
  type SigningKey,
  VerifyingKey,
} from "../formats/ed25519.ts";
import { formatEndpoint, parseEndpoint } from "./endpoints.ts";

/** Where a node says it can be dialed; signed by it, for one chain, newer by a larger sequence. */
export interface PeerRecord {
  /** 64 lower-case hexadecimal digits. */
  readonly publicKey: string;
  /** Unix time in milliseconds of the signing. */
  readonly sequence: number;
  /** Multiaddrs without peer id. */
  readonly addresses: readonly string[];
}

export const MAX_RECORD_ADDRESSES = 8;
const MAX_ADDRESS_BYTES = 256;
const DOMAIN = new TextEncoder().encode("guts peer record 1\0");

/** Domain, genesis hash, and the record: a record of one chain says nothing on another. */
function signedBytes(body: Uint8Array, genesisHash: string): Uint8Array {
  return new BinaryWriter().raw(DOMAIN).raw(fromHex(genesisHash, DIGEST_BYTES)).raw(body).finish();
}

export function signPeerRecord(
  key: SigningKey,
  genesisHash: string,
  record: { readonly sequence: number; readonly addresses: readonly string[] },
): Uint8Array {
  const writer = new BinaryWriter().raw(key.publicKey).u64(record.sequence);
  const addresses = record.addresses.slice(0, MAX_RECORD_ADDRESSES);
  writer.u8(addresses.length);
  for (const address of addresses) writer.text(address);
  const body = writer.finish();
  return new BinaryWriter()
    .raw(body)
    .raw(key.sign(signedBytes(body, genesisHash)))
    .finish();
}

/** Reads a record without checking its signature. @throws DecodeError */
export function decodePeerRecord(bytes: Uint8Array): PeerRecord {
  const reader = new BinaryReader(bytes);
  const publicKey = toHex(reader.raw(PUBLIC_KEY_BYTES));
  const sequence = reader.u64();
  const count = reader.u8();
  if (count > MAX_RECORD_ADDRESSES)
    throw new DecodeError(`got ${count} addresses, allowed: up to ${MAX_RECORD_ADDRESSES}`);
  const addresses = Array.from({ length: count }, () => {
    const address = reader.text(MAX_ADDRESS_BYTES);
    try {
      return formatEndpoint(parseEndpoint(address));
    } catch (error) {
      throw new DecodeError((error as Error).message);
    }
  });
  reader.raw(SIGNATURE_BYTES);
  reader.finish();
  return { publicKey, sequence, addresses };
}

/** Whether the key of the record signed it for this chain. */
export function verifyPeerRecord(bytes: Uint8Array, genesisHash: string): boolean {
  const body = bytes.subarray(0, bytes.length - SIGNATURE_BYTES);
  try {
    const key = new VerifyingKey(bytes.subarray(0, PUBLIC_KEY_BYTES));
    return key.verify(signedBytes(body, genesisHash), bytes.subarray(body.length));
  } catch {
    return false;
  }
}

/** Messages of `/guts/peers/1`. */
export type PeersMessage =
  { readonly kind: "ask" } | { readonly kind: "records"; readonly records: readonly Uint8Array[] };

export const MAX_RECORDS_PER_MESSAGE = 32;
const MAX_RECORD_BYTES = 4096;
const MESSAGE_BUDGET_BYTES = 60 * 1024;
const ASK = 1;
const RECORDS = 2;

/** Records beyond the caps are left out. */
export function encodePeers(message: PeersMessage): Uint8Array {
  if (message.kind === "ask") return Uint8Array.of(ASK);
  const kept: Uint8Array[] = [];
  let size = 0;
  for (const record of message.records.slice(0, MAX_RECORDS_PER_MESSAGE)) {
    size += record.length + 4;
    if (size > MESSAGE_BUDGET_BYTES) break;
    kept.push(record);
  }
  const writer = new BinaryWriter(size + 2).u8(RECORDS).u8(kept.length);
  for (const record of kept) writer.bytes(record);
  return writer.finish();
}

/** @throws DecodeError */
export function decodePeers(bytes: Uint8Array): PeersMessage {
  const reader = new BinaryReader(bytes);
  const kind = reader.u8();
  if (kind === ASK) {
    reader.finish();
    return { kind: "ask" };
  }
  if (kind !== RECORDS) throw new DecodeError(`got a peers message of kind ${kind}`);
  const count = reader.u8();
  if (count > MAX_RECORDS_PER_MESSAGE)
    throw new DecodeError(`got ${count} records, allowed: up to ${MAX_RECORDS_PER_MESSAGE}`);
  const records = Array.from({ length: count }, () => reader.bytes(MAX_RECORD_BYTES));
  reader.finish();
  return { kind: "records", records };
}
