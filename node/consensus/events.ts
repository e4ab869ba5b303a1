import type { Evidence } from "./evidence.ts";
import type { Certificate, Proposal, Vote } from "./messages.ts";
import type { BlockContext, JournalRecord } from "./ports.ts";
import type { CertificateName, TimeoutReason } from "./status.ts";

/** What happens to the state machine. Time comes with each event. */
export type ConsensusEvent =
  /** From an authenticated peer, which must be the validator `from`. */
  | { readonly type: "vote"; readonly from: number; readonly vote: Vote }
  /** An own vote, after it became durable. */
  | { readonly type: "own-vote"; readonly vote: Vote }
  /** Not verified yet; `peer` sent it, and is that validator if it is one. */
  | {
      readonly type: "certificate";
      readonly peer: string;
      readonly from: number | undefined;
      readonly certificate: Certificate;
    }
  /** A deadline may have passed. */
  | { readonly type: "tick" }
  /** The application built a block, or declined. */
  | { readonly type: "proposed"; readonly view: number; readonly payload: Uint8Array | undefined }
  /** The application's verdict on a proposal on top of that parent. */
  | {
      readonly type: "verified";
      readonly proposal: Proposal;
      readonly parentPayload: Uint8Array;
      readonly valid: boolean;
    }
  /** The application's verdict on a notarized block. */
  | { readonly type: "certified"; readonly proposal: Proposal; readonly valid: boolean }
  /** After a lost journal: votes are safe again in views above this one. */
  | { readonly type: "recovered"; readonly view: number };

/** What the shell must do, in order, after the step's records are durable. */
export type Action =
  /** Send to every validator, and hand back as an `own-vote` event. */
  | { readonly type: "send-vote"; readonly vote: Vote }
  /** Finalizations concern everyone, the others the validators. */
  | { readonly type: "send-certificate"; readonly certificate: Certificate }
  | { readonly type: "propose"; readonly context: BlockContext }
  | {
      readonly type: "verify";
      readonly context: BlockContext;
      readonly proposal: Proposal;
    }
  | { readonly type: "certify"; readonly proposal: Proposal; readonly leader: number }
  /** The newest finalization: this block and all its ancestors are final. */
  | {
      readonly type: "finalized";
      readonly certificate: Certificate;
      readonly proposal: Proposal;
      readonly latencyMs: number | undefined;
    }
  | { readonly type: "forward"; readonly payload: Uint8Array; readonly to: readonly number[] }
  | { readonly type: "entered"; readonly view: number; readonly leader: number }
  | { readonly type: "timed-out"; readonly view: number; readonly reason: TimeoutReason }
  | {
      readonly type: "gained";
      readonly view: number;
      readonly kind: CertificateName;
      readonly formed: boolean;
    }
  | { readonly type: "block"; readonly peer: string; readonly reason: string }
  | { readonly type: "evidence"; readonly evidence: Evidence }
  /** Journal entries and unfinalized blocks below this view are not needed any more. */
  | { readonly type: "prune"; readonly below: number };

/** The outcome of one event. */
export interface Step {
  readonly records: readonly JournalRecord[];
  readonly actions: readonly Action[];
}
