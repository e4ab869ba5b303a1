import { BinaryReader, BinaryWriter, DecodeError } from "../formats/binary.ts";
import { DIGEST_BYTES } from "../formats/bytes.ts";
import {
  type Certificate,
  decodeCertificate,
  decodeVote,
  encodeVote,
  largestCertificateBytes,
  type Vote,
} from "./messages.ts";
import type { JournalRecord } from "./ports.ts";

/** What survives a crash, one entry of the journal each. */
export type DurableFact =
  | { readonly type: "own-vote"; readonly vote: Vote }
  | { readonly type: "certificate"; readonly certificate: Certificate }
  /** The verdict on a notarized block. */
  | {
      readonly type: "certified";
      readonly view: number;
      readonly payload: Uint8Array;
      readonly valid: boolean;
    }
  /** The journal was lost although the key had been used: silent until a `vote-above` follows. */
  | { readonly type: "silent" }
  /** Votes are allowed again, in views above this one only. */
  | { readonly type: "vote-above"; readonly view: number };

const types = ["own-vote", "certificate", "certified", "silent", "vote-above"] as const;
/** View of the entries that are never pruned. */
const FOR_EVER = Number.MAX_SAFE_INTEGER;
const MAX_VOTE_BYTES = 256;

/** u8 type, then the fact: votes and certificates behind their length. */
export function encodeFact(fact: DurableFact): JournalRecord {
  const writer = new BinaryWriter().u8(types.indexOf(fact.type));
  switch (fact.type) {
    case "own-vote": {
      const { kind, view } = fact.vote.statement;
      return { view, bytes: writer.bytes(encodeVote(fact.vote)).finish(), signed: kind };
    }
    case "certificate": {
      const { bytes, statement } = fact.certificate;
      return { view: statement.view, bytes: writer.bytes(bytes).finish() };
    }
    case "certified": {
      const { view, payload, valid } = fact;
      return {
        view,
        bytes: writer
          .u64(view)
          .raw(payload)
          .u8(valid ? 1 : 0)
          .finish(),
      };
    }
    case "silent":
      return { view: FOR_EVER, bytes: writer.finish() };
    case "vote-above":
      return { view: FOR_EVER, bytes: writer.u64(fact.view).finish() };
  }
}

/** @throws DecodeError for a damaged record: the node must not start with half a memory */
export function decodeFact(bytes: Uint8Array, validators: number): DurableFact {
  const reader = new BinaryReader(bytes);
  const fact = readFact(reader, validators);
  reader.finish();
  return fact;
}

function readFact(reader: BinaryReader, validators: number): DurableFact {
  const code = reader.u8();
  const type = types[code];
  switch (type) {
    case "own-vote":
      return { type, vote: decodeVote(reader.bytes(MAX_VOTE_BYTES)) };
    case "certificate": {
      const encoded = reader.bytes(largestCertificateBytes(validators));
      return { type, certificate: decodeCertificate(encoded, validators) };
    }
    case "certified": {
      const view = reader.u64();
      const payload = reader.raw(DIGEST_BYTES);
      const valid = reader.u8();
      if (valid > 1) throw new DecodeError(`got verdict ${valid}, allowed: 0 or 1`);
      return { type, view, payload, valid: valid === 1 };
    }
    case "silent":
      return { type };
    case "vote-above":
      return { type, view: reader.u64() };
    default:
      throw new DecodeError(`got record type ${code}, allowed: 0 to ${types.length - 1}`);
  }
}
