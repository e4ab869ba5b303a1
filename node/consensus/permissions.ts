import type { Round } from "./round.ts";
import type { VoteName } from "./status.ts";

/**
 * What one key may still sign in a view, given what it signed before. Two rules carry safety, and
 * bind the key across crashes: at most one proposal notarized per view, and never both nullify and
 * finalize in one view.
 */

/** After which view votes of each kind may be made; votes made before stay as they are. */
export type VoteFloors = Readonly<Record<VoteName, number>>;

/** The proposal was verified, was never contradicted, and neither notarize nor nullify was sent. */
export function mayNotarize(round: Round, current: number): boolean {
  return (
    round.own.notarize === undefined &&
    round.own.nullify === undefined &&
    round.status === "verified" &&
    round.view <= current + 1
  );
}

/** The view is current and finalize was never sent; a reason to give it up is checked elsewhere. */
export function mayNullify(round: Round, current: number): boolean {
  return (
    round.view === current && round.own.nullify === undefined && round.own.finalize === undefined
  );
}

/** Notarized by a quorum, certified here, and nullify was never sent. */
export function mayFinalize(round: Round, lastFinalized: number): boolean {
  return (
    round.own.finalize === undefined &&
    round.own.nullify === undefined &&
    round.view > lastFinalized &&
    round.certificates.notarization !== undefined &&
    round.certify === "true" &&
    round.proposal !== undefined &&
    round.status !== "equivocated"
  );
}

/**
 * Floors for the votes of an incarnation, from the highest views its key ever signed. A journal
 * restored from an old copy lacks votes up to there, so nothing new is signed at or below them.
 */
export function floorsAfterRestart(highest: VoteFloors): VoteFloors {
  const exclusive = Math.max(highest.nullify, highest.finalize);
  return { notarize: highest.notarize, nullify: exclusive, finalize: exclusive };
}

/** The higher of two floors, kind by kind. */
export function raiseFloors(floors: VoteFloors, view: number): VoteFloors {
  return {
    notarize: Math.max(floors.notarize, view),
    nullify: Math.max(floors.nullify, view),
    finalize: Math.max(floors.finalize, view),
  };
}
