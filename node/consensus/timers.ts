/** Durations of one chain, in milliseconds. */
export interface Timing {
  /** A view without a proposal is given up after this time. */
  readonly leaderMs: number;
  /** A view without a certified block is given up after this time. */
  readonly certificationMs: number;
  /** Between two sendings of the same nullify vote. */
  readonly nullifyRetryMs: number;
  /** A validator that was not heard for so long is inactive. */
  readonly inactiveMs: number;
  /** Views kept below the last finalized one. */
  readonly retentionViews: number;
  /** Before a block is sent again to validators that did not vote for it. */
  readonly forwardMs: number;
}

const RETENTION_VIEWS = 256;
const BACKOFF_BASE = 1.5;
const BACKOFF_LIMIT = 8;

/** @throws RangeError unless 0 < leader < certification < inactive and 0 < retry < inactive */
export function timingOf(consensus: {
  readonly leaderTimeoutMs: number;
  readonly certificationTimeoutMs: number;
  readonly nullifyRetryMs: number;
}): Timing {
  const { leaderTimeoutMs, certificationTimeoutMs, nullifyRetryMs } = consensus;
  const timing = {
    leaderMs: leaderTimeoutMs,
    certificationMs: certificationTimeoutMs,
    nullifyRetryMs,
    inactiveMs: 10 * certificationTimeoutMs,
    retentionViews: RETENTION_VIEWS,
    forwardMs: Math.min(leaderTimeoutMs / 4, 250),
  };
  checkTiming(timing);
  return timing;
}

export function checkTiming(timing: Timing): void {
  const { leaderMs, certificationMs, nullifyRetryMs, inactiveMs, retentionViews } = timing;
  const rules: [boolean, string][] = [
    [leaderMs > 0, `leaderMs ${leaderMs}, allowed: above 0`],
    [certificationMs > leaderMs, `certificationMs ${certificationMs}, allowed: above ${leaderMs}`],
    [inactiveMs > certificationMs, `inactiveMs ${inactiveMs}, allowed: above ${certificationMs}`],
    [nullifyRetryMs > 0, `nullifyRetryMs ${nullifyRetryMs}, allowed: above 0`],
    [nullifyRetryMs < inactiveMs, `nullifyRetryMs ${nullifyRetryMs}, allowed: below ${inactiveMs}`],
    [retentionViews > 0, `retentionViews ${retentionViews}, allowed: above 0`],
  ];
  for (const [holds, problem] of rules) if (!holds) throw new RangeError(`got ${problem}`);
}

/**
 * How much longer the timers of a view are: they grow with the views since the last finalized one,
 * beyond the f + 1 that bad leaders alone explain. Known to all nodes alike, so they stay aligned.
 */
export function backoff(view: number, lastFinalized: number, faults: number): number {
  const excess = Math.max(0, view - lastFinalized - (faults + 1));
  return Math.min(BACKOFF_BASE ** excess, BACKOFF_LIMIT);
}

/** When each validator was last heard. Only a heuristic of latency: safety never depends on it. */
export class Activity {
  readonly #lastSeen: (number | undefined)[];
  readonly #self: number | undefined;
  readonly #quorum: number;
  readonly #inactiveMs: number;
  /** Nobody is taken for dead before everybody had the time to speak. */
  readonly #graceEnds: number;

  constructor(options: {
    readonly validators: number;
    readonly quorum: number;
    readonly self: number | undefined;
    readonly timing: Timing;
    readonly now: number;
  }) {
    this.#lastSeen = Array.from({ length: options.validators }, () => undefined);
    this.#self = options.self;
    this.#quorum = options.quorum;
    this.#inactiveMs = options.timing.inactiveMs;
    this.#graceEnds = options.now + options.timing.certificationMs;
  }

  saw(validator: number, now: number): void {
    this.#lastSeen[validator] = now;
  }

  lastSeen(validator: number): number | undefined {
    return this.#lastSeen[validator];
  }

  active(validator: number, now: number): boolean {
    if (validator === this.#self) return true;
    const seen = this.#lastSeen[validator];
    return seen === undefined ? now < this.#graceEnds : now - seen <= this.#inactiveMs;
  }

  /**
   * Whether a view of this leader is not worth waiting for: at least q - 1 other validators were
   * heard lately, and the leader was not. With fewer the fault may be ours, and nothing is skipped.
   */
  skips(leader: number, now: number): boolean {
    if (this.active(leader, now)) return false;
    let others = 0;
    for (const [validator, seen] of this.#lastSeen.entries())
      if (validator !== this.#self && seen !== undefined && this.active(validator, now)) others++;
    return others >= this.#quorum - 1;
  }
}
