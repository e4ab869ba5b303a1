import type { Certificate, Proposal } from "./messages.ts";
import { proposalOf } from "./messages.ts";
import { createRound, type Round } from "./round.ts";
import type { SignatureScheme } from "./scheme.ts";
import type { ValidatorSet } from "./validators.ts";
import { VoteCollector } from "./votes.ts";

/** A parent to build or verify on. */
export interface Parent {
  readonly view: number;
  readonly payload: Uint8Array;
}

/** What stands between a proposal and its verification. */
export type Ancestry =
  | { readonly status: "ready"; readonly parent: Parent }
  /** Certificates that are missing: of the parent's view, and nullifications of skipped views. */
  | { readonly status: "pending"; readonly missing: readonly number[] }
  | { readonly status: "invalid"; readonly reason: string };

/** Missing certificates named at once; the others follow when these are here. */
const MISSING_LIMIT = 8;

/** All views that are remembered, and what their certificates say about ancestry. */
export class Rounds {
  readonly validators: ValidatorSet;
  readonly #scheme: SignatureScheme;
  readonly #genesisDigest: Uint8Array;
  readonly #rounds = new Map<number, Round>();
  #lastFinalized = 0;
  #lastFinalization: Certificate | undefined;
  /** Highest view that is final or certified here. */
  #certifiedFloor = 0;
  #lowest = 1;

  constructor(validators: ValidatorSet, scheme: SignatureScheme, genesisDigest: Uint8Array) {
    this.validators = validators;
    this.#scheme = scheme;
    this.#genesisDigest = genesisDigest;
  }

  get lastFinalized(): number {
    return this.#lastFinalized;
  }

  get lastFinalization(): Certificate | undefined {
    return this.#lastFinalization;
  }

  get certifiedFloor(): number {
    return this.#certifiedFloor;
  }

  get size(): number {
    return this.#rounds.size;
  }

  [Symbol.iterator](): Iterator<Round> {
    return this.#rounds.values();
  }

  get(view: number): Round | undefined {
    return this.#rounds.get(view);
  }

  open(view: number): Round {
    const known = this.#rounds.get(view);
    if (known !== undefined) return known;
    const votes = new VoteCollector(this.validators, this.#scheme);
    const round = createRound(view, this.validators.leader(view), votes);
    this.#rounds.set(view, round);
    return round;
  }

  /** Records a finalization; false when a newer or the same view was final before. */
  finalized(certificate: Certificate): boolean {
    const { view } = certificate.statement;
    this.#certifiedFloor = Math.max(this.#certifiedFloor, view);
    if (view <= this.#lastFinalized) return false;
    this.#lastFinalized = view;
    this.#lastFinalization = certificate;
    return true;
  }

  certified(view: number): void {
    this.#certifiedFloor = Math.max(this.#certifiedFloor, view);
  }

  /** Forgets the views below `view`; returns whether there was anything to forget. */
  prune(view: number): boolean {
    if (view <= this.#lowest) return false;
    for (const known of this.#rounds.keys()) if (known < view) this.#rounds.delete(known);
    this.#lowest = view;
    return true;
  }

  /** The payload that may be built upon in a view: genesis, final, or notarized and certified. */
  certifiedPayload(view: number): Uint8Array | undefined {
    if (view === 0) return this.#genesisDigest;
    const round = this.#rounds.get(view);
    if (round === undefined) return undefined;
    const { finalization, notarization } = round.certificates;
    const proof = finalization ?? (round.certify === "true" ? notarization : undefined);
    return proof && proposalOf(proof.statement)?.payload;
  }

  /** The best parent for a new block in `view`, or the nullifications that are missing to use it. */
  selectParent(view: number): Ancestry {
    for (let candidate = view - 1; candidate >= this.#lastFinalized; candidate--) {
      const payload = this.certifiedPayload(candidate);
      if (payload === undefined) continue;
      const missing = this.#missingNullifications(candidate, view);
      if (missing.length > 0) return { status: "pending", missing };
      return { status: "ready", parent: { view: candidate, payload } };
    }
    return { status: "pending", missing: [this.#lastFinalized] };
  }

  /**
   * Whether a proposal may be verified. A notarization of a view that it skips, or a nullification
   * of the view that it builds on, is no reason to refuse it: both are legal, and refusing would let
   * two halves of the network wait for each other for ever.
   */
  ancestryOf({ view, parentView }: Proposal): Ancestry {
    if (parentView >= view)
      return { status: "invalid", reason: `parent view ${parentView} is not below view ${view}` };
    if (parentView < this.#lastFinalized)
      return { status: "invalid", reason: `parent view ${parentView} is below the finalized view` };
    const missing = this.#missingNullifications(parentView, view);
    const payload = this.certifiedPayload(parentView);
    const notarized = this.#rounds.get(parentView)?.certificates.notarization !== undefined;
    // A notarized parent waits for its certification, not for a certificate.
    if (payload === undefined && !notarized) missing.push(parentView);
    if (payload === undefined || missing.length > 0) return { status: "pending", missing };
    return { status: "ready", parent: { view: parentView, payload } };
  }

  #missingNullifications(parent: number, view: number): number[] {
    const missing: number[] = [];
    for (let skipped = parent + 1; skipped < view && missing.length < MISSING_LIMIT; skipped++)
      if (this.#rounds.get(skipped)?.certificates.nullification === undefined)
        missing.push(skipped);
    return missing;
  }

  /** Views between the certified floor and `current` without a nullification, lowest first. */
  unexplained(current: number): number[] {
    return this.#missingNullifications(this.#certifiedFloor, current);
  }

  /** The best proof that view - 1 is over: what brings another node into `view`. */
  entryCertificate(view: number): Certificate | undefined {
    const { finalization, nullification, notarization } =
      this.#rounds.get(view - 1)?.certificates ?? {};
    return finalization ?? nullification ?? notarization;
  }

  /**
   * The certificates that settle `view` for another node. A notarization is served only after it
   * was certified here.
   */
  serve(view: number): Certificate[] {
    if (this.#lastFinalization !== undefined && this.#lastFinalized >= view)
      return [this.#lastFinalization];
    const round = this.#rounds.get(view);
    const found: Certificate[] = [];
    const { notarization, nullification } = round?.certificates ?? {};
    if (notarization !== undefined && round?.certify === "true") found.push(notarization);
    if (nullification !== undefined) found.push(nullification);
    if (found.length > 0 || this.#certifiedFloor < view) return found;
    const floor = this.#rounds.get(this.#certifiedFloor)?.certificates;
    const proof = floor?.finalization ?? floor?.notarization;
    return proof === undefined ? [] : [proof];
  }
}
