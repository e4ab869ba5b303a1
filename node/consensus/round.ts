import type { Certificate, Proposal, Vote } from "./messages.ts";
import type { CertificateName, TimeoutReason, VoteName } from "./status.ts";
import type { VoteCollector } from "./votes.ts";

/**
 * Where a view's proposal stands. `equivocated`: there were two, so the own notarize and finalize
 * votes are withheld for good.
 */
export type ProposalStatus = "none" | "unverified" | "verified" | "equivocated";

/** Where the local certification of a notarized block stands. `aborted`: a finalization overtook it. */
export type CertifyStatus = "idle" | "outstanding" | "true" | "false" | "aborted";

/** A verification under way: its verdict counts only for the same proposal on the same parent. */
export interface VerificationRequest {
  readonly proposal: Proposal;
  readonly parentPayload: Uint8Array;
}

/** What is known of one view. Plain data; the rules are in simplex.ts. */
export interface Round {
  readonly view: number;
  readonly leader: number;
  readonly votes: VoteCollector;
  proposal: Proposal | undefined;
  status: ProposalStatus;
  /** When the proposal was first seen here. */
  proposedAt: number | undefined;
  /** View of the parent that the application was asked to build on: one request per view. */
  buildingOn: number | undefined;
  verification: VerificationRequest | undefined;
  readonly certificates: Partial<Record<CertificateName, Certificate>>;
  /** Certificates that were sent once, or restored after having been sent. */
  readonly relayed: Set<CertificateName>;
  /** Own votes, over all incarnations of this node that shared the journal. */
  readonly own: Partial<Record<VoteName, Vote>>;
  certify: CertifyStatus;
  /** When the view was entered here. */
  enteredAt: number | undefined;
  leaderDeadline: number | undefined;
  certificationDeadline: number | undefined;
  retryDeadline: number | undefined;
  /** When the certified block is sent again to those who did not vote for it. */
  forwardDeadline: number | undefined;
  /** Latched: the first reason wins. */
  timeout: TimeoutReason | undefined;
}

export function createRound(view: number, leader: number, votes: VoteCollector): Round {
  return {
    view,
    leader,
    votes,
    proposal: undefined,
    status: "none",
    proposedAt: undefined,
    buildingOn: undefined,
    verification: undefined,
    certificates: {},
    relayed: new Set(),
    own: {},
    certify: "idle",
    enteredAt: undefined,
    leaderDeadline: undefined,
    certificationDeadline: undefined,
    retryDeadline: undefined,
    forwardDeadline: undefined,
    timeout: undefined,
  };
}
