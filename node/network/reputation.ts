/** What a peer did wrong, and what it costs. At 100 points it is banned; points fade by the minute. */
export const penalties = {
  /** Bytes that are no frame, too large a frame, more than the credit. */
  "bad-frame": 50,
  /** A message that does not decode, or out of order. */
  "bad-message": 50,
  /** A channel that this peer may not use. */
  "not-allowed": 50,
  /** The node's own listener or answerer threw on it. */
  "listener-failed": 20,
  /** A peer record with a wrong signature or of another chain. */
  "bad-record": 34,
  /** More questions or control messages than an honest node asks. */
  "too-many": 34,
} as const;

export type Offence = keyof typeof penalties;

const BAN_AT = 100;
const FADE_PER_MINUTE = 20;
const MAX_REMEMBERED = 4096;

interface Standing {
  points: number;
  at: number;
  bannedUntil: number;
}

/** Points and bans by public key, in memory. Times are in milliseconds of a monotonic clock. */
export class Reputation {
  readonly #standings = new Map<string, Standing>();

  /** @returns true when this offence makes the ban due */
  penalize(publicKey: string, offence: Offence, now: number): boolean {
    const standing = this.#of(publicKey, now);
    standing.points += penalties[offence];
    if (standing.points < BAN_AT) return false;
    standing.points = 0;
    return true;
  }

  ban(publicKey: string, banMs: number, now: number): void {
    const standing = this.#of(publicKey, now);
    standing.bannedUntil = Math.max(standing.bannedUntil, now + banMs);
  }

  banned(publicKey: string, now: number): boolean {
    const standing = this.#standings.get(publicKey);
    return standing !== undefined && standing.bannedUntil > now;
  }

  #of(publicKey: string, now: number): Standing {
    const known = this.#standings.get(publicKey);
    if (known) {
      const minutes = Math.floor((now - known.at) / 60_000);
      known.points = Math.max(0, known.points - minutes * FADE_PER_MINUTE);
      known.at += minutes * 60_000;
      return known;
    }
    const standing = { points: 0, at: now, bannedUntil: 0 };
    this.#standings.set(publicKey, standing);
    this.#forget(now);
    return standing;
  }

  /** New keys are free to make, so what is remembered is bounded; bans that last go last. */
  #forget(now: number): void {
    if (this.#standings.size <= MAX_REMEMBERED) return;
    for (const [key, { bannedUntil }] of this.#standings) {
      if (bannedUntil > now) continue;
      this.#standings.delete(key);
      return;
    }
    const oldest = this.#standings.keys().next();
    if (!oldest.done) this.#standings.delete(oldest.value);
  }
}
