import { BinaryReader, BinaryWriter, DecodeError } from "../formats/binary.ts";
import { DIGEST_BYTES, equalBytes } from "../formats/bytes.ts";
import { SIGNATURE_BYTES } from "../formats/ed25519.ts";
import type { CertificateName, VoteName } from "./status.ts";

/** What a leader proposes for one view. The parent's digest follows from its view. */
export interface Proposal {
  readonly epoch: number;
  /** From 1; view 0 is the genesis block. */
  readonly view: number;
  readonly parentView: number;
  /** SHA-256 of the block's canonical encoding. */
  readonly payload: Uint8Array;
}

/** What a vote or a certificate says. */
export type Statement =
  | {
      readonly kind: "notarize" | "finalize";
      readonly epoch: number;
      readonly view: number;
      readonly proposal: Proposal;
    }
  | { readonly kind: "nullify"; readonly epoch: number; readonly view: number };

/** One validator's signature under a statement. */
export interface Vote {
  readonly statement: Statement;
  readonly signer: number;
  readonly signature: Uint8Array;
}

/** A quorum's signatures under one statement. */
export interface Certificate {
  readonly statement: Statement;
  /** Ascending, each below the number of validators. */
  readonly signers: readonly number[];
  /** In the order of `signers`. */
  readonly signatures: readonly Uint8Array[];
  /** The encoding it was made of or read from. */
  readonly bytes: Uint8Array;
}

const kinds = ["notarize", "nullify", "finalize"] as const;
const certificateNames: Record<VoteName, CertificateName> = {
  notarize: "notarization",
  nullify: "nullification",
  finalize: "finalization",
};
const DOMAIN = "guts/simplex/v1/";
const PROPOSAL_BYTES = 24 + DIGEST_BYTES;

export function certificateName(statement: Statement): CertificateName {
  return certificateNames[statement.kind];
}

export function sameProposal(a: Proposal, b: Proposal): boolean {
  return (
    a.view === b.view &&
    a.parentView === b.parentView &&
    a.epoch === b.epoch &&
    equalBytes(a.payload, b.payload)
  );
}

export function notarize(proposal: Proposal): Statement {
  return { kind: "notarize", epoch: proposal.epoch, view: proposal.view, proposal };
}

export function finalize(proposal: Proposal): Statement {
  return { kind: "finalize", epoch: proposal.epoch, view: proposal.view, proposal };
}

export function nullify(epoch: number, view: number): Statement {
  return { kind: "nullify", epoch, view };
}

/** The proposal that a notarize or finalize statement is about. */
export function proposalOf(statement: Statement): Proposal | undefined {
  return statement.kind === "nullify" ? undefined : statement.proposal;
}

export function sameStatement(a: Statement, b: Statement): boolean {
  if (a.kind === "nullify" || b.kind === "nullify")
    return a.kind === b.kind && a.view === b.view && a.epoch === b.epoch;
  return a.kind === b.kind && sameProposal(a.proposal, b.proposal);
}

/**
 * The bytes that a signature covers: u8 length of the domain, the domain, the genesis hash, the
 * body. The domain keeps one kind of vote from passing as another; the genesis hash binds the chain.
 */
export function signBytes(genesisHash: Uint8Array, statement: Statement): Uint8Array {
  const domain = DOMAIN + statement.kind;
  const writer = new BinaryWriter(1 + domain.length + DIGEST_BYTES + PROPOSAL_BYTES);
  writer.u8(domain.length).raw(new TextEncoder().encode(domain)).raw(genesisHash);
  writeBody(writer, statement);
  return writer.finish();
}

/** u8 kind, body, u16 signer, signature. */
export function encodeVote({ statement, signer, signature }: Vote): Uint8Array {
  const writer = new BinaryWriter(3 + PROPOSAL_BYTES + SIGNATURE_BYTES);
  writer.u8(kinds.indexOf(statement.kind));
  writeBody(writer, statement);
  return writer.u16(signer).raw(signature).finish();
}

/** @throws DecodeError */
export function decodeVote(bytes: Uint8Array): Vote {
  const reader = new BinaryReader(bytes);
  const statement = readStatement(reader);
  const signer = reader.u16();
  const signature = reader.raw(SIGNATURE_BYTES);
  reader.finish();
  return { statement, signer, signature };
}

/**
 * u8 kind, body, bitmap of ceil(n / 8) bytes (validator i is bit i mod 8 of byte i div 8), and the
 * signatures in ascending order of index.
 *
 * @param votes for one statement, in ascending order of signer
 * @param validators n
 */
export function assembleCertificate(
  statement: Statement,
  votes: readonly Pick<Vote, "signer" | "signature">[],
  validators: number,
): Certificate {
  const bitmap = new Uint8Array(Math.ceil(validators / 8));
  for (const { signer } of votes) bitmap[signer >> 3]! |= 1 << (signer & 7);
  const writer = new BinaryWriter(
    1 + PROPOSAL_BYTES + bitmap.length + votes.length * SIGNATURE_BYTES,
  );
  writer.u8(kinds.indexOf(statement.kind));
  writeBody(writer, statement);
  writer.raw(bitmap);
  for (const { signature } of votes) writer.raw(signature);
  return {
    statement,
    signers: votes.map(({ signer }) => signer),
    signatures: votes.map(({ signature }) => signature),
    bytes: writer.finish(),
  };
}

/**
 * Reads a certificate of a set of n validators; says nothing about its signatures.
 *
 * @throws DecodeError also for stray bits behind validator n - 1
 */
export function decodeCertificate(bytes: Uint8Array, validators: number): Certificate {
  const reader = new BinaryReader(bytes);
  const statement = readStatement(reader);
  const bitmap = reader.raw(Math.ceil(validators / 8));
  const signers: number[] = [];
  for (let index = 0; index < bitmap.length * 8; index++)
    if (bitmap[index >> 3]! & (1 << (index & 7))) signers.push(index);
  if (signers.length > 0 && signers.at(-1)! >= validators)
    throw new DecodeError(`got signer ${signers.at(-1)}, allowed: below ${validators}`);
  const signatures = signers.map(() => reader.raw(SIGNATURE_BYTES));
  reader.finish();
  return { statement, signers, signatures, bytes };
}

function writeBody(writer: BinaryWriter, statement: Statement): void {
  writer.u64(statement.epoch).u64(statement.view);
  if (statement.kind !== "nullify")
    writer.u64(statement.proposal.parentView).raw(statement.proposal.payload);
}

function readStatement(reader: BinaryReader): Statement {
  const code = reader.u8();
  const kind = kinds[code];
  if (kind === undefined) throw new DecodeError(`got kind ${code}, allowed: 0 to 2`);
  const epoch = reader.u64();
  const view = reader.u64();
  if (view === 0) throw new DecodeError("got view 0, allowed: from 1");
  if (kind === "nullify") return { kind, epoch, view };
  const proposal = { epoch, view, parentView: reader.u64(), payload: reader.raw(DIGEST_BYTES) };
  return { kind, epoch, view, proposal };
}

/** Bytes of the largest certificate of n validators. */
export function largestCertificateBytes(validators: number): number {
  return 1 + PROPOSAL_BYTES + Math.ceil(validators / 8) + validators * SIGNATURE_BYTES;
}
