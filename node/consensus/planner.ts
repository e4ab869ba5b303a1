/** Something that is missing here. */
export interface Need {
  /** Identifies it; the same need has the same key for as long as it lasts. */
  readonly key: string;
  /** The node that surely has it, such as the leader whose proposal refers to it. */
  readonly prefer: string | undefined;
}

/** One request to send now. */
export interface Assignment {
  readonly key: string;
  readonly peer: string;
}

interface Progress {
  /** Since when it has been missing: what is on its way already is not asked for. */
  readonly since: number;
  /** Peers that are being asked. */
  readonly pending: Set<string>;
  /** Peers that were asked in this round without settling it. */
  readonly tried: Set<string>;
  /** When the next round starts, once all peers were tried. */
  resumeAt: number;
}

export interface PlannerOptions {
  /** Requests under way at once. */
  readonly parallel: number;
  /** A need younger than this is not asked for. */
  readonly delayMs: number;
  /** Rest between two rounds over all peers. */
  readonly retryMs: number;
}

/**
 * Decides whom to ask for what. The preferred peer is asked first and another one beside it, since
 * the preferred one may be gone; an answer that does not settle the need is no reason to stop.
 * Deterministic: peers take turns in the order given, starting elsewhere for each need.
 */
export class RequestPlanner {
  readonly #options: PlannerOptions;
  readonly #progress = new Map<string, Progress>();
  #pending = 0;
  #turn = 0;

  constructor(options: PlannerOptions) {
    this.#options = options;
  }

  /** @param peers connected nodes that may be asked; needs that are no longer given are forgotten */
  plan(now: number, needs: readonly Need[], peers: readonly string[]): Assignment[] {
    this.#forget(needs);
    const assignments: Assignment[] = [];
    for (const { key, prefer } of needs) {
      const progress = this.#open(key, now);
      if (now - progress.since < this.#options.delayMs || now < progress.resumeAt) continue;
      for (const peer of this.#choose(progress, prefer, peers)) {
        if (this.#pending >= this.#options.parallel) return assignments;
        progress.pending.add(peer);
        this.#pending++;
        assignments.push({ key, peer });
      }
      if (progress.pending.size === 0) {
        progress.tried.clear();
        progress.resumeAt = now + this.#options.retryMs;
      }
    }
    return assignments;
  }

  /** The peer answered or failed; the need stays until it is no longer given to `plan`. */
  ended({ key, peer }: Assignment): void {
    this.#pending--;
    const progress = this.#progress.get(key);
    if (progress?.pending.delete(peer)) progress.tried.add(peer);
  }

  /** When planning again can bring something new, apart from answers and new needs. */
  nextAt(now: number): number | undefined {
    let next: number | undefined;
    for (const { since, resumeAt, pending } of this.#progress.values()) {
      if (pending.size > 0) continue;
      const at = Math.max(since + this.#options.delayMs, resumeAt, now + 1);
      if (next === undefined || at < next) next = at;
    }
    return next;
  }

  #forget(needs: readonly Need[]): void {
    const wanted = new Set(needs.map(({ key }) => key));
    for (const key of this.#progress.keys()) if (!wanted.has(key)) this.#progress.delete(key);
  }

  #open(key: string, now: number): Progress {
    const known = this.#progress.get(key);
    if (known !== undefined) return known;
    const progress = { since: now, pending: new Set<string>(), tried: new Set<string>() };
    const opened = { ...progress, resumeAt: 0 };
    this.#progress.set(key, opened);
    return opened;
  }

  #choose({ pending, tried }: Progress, prefer: string | undefined, peers: readonly string[]) {
    const chosen: string[] = [];
    const free = (peer: string) => !pending.has(peer) && !tried.has(peer);
    if (prefer !== undefined && peers.includes(prefer) && free(prefer)) chosen.push(prefer);
    const others = [...pending].filter((peer) => peer !== prefer).length;
    if (others > 0) return chosen;
    for (let step = 0; step < peers.length; step++) {
      const peer = peers[(this.#turn + step) % peers.length]!;
      if (peer === prefer || !free(peer)) continue;
      this.#turn = (this.#turn + step + 1) % peers.length;
      chosen.push(peer);
      break;
    }
    return chosen;
  }
}
