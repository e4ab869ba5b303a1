import { equalBytes } from "../formats/bytes.ts";
import { conflictOf, type Evidence } from "./evidence.ts";
import {
  assembleCertificate,
  type Certificate,
  sameStatement,
  signBytes,
  type Statement,
  type Vote,
} from "./messages.ts";
import type { SignatureScheme } from "./scheme.ts";
import type { VoteName } from "./status.ts";
import type { ValidatorSet } from "./validators.ts";

interface Slot {
  readonly vote: Vote;
  verified: boolean;
}

export type Admission =
  | { readonly status: "stored" | "duplicate" }
  | { readonly status: "offence"; readonly reason: string; readonly evidence?: Evidence };

/**
 * The votes of one view: at most one per kind and signer, so its memory is bounded. Signatures are
 * checked only when they can complete a quorum, which is safe because every vote comes from its
 * signer over an authenticated connection.
 */
export class VoteCollector {
  readonly #validators: ValidatorSet;
  readonly #scheme: SignatureScheme;
  readonly #slots: Record<VoteName, (Slot | undefined)[]> = {
    notarize: [],
    nullify: [],
    finalize: [],
  };

  constructor(validators: ValidatorSet, scheme: SignatureScheme) {
    this.#validators = validators;
    this.#scheme = scheme;
  }

  get(kind: VoteName, signer: number): Vote | undefined {
    return this.#slots[kind][signer]?.vote;
  }

  /** @param own whether the vote was signed here, so that its signature need not be checked */
  add(vote: Vote, own: boolean): Admission {
    const { statement, signer } = vote;
    const slots = this.#slots[statement.kind];
    const slot = slots[signer];
    if (slot !== undefined && sameStatement(slot.vote.statement, statement)) {
      if (equalBytes(slot.vote.signature, vote.signature)) return { status: "duplicate" };
      return { status: "offence", reason: "two signatures under one statement" };
    }
    const conflict = this.#conflict(vote);
    if (conflict !== undefined) return this.#judge(conflict, vote);
    slots[signer] = { vote, verified: own };
    return { status: "stored" };
  }

  /**
   * A certificate for the statement, if a quorum of votes for it is here and valid. Stops checking
   * at the quorum. `offenders` signed badly; their votes are dropped.
   */
  certify(statement: Statement): { certificate?: Certificate; offenders: number[] } {
    const slots = this.#slots[statement.kind];
    const { quorum, size, genesisHash } = this.#validators;
    const offenders: number[] = [];
    const matching = slots.filter(
      (slot) => slot !== undefined && sameStatement(slot.vote.statement, statement),
    ) as Slot[];
    if (matching.length < quorum) return { offenders };
    const chosen = matching.filter(({ verified }) => verified);
    const message = signBytes(genesisHash, statement);
    for (const slot of matching) {
      if (chosen.length >= quorum) break;
      if (slot.verified) continue;
      const { signer, signature } = slot.vote;
      slot.verified = this.#scheme.verify(signer, message, signature);
      if (slot.verified) chosen.push(slot);
      else {
        slots[signer] = undefined;
        offenders.push(signer);
      }
    }
    if (chosen.length < quorum) return { offenders };
    const votes = chosen.map(({ vote }) => vote).sort((a, b) => a.signer - b.signer);
    return { certificate: assembleCertificate(statement, votes, size), offenders };
  }

  /** Whether this very signature under the statement was checked already. */
  verified(statement: Statement, signer: number, signature: Uint8Array): boolean {
    const slot = this.#slots[statement.kind][signer];
    return (
      slot?.verified === true &&
      equalBytes(slot.vote.signature, signature) &&
      sameStatement(slot.vote.statement, statement)
    );
  }

  /** Proof against signers of a valid certificate whose votes here contradict it. */
  contradictions({ statement, signers, signatures }: Certificate): Evidence[] {
    const found: Evidence[] = [];
    for (const [position, signer] of signers.entries()) {
      const vote = { statement, signer, signature: signatures[position]! };
      const slot = this.#conflict(vote);
      if (slot === undefined || !this.#valid(slot)) continue;
      found.push(evidenceOf(slot.vote, vote));
    }
    return found;
  }

  #conflict({ statement, signer }: Vote): Slot | undefined {
    const candidates: VoteName[] =
      statement.kind === "finalize"
        ? ["finalize", "nullify"]
        : statement.kind === "nullify"
          ? ["finalize"]
          : ["notarize"];
    for (const kind of candidates) {
      const slot = this.#slots[kind][signer];
      if (slot !== undefined && conflictOf(slot.vote.statement, statement) !== undefined)
        return slot;
    }
    return undefined;
  }

  /** Two contradicting votes came over the signer's own connection: an offence, provable or not. */
  #judge(slot: Slot, vote: Vote): Admission {
    const reason = `contradicting ${slot.vote.statement.kind} and ${vote.statement.kind} votes`;
    if (!this.#valid(slot) || !this.#valid({ vote, verified: false }))
      return { status: "offence", reason };
    return { status: "offence", reason, evidence: evidenceOf(slot.vote, vote) };
  }

  #valid(slot: Slot): boolean {
    const { statement, signer, signature } = slot.vote;
    slot.verified ||= this.#scheme.verify(
      signer,
      signBytes(this.#validators.genesisHash, statement),
      signature,
    );
    return slot.verified;
  }
}

function evidenceOf(first: Vote, second: Vote): Evidence {
  const kind = conflictOf(first.statement, second.statement);
  if (kind === undefined) throw new TypeError("got two votes that do not contradict");
  return { kind, signer: first.signer, view: first.statement.view, first, second };
}
