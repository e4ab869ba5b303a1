import type { NetworkLimits } from "./limits.ts";
import { Peer } from "./peer.ts";
import type { Session } from "./session.ts";

/** Connections of one key at a time: the one in use, one that replaces it, and late dials. */
const MAX_SESSIONS_PER_KEY = 4;

/** Open connections, and the peers behind those whose hello was accepted. */
export class Roster {
  readonly sessions = new Map<string, Session>();
  readonly peers = new Map<string, Peer>();
  readonly #self: string;
  readonly #limits: NetworkLimits;

  constructor(self: string, limits: NetworkLimits) {
    this.#self = self;
    this.#limits = limits;
  }

  has(publicKey: string): boolean {
    return this.peers.has(publicKey) || this.sessionsOf(publicKey).length > 0;
  }

  sessionsOf(publicKey: string): Session[] {
    return [...this.sessions.values()].filter((session) => session.publicKey === publicKey);
  }

  /** Whether there is room for a connection of that key; validators only compete with themselves. */
  admits(publicKey: string, isValidator: boolean): boolean {
    if (this.sessionsOf(publicKey).length >= MAX_SESSIONS_PER_KEY) return false;
    const strangers = [...this.sessions.values()].filter((session) => !session.fromValidator);
    return isValidator || strangers.length < this.#limits.maxFullNodes * 2;
  }

  get fullNodes(): number {
    return [...this.peers.values()].filter((peer) => !peer.isValidator).length;
  }

  /**
   * Takes a session whose hello was accepted on both sides.
   *
   * @returns the peer when it is new here; undefined when it only changed its connection or kept it
   */
  accept(session: Session, name: string | undefined): Peer | undefined {
    const known = this.peers.get(session.publicKey);
    if (!known) {
      const peer = new Peer(session, name, this.#limits);
      this.peers.set(session.publicKey, peer);
      return peer;
    }
    if (known.session.hello?.instance !== session.hello?.instance) {
      const old = known.session;
      known.move(session);
      old.abort("the peer was started again");
    } else if (this.#prefers(session, known.session)) {
      const old = known.session;
      known.move(session);
      old.retire();
    } else session.retire();
    return undefined;
  }

  /**
   * Which of two connections to keep: both sides must come to the same answer. The one dialed by the
   * smaller key wins; of two dialed by the same side, the newer one.
   */
  #prefers(candidate: Session, current: Session): boolean {
    if (candidate.connection.direction === current.connection.direction) return true;
    const dialer = this.#self < candidate.publicKey ? "outbound" : "inbound";
    return candidate.connection.direction === dialer;
  }
}
