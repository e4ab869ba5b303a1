import { hash, randomBytes } from "node:crypto";
import { BinaryReader, BinaryWriter, DecodeError } from "../formats/binary.ts";
import { DIGEST_BYTES } from "../formats/bytes.ts";
import { PUBLIC_KEY_BYTES, SIGNATURE_BYTES, type SigningKey } from "../formats/ed25519.ts";
import {
  ACCOUNT_NAME_BYTES,
  BRANCH_BYTES,
  DESCRIPTION_BYTES,
  REPOSITORY_NAME_BYTES,
} from "./names.ts";

/** What a transaction does. Public keys are 32 bytes. */
export type Payload =
  | { readonly kind: "create-account"; readonly name: string; readonly publicKey: Uint8Array }
  | { readonly kind: "add-key"; readonly publicKey: Uint8Array }
  | { readonly kind: "remove-key"; readonly publicKey: Uint8Array }
  | {
      readonly kind: "create-repository";
      readonly owner: string;
      readonly name: string;
      readonly description: string;
      readonly private: boolean;
      readonly objectFormat: "sha1" | "sha256";
      readonly defaultBranch: string;
    }
  | {
      readonly kind: "set-repository";
      readonly owner: string;
      readonly name: string;
      /** Left as it is when undefined; at least one of the three is set. */
      readonly description?: string;
      readonly private?: boolean;
      readonly defaultBranch?: string;
    };

export type PayloadKind = Payload["kind"];

/** What is signed, but for the chain. */
export interface TransactionBody {
  /** Who acts. */
  readonly account: string;
  /** Key of that account that signs. */
  readonly publicKey: Uint8Array;
  /** Random, 16 bytes: makes two equal wishes two transactions. */
  readonly nonce: Uint8Array;
  /** Height of the last block it may be in. */
  readonly expiryHeight: number;
  readonly payload: Payload;
}

export interface Transaction extends TransactionBody {
  /** SHA-256 of the signed bytes, hexadecimal. The signature is not part of it. */
  readonly id: string;
  readonly signature: Uint8Array;
  /** The signed bytes. */
  readonly message: Uint8Array;
  /** The whole encoding. */
  readonly bytes: Uint8Array;
  /** Whether the chain tag in it is that of the chain it was decoded for. */
  readonly ofThisChain: boolean;
}

/** No transaction is longer. */
export const MAX_TRANSACTION_BYTES = 4096;
/** A transaction may expire at most so many blocks after the one it is in. */
export const MAX_LIFETIME_BLOCKS = 7200;
export const NONCE_BYTES = 16;

const VERSION = 1;
const DOMAIN = Buffer.from("guts/transaction/v1");
const CHAIN_TAG_BYTES = 4;
const kinds: readonly PayloadKind[] = [
  "create-account",
  "add-key",
  "remove-key",
  "create-repository",
  "set-repository",
];
const objectFormats = ["sha1", "sha256"] as const;

/** @param lifetimeBlocks how many blocks after `height` it may still be included in */
export function newBody(
  account: string,
  publicKey: Uint8Array,
  payload: Payload,
  { height, lifetimeBlocks }: { readonly height: number; readonly lifetimeBlocks: number },
): TransactionBody {
  const nonce = new Uint8Array(randomBytes(NONCE_BYTES));
  return { account, publicKey, nonce, expiryHeight: height + lifetimeBlocks, payload };
}

/** Signs a body for the chain with this genesis hash (32 bytes). */
export function signTransaction(
  body: TransactionBody,
  key: SigningKey,
  genesisHash: Uint8Array,
): Transaction {
  const encoded = encodeBody(body, genesisHash);
  const signature = key.sign(signedBytes(encoded, genesisHash));
  const bytes = new BinaryWriter(encoded.length + SIGNATURE_BYTES)
    .raw(encoded)
    .raw(signature)
    .finish();
  return decodeTransaction(bytes, genesisHash);
}

/**
 * Reads one encoded transaction: the body and the signature behind it. The body is version u8,
 * kind u8, the first 4 bytes of the genesis hash, account, public key, nonce, expiry height u64
 * and the payload; texts behind their length as u32.
 *
 * @throws DecodeError when the bytes are not exactly one encoded transaction
 */
export function decodeTransaction(bytes: Uint8Array, genesisHash: Uint8Array): Transaction {
  if (bytes.length > MAX_TRANSACTION_BYTES)
    throw new DecodeError(
      `got a transaction of ${bytes.length} bytes, allowed: up to ${MAX_TRANSACTION_BYTES}`,
    );
  const reader = new BinaryReader(bytes);
  const version = reader.u8();
  if (version !== VERSION) throw new DecodeError(`got transaction version ${version}, allowed: 1`);
  const kind = kinds[reader.u8() - 1];
  const tag = reader.raw(CHAIN_TAG_BYTES);
  const account = reader.text(ACCOUNT_NAME_BYTES);
  const publicKey = reader.raw(PUBLIC_KEY_BYTES);
  const nonce = reader.raw(NONCE_BYTES);
  const expiryHeight = reader.u64();
  const payload = decodePayload(reader, kind);
  const signature = reader.raw(SIGNATURE_BYTES);
  reader.finish();
  const message = signedBytes(bytes.subarray(0, bytes.length - SIGNATURE_BYTES), genesisHash);
  return {
    id: hash("sha256", message, "hex"),
    account,
    publicKey,
    nonce,
    expiryHeight,
    payload,
    signature,
    message,
    bytes,
    ofThisChain: tag.every((byte, i) => byte === genesisHash[i]),
  };
}

