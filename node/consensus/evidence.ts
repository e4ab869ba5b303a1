import { BinaryReader, BinaryWriter } from "../formats/binary.ts";
import {
  decodeVote,
  encodeVote,
  sameProposal,
  signBytes,
  type Statement,
  type Vote,
} from "./messages.ts";
import type { SignatureScheme } from "./scheme.ts";

export type EvidenceKind = "conflicting-notarize" | "conflicting-finalize" | "nullify-finalize";

/** Two votes that no honest validator signs both, provable to anyone who knows the genesis. */
export interface Evidence {
  readonly kind: EvidenceKind;
  readonly signer: number;
  readonly view: number;
  readonly first: Vote;
  readonly second: Vote;
}

const MAX_VOTE_BYTES = 256;

/**
 * Which rule two statements of one signer break together. Notarize and nullify in one view is
 * legal; the same payload under another parent view is still another proposal.
 */
export function conflictOf(a: Statement, b: Statement): EvidenceKind | undefined {
  if (a.view !== b.view || a.epoch !== b.epoch) return undefined;
  if (a.kind === "nullify" || b.kind === "nullify")
    return a.kind === "finalize" || b.kind === "finalize" ? "nullify-finalize" : undefined;
  if (a.kind !== b.kind || sameProposal(a.proposal, b.proposal)) return undefined;
  return a.kind === "notarize" ? "conflicting-notarize" : "conflicting-finalize";
}

/** The two votes, each behind its length. */
export function encodeEvidence({ first, second }: Evidence): Uint8Array {
  return new BinaryWriter().bytes(encodeVote(first)).bytes(encodeVote(second)).finish();
}

/**
 * Reads evidence and checks it: same signer and round, truly conflicting, both signatures valid.
 *
 * @returns undefined when it proves nothing
 * @throws DecodeError when the bytes are no two votes
 */
export function verifyEvidence(
  bytes: Uint8Array,
  genesisHash: Uint8Array,
  scheme: SignatureScheme,
): Evidence | undefined {
  const reader = new BinaryReader(bytes);
  const first = decodeVote(reader.bytes(MAX_VOTE_BYTES));
  const second = decodeVote(reader.bytes(MAX_VOTE_BYTES));
  reader.finish();
  const kind = conflictOf(first.statement, second.statement);
  if (kind === undefined || first.signer !== second.signer) return undefined;
  for (const { statement, signer, signature } of [first, second])
    if (!scheme.verify(signer, signBytes(genesisHash, statement), signature)) return undefined;
  return { kind, signer: first.signer, view: first.statement.view, first, second };
}
