import type { Simplex } from "./simplex.ts";
import type { ConsensusStatus } from "./status.ts";
import type { ValidatorSet } from "./validators.ts";

export interface SnapshotOptions {
  readonly simplex: Simplex;
  readonly validators: ValidatorSet;
  readonly self: number | undefined;
  readonly building: boolean;
  readonly catchingUp: boolean;
  readonly deliveredHeight: number;
  readonly now: number;
}

/** Consensus of this moment, for the API. */
export function describeStatus(options: SnapshotOptions): ConsensusStatus {
  const { simplex, validators, self, now } = options;
  const leader = validators.leader(simplex.current);
  return {
    epoch: validators.epoch,
    view: simplex.current,
    lastFinalizedView: simplex.rounds.lastFinalized,
    deliveredHeight: options.deliveredHeight,
    leader,
    isLeader: leader === self,
    mode: self === undefined ? "observing" : simplex.silent ? "recovering" : "voting",
    phase: phaseOf(options),
    catchingUp: options.catchingUp,
    validatorIndex: self,
    validatorCount: validators.size,
    quorum: validators.quorum,
    faultsTolerated: validators.faults,
    validators: validators.keys.map((publicKey, index) => {
      const seen = index === self ? now : simplex.activity.lastSeen(index);
      return {
        publicKey,
        index,
        lastSeenMs: seen === undefined ? undefined : now - seen,
        active: simplex.activity.active(index, now),
      };
    }),
  };
}

/** The same before consensus was started. */
export function idleStatus(
  validators: ValidatorSet,
  self: number | undefined,
  deliveredHeight: number,
): ConsensusStatus {
  return {
    epoch: validators.epoch,
    view: 0,
    lastFinalizedView: 0,
    deliveredHeight,
    leader: validators.leader(0),
    isLeader: false,
    mode: self === undefined ? "observing" : "voting",
    phase: "waiting-for-proposal",
    catchingUp: false,
    validatorIndex: self,
    validatorCount: validators.size,
    quorum: validators.quorum,
    faultsTolerated: validators.faults,
    validators: validators.keys.map((publicKey, index) => ({
      publicKey,
      index,
      lastSeenMs: undefined,
      active: false,
    })),
  };
}

function phaseOf({ simplex, building }: SnapshotOptions): ConsensusStatus["phase"] {
  const round = simplex.rounds.get(simplex.current);
  if (round === undefined) return "waiting-for-proposal";
  if (round.timeout !== undefined || round.own.nullify !== undefined) return "timed-out";
  if (round.certify === "outstanding") return "certifying";
  if (round.own.notarize !== undefined) return "voting";
  if (building) return "proposing";
  return round.proposal === undefined ? "waiting-for-proposal" : "verifying";
}
