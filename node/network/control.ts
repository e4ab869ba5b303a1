import { BinaryReader, BinaryWriter, DecodeError } from "../formats/binary.ts";
import { DIGEST_BYTES, fromHex, toHex } from "../formats/bytes.ts";
import type { Role } from "./ports.ts";

/**
 * Messages of `/guts/hello/1`, the stream that every connection has first. The dialer opens it; each
 * side says hello and answers the other's with welcome or a refusal; later it carries pings. Noise,
 * or TLS for QUIC, has proven by then that the sender holds the key of its peer id, so a hello needs
 * no signature of its own.
 */
export type ControlMessage =
  | ({ readonly kind: "hello" } & Hello)
  | { readonly kind: "welcome" }
  | { readonly kind: "refusal"; readonly code: RefusalCode; readonly reason: string }
  | { readonly kind: "ping" | "pong"; readonly nonce: number; readonly height: number };

export interface Hello {
  readonly genesisHash: string;
  readonly protocolVersion: number;
  readonly nodeVersion: string;
  readonly role: Role;
  readonly height: number;
  /** Random per start: tells a peer that came back from one that dialed twice. */
  readonly instance: string;
}

export const refusalCodes = [
  "other-chain",
  "other-protocol",
  "not-a-validator",
  "too-many-peers",
  "banned",
] as const;
export type RefusalCode = (typeof refusalCodes)[number];

export const INSTANCE_BYTES = 8;
const FORMAT = 1;
const HELLO = 1;
const REFUSAL = 2;
const PING = 3;
const PONG = 4;
const WELCOME = 5;
const VERSION_BYTES = 64;
const REASON_BYTES = 1024;

export function encodeControl(message: ControlMessage): Uint8Array {
  const writer = new BinaryWriter();
  switch (message.kind) {
    case "hello":
      return writer
        .u8(HELLO)
        .u8(FORMAT)
        .raw(fromHex(message.genesisHash, DIGEST_BYTES))
        .u32(message.protocolVersion)
        .u8(message.role === "validator" ? 1 : 0)
        .u64(message.height)
        .raw(fromHex(message.instance, INSTANCE_BYTES))
        .text(message.nodeVersion)
        .finish();
    case "welcome":
      return writer.u8(WELCOME).finish();
    case "refusal":
      return writer
        .u8(REFUSAL)
        .u8(refusalCodes.indexOf(message.code))
        .text(message.reason)
        .finish();
    case "ping":
    case "pong":
      return writer
        .u8(message.kind === "ping" ? PING : PONG)
        .u32(message.nonce)
        .u64(message.height)
        .finish();
  }
}

/** @throws DecodeError */
export function decodeControl(bytes: Uint8Array): ControlMessage {
  const reader = new BinaryReader(bytes);
  const kind = reader.u8();
  const message = decodeBody(kind, reader);
  reader.finish();
  return message;
}

function decodeBody(kind: number, reader: BinaryReader): ControlMessage {
  switch (kind) {
    case HELLO:
      return { kind: "hello", ...decodeHello(reader) };
    case REFUSAL: {
      const code = refusalCodes[reader.u8()];
      if (code === undefined) throw new DecodeError("got an unknown code of refusal");
      return { kind: "refusal", code, reason: reader.text(REASON_BYTES) };
    }
    case WELCOME:
      return { kind: "welcome" };
    case PING:
    case PONG:
      return {
        kind: kind === PING ? "ping" : "pong",
        nonce: reader.u32(),
        height: reader.u64(),
      };
    default:
      throw new DecodeError(`got a control message of kind ${kind}, allowed: 1 to 5`);
  }
}

function decodeHello(reader: BinaryReader): Hello {
  const format = reader.u8();
  if (format !== FORMAT) throw new DecodeError(`got hello format ${format}, allowed: ${FORMAT}`);
  return {
    genesisHash: toHex(reader.raw(DIGEST_BYTES)),
    protocolVersion: reader.u32(),
    role: reader.u8() === 1 ? "validator" : "full",
    height: reader.u64(),
    instance: toHex(reader.raw(INSTANCE_BYTES)),
    nodeVersion: reader.text(VERSION_BYTES),
  };
}

export interface Refusal {
  readonly code: RefusalCode;
  readonly reason: string;
}

/** Why this node would not talk to the sender of a hello, if so; the text is sent to it. */
export function judgeHello(
  hello: Hello,
  own: { readonly genesisHash: string; readonly protocolVersion: number },
  senderIsGenesisKey: boolean,
): Refusal | undefined {
  if (hello.genesisHash !== own.genesisHash)
    return {
      code: "other-chain",
      reason: `got genesis hash ${hello.genesisHash}, allowed: ${own.genesisHash}`,
    };
  if (hello.protocolVersion !== own.protocolVersion)
    return {
      code: "other-protocol",
      reason: `got protocol version ${hello.protocolVersion}, allowed: ${own.protocolVersion}`,
    };
  if (hello.role === "validator" && !senderIsGenesisKey)
    return {
      code: "not-a-validator",
      reason: "got the role validator, allowed: full, because the key is not in the genesis",
    };
  return undefined;
}
