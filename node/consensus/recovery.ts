import type { Certificate } from "./messages.ts";
import type { DurableFact } from "./records.ts";
import type { Journal } from "./ports.ts";
import type { VoteName } from "./status.ts";
import type { ValidatorSet } from "./validators.ts";

/** From this many validators on, the others can prove to one of them what it may have signed. */
const SMALLEST_RECOVERABLE = 4;
/** The lost incarnation was at most this many views ahead of what a quorum's best certificate shows. */
const SAFETY_VIEWS = 2;

/** The node must not vote with this journal, and cannot find out by itself when it may. */
export class JournalLostError extends Error {
  override readonly name = "JournalLostError";
}

/** What the journal says about votes of this key that it does not contain. */
export function journalIsStale(journal: Journal, facts: readonly DurableFact[]): boolean {
  const replayed: Record<VoteName, number> = { notarize: 0, nullify: 0, finalize: 0 };
  for (const fact of facts) {
    if (fact.type !== "own-vote") continue;
    const { kind, view } = fact.vote.statement;
    replayed[kind] = Math.max(replayed[kind], view);
  }
  const { highestSigned, floor } = journal;
  return (["notarize", "nullify", "finalize"] as const).some(
    (kind) => highestSigned[kind] > replayed[kind] && highestSigned[kind] >= floor,
  );
}

/** @throws JournalLostError when the set is too small to recover in */
export function checkRecoverable(validators: ValidatorSet): void {
  if (validators.size >= SMALLEST_RECOVERABLE) return;
  throw new JournalLostError(
    `the journal of votes is missing or older than the votes of this key, and ${validators.size} validators cannot tell what it signed; restore the data directory, or begin a new chain`,
  );
}

/**
 * When a validator that lost its journal may vote again. A quorum of others says which certificates
 * it holds; V0 is the highest view among them. The certificate that let the lost incarnation into
 * its last view W was signed by honest validators that held one for W - 2 or later, and the quorum
 * asked includes one of them, so V0 >= W - 2. Voting starts above a certificate of V0 + 2 or later.
 */
export class Recovery {
  readonly #validators: ValidatorSet;
  readonly #self: number;
  readonly #answered = new Set<number>();
  #base: number | undefined;

  constructor(validators: ValidatorSet, self: number) {
    this.#validators = validators;
    this.#self = self;
  }

  /** Whether more validators must be asked. */
  get asking(): boolean {
    return this.#base === undefined;
  }

  /** A validator told its newest certificates; `newest` is the best of all that were valid. */
  toldLatest(validator: number, newest: Certificate | undefined): void {
    if (validator === this.#self || this.#base !== undefined) return;
    this.#answered.add(validator);
    if (this.#answered.size >= this.#validators.quorum) this.#base = newest?.statement.view ?? 0;
  }

  /** The view above which voting is safe, once it is known. */
  safeAbove(newest: Certificate | undefined): number | undefined {
    if (this.#base === undefined || newest === undefined) return undefined;
    const { view } = newest.statement;
    return view >= this.#base + SAFETY_VIEWS ? view : undefined;
  }
}
