import type { Simplex } from "./simplex.ts";

/** Certificates of a view that are missing here. */
export interface CertificateNeed {
  readonly view: number;
  /** Index of the leader whose proposal rests on them, which must have them. */
  readonly leader: number | undefined;
}

/** Needs named at once. */
const LIMIT = 8;

/**
 * Which certificates to ask others for, computed afresh from what is held, so that a useless answer
 * never counts as settled: the nullifications between the certified floor and the current view, the
 * way out of a view whose block failed certification, and the ancestry of waiting proposals.
 */
export function neededCertificates(simplex: Simplex): CertificateNeed[] {
  const { rounds, current } = simplex;
  const needs = new Map<number, number | undefined>();
  for (const view of [current, current + 1]) {
    const round = rounds.get(view);
    if (round?.proposal === undefined || round.status !== "unverified") continue;
    if (round.verification !== undefined || view <= rounds.lastFinalized) continue;
    const ancestry = rounds.ancestryOf(round.proposal);
    if (ancestry.status !== "pending") continue;
    for (const missing of ancestry.missing) needs.set(missing, round.leader);
  }
  for (const view of rounds.unexplained(current)) if (!needs.has(view)) needs.set(view, undefined);
  const { certify, certificates } = rounds.get(current) ?? {};
  if (certify === "false" && certificates?.nullification === undefined)
    needs.set(current, undefined);
  return [...needs].slice(0, LIMIT).map(([view, leader]) => ({ view, leader }));
}