/** The length and text of the domain, the genesis hash, and the body. */
function signedBytes(body: Uint8Array, genesisHash: Uint8Array): Uint8Array {
  const head = 1 + DOMAIN.length + DIGEST_BYTES;
  const message = new Uint8Array(head + body.length);
  message[0] = DOMAIN.length;
  message.set(DOMAIN, 1);
  message.set(genesisHash, 1 + DOMAIN.length);
  message.set(body, head);
  return message;
}

function encodeBody(body: TransactionBody, genesisHash: Uint8Array): Uint8Array {
  const writer = new BinaryWriter(512)
    .u8(VERSION)
    .u8(kinds.indexOf(body.payload.kind) + 1)
    .raw(genesisHash.subarray(0, CHAIN_TAG_BYTES))
    .text(body.account)
    .raw(exactly(body.publicKey, PUBLIC_KEY_BYTES))
    .raw(exactly(body.nonce, NONCE_BYTES))
    .u64(body.expiryHeight);
  encodePayload(writer, body.payload);
  return writer.finish();
}

function encodePayload(writer: BinaryWriter, payload: Payload): void {
  switch (payload.kind) {
    case "create-account":
      writer.text(payload.name).raw(exactly(payload.publicKey, PUBLIC_KEY_BYTES));
      return;
    case "add-key":
    case "remove-key":
      writer.raw(exactly(payload.publicKey, PUBLIC_KEY_BYTES));
      return;
    case "create-repository":
      writer
        .text(payload.owner)
        .text(payload.name)
        .text(payload.description)
        .u8(payload.private ? 1 : 0)
        .u8(objectFormats.indexOf(payload.objectFormat) + 1)
        .text(payload.defaultBranch);
      return;
    case "set-repository": {
      const { description, private: isPrivate, defaultBranch } = payload;
      writer.text(payload.owner).text(payload.name);
      writer.u8(
        (description === undefined ? 0 : 1) |
          (isPrivate === undefined ? 0 : 2) |
          (defaultBranch === undefined ? 0 : 4),
      );
      if (description !== undefined) writer.text(description);
      if (isPrivate !== undefined) writer.u8(isPrivate ? 1 : 0);
      if (defaultBranch !== undefined) writer.text(defaultBranch);
      return;
    }
  }
}

function decodePayload(reader: BinaryReader, kind: PayloadKind | undefined): Payload {
  switch (kind) {
    case "create-account":
      return {
        kind,
        name: reader.text(ACCOUNT_NAME_BYTES),
        publicKey: reader.raw(PUBLIC_KEY_BYTES),
      };
    case "add-key":
    case "remove-key":
      return { kind, publicKey: reader.raw(PUBLIC_KEY_BYTES) };
    case "create-repository":
      return {
        kind,
        owner: reader.text(ACCOUNT_NAME_BYTES),
        name: reader.text(REPOSITORY_NAME_BYTES),
        description: reader.text(DESCRIPTION_BYTES),
        private: flag(reader.u8()),
        objectFormat: objectFormat(reader.u8()),
        defaultBranch: reader.text(BRANCH_BYTES),
      };
    case "set-repository": {
      const owner = reader.text(ACCOUNT_NAME_BYTES);
      const name = reader.text(REPOSITORY_NAME_BYTES);
      const set = reader.u8();
      if (set < 1 || set > 7) throw new DecodeError(`got the change ${set}, allowed: 1 to 7`);
      return {
        kind,
        owner,
        name,
        ...(set & 1 && { description: reader.text(DESCRIPTION_BYTES) }),
        ...(set & 2 && { private: flag(reader.u8()) }),
        ...(set & 4 && { defaultBranch: reader.text(BRANCH_BYTES) }),
      };
    }
    case undefined:
      throw new DecodeError(`got an unknown kind of transaction, allowed: ${kinds.join(", ")}`);
  }
}

function flag(value: number): boolean {
  if (value > 1) throw new DecodeError(`got the flag ${value}, allowed: 0 or 1`);
  return value === 1;
}

function objectFormat(value: number): "sha1" | "sha256" {
  const format = objectFormats[value - 1];
  if (format === undefined)
    throw new DecodeError(`got the object format ${value}, allowed: 1 or 2`);
  return format;
}

function exactly(bytes: Uint8Array, length: number): Uint8Array {
  if (bytes.length !== length)
    throw new RangeError(`got ${bytes.length} bytes, allowed: exactly ${length}`);
  return bytes;
}
