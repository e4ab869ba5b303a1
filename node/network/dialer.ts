import { type Endpoint, formatEndpoint, reachOf, type Transport } from "./endpoints.ts";
import type { NetworkLimits } from "./limits.ts";

export interface DialerOptions {
  readonly limits: NetworkLimits;
  readonly transports: readonly Transport[];
  readonly random: () => number;
  /** Peers to stay connected with, and where they are. Asked again before every dial. */
  wanted(): readonly WantedPeer[];
  connected(publicKey: string): boolean;
  /** Whether the peer dials this node at the same moments, and should be the one to succeed. */
  yields(publicKey: string): boolean;
  /** Resolves when a connection is up, whether or not the peer then accepts it. */
  dial(publicKey: string, endpoint: Endpoint, signal: AbortSignal): Promise<void>;
  failed(publicKey: string, reason: string): void;
}

export interface WantedPeer {
  readonly publicKey: string;
  endpoints(): readonly Endpoint[];
  /** Of dials in an earlier run: an old acquaintance that was gone is tried less often. */
  readonly failures?: number;
}

interface Target {
  attempts: number;
  nextAt: number;
  dialing: boolean;
  /** Transport of the last connection: tried first. */
  lastGood: Transport;
}

/** QUIC is tried when TCP was refused only in every so many rounds: a dead host costs seconds. */
const QUIC_EVERY_ROUNDS = 3;
const MAX_EXPONENT = 16;
/** Head start of the side whose dial is kept when both dial: saves most second handshakes. */
const YIELD_MS = 150;

/**
 * Dials every wanted peer that is not connected, for ever, with growing and jittered pauses. libp2p
 * has such a loop as well, but that one gives a peer up after five tries.
 */
export class Dialer {
  readonly #options: DialerOptions;
  readonly #targets = new Map<string, Target>();
  #abort = new AbortController();
  #timer: NodeJS.Timeout | undefined;
  #dialing = 0;

  constructor(options: DialerOptions) {
    this.#options = options;
  }

  /** Looks for something to dial now; call it when something changed. */
  wake(): void {
    if (this.#abort.signal.aborted) return;
    clearTimeout(this.#timer);
    const now = performance.now();
    let nextAt = Infinity;
    for (const peer of this.#options.wanted()) {
      if (this.#options.connected(peer.publicKey)) continue;
      const target = this.#target(peer, now);
      if (target.dialing) continue;
      if (target.nextAt > now) nextAt = Math.min(nextAt, target.nextAt);
      else if (this.#dialing < this.#options.limits.maxParallelDials) void this.#run(peer, target);
    }
    if (nextAt === Infinity) return;
    this.#timer = setTimeout(() => this.wake(), Math.ceil(nextAt - now));
    this.#timer.unref();
  }

  /** A peer went away: the first tries come soon. */
  lost(publicKey: string): void {
    const target = this.#targets.get(publicKey);
    if (!target) return this.wake();
    target.attempts = 0;
    const { redialBaseMs } = this.#options.limits;
    const pause = redialBaseMs * (0.2 + 0.6 * this.#options.random());
    target.nextAt = performance.now() + pause + this.#yieldMs(publicKey);
    this.wake();
  }

  /** It became known where a wanted peer is. */
  found(publicKey: string): void {
    const target = this.#targets.get(publicKey);
    if (target) {
      target.attempts = 0;
      target.nextAt = performance.now() + this.#yieldMs(publicKey);
    }
    this.wake();
  }

  /** The peer is there and accepted. */
  reached(publicKey: string, transport: Transport): void {
    const target = this.#targets.get(publicKey);
    if (!target) return;
    target.attempts = 0;
    target.lastGood = transport;
  }

  /** The peer does not want this node: ask again only at the slowest pace. */
  refused(publicKey: string): void {
    const target = this.#targets.get(publicKey);
    if (!target) return;
    target.attempts = MAX_EXPONENT;
    target.nextAt = performance.now() + this.#jittered(this.#options.limits.redialCapMs);
  }

  stop(): void {
    clearTimeout(this.#timer);
    this.#abort.abort(new Error("the network is stopping"));
  }

  #target({ publicKey, failures = 0 }: WantedPeer, now: number): Target {
    const known = this.#targets.get(publicKey);
    if (known) return known;
    const pause = failures === 0 ? 0 : this.#pauseMs(failures, this.#options.limits.redialCapMs);
    const target: Target = {
      attempts: failures,
      nextAt: now + pause + this.#yieldMs(publicKey),
      dialing: false,
      lastGood: "tcp",
    };
    this.#targets.set(publicKey, target);
    return target;
  }

  #yieldMs(publicKey: string): number {
    return this.#options.yields(publicKey) ? YIELD_MS : 0;
  }

  async #run(peer: WantedPeer, target: Target): Promise<void> {
    target.dialing = true;
    this.#dialing += 1;
    const endpoints = this.#inOrder(peer.endpoints(), target.lastGood);
    const problem = await this.#dialRound(peer.publicKey, endpoints, target);
    this.#dialing -= 1;
    target.dialing = false;
    if (this.#abort.signal.aborted) return;
    target.attempts += 1;
    const waited = performance.now() + this.#pauseMs(target.attempts, this.#capMs(endpoints));
    target.nextAt = Math.max(target.nextAt, waited);
    if (problem !== undefined) this.#options.failed(peer.publicKey, problem);
    this.wake();
  }

  /** @returns what went wrong last; undefined when a connection came up or nothing could be dialed */
  async #dialRound(
    publicKey: string,
    endpoints: readonly Endpoint[],
    target: Target,
  ): Promise<string | undefined> {
    const { limits, connected, dial } = this.#options;
    let problem: string | undefined;
    let refused = true;
    for (const endpoint of endpoints) {
      if (this.#abort.signal.aborted || connected(publicKey)) return undefined;
      if (this.#skipsQuic(endpoint, endpoints, target, refused)) continue;
      const isQuic = endpoint.transport === "quic";
      const timeoutMs = isQuic ? limits.quicDialTimeoutMs : limits.dialTimeoutMs;
      const signal = AbortSignal.any([this.#abort.signal, AbortSignal.timeout(timeoutMs)]);
      try {
        await dial(publicKey, endpoint, signal);
        return undefined;
      } catch (error) {
        problem = `${formatEndpoint(endpoint)}: ${(error as Error).message}`;
        refused &&= isQuic || (error as { code?: string }).code === "ECONNREFUSED";
      }
    }
    return problem;
  }

  /** A host that refuses TCP answers at once; asking it by QUIC too would wait for a time-out. */
  #skipsQuic(
    endpoint: Endpoint,
    endpoints: readonly Endpoint[],
    target: Target,
    refused: boolean,
  ): boolean {
    if (endpoint.transport === "tcp" || target.lastGood === "quic" || !refused) return false;
    const tcpTried = endpoints.some(({ transport }) => transport === "tcp");
    return tcpTried && target.attempts % QUIC_EVERY_ROUNDS !== QUIC_EVERY_ROUNDS - 1;
  }

  #inOrder(endpoints: readonly Endpoint[], first: Transport): Endpoint[] {
    const usable = endpoints.filter(({ transport }) =>
      this.#options.transports.includes(transport),
    );
    const unique = new Map(usable.map((endpoint) => [formatEndpoint(endpoint), endpoint]));
    return [...unique.values()].sort(
      (a, b) => Number(b.transport === first) - Number(a.transport === first),
    );
  }

  #pauseMs(attempts: number, capMs: number): number {
    const exponent = Math.min(attempts - 1, MAX_EXPONENT);
    return this.#jittered(Math.min(capMs, this.#options.limits.redialBaseMs * 2 ** exponent));
  }

  /** Between three quarters and five quarters. */
  #jittered(ms: number): number {
    return ms * (0.75 + this.#options.random() / 2);
  }

  #capMs(endpoints: readonly Endpoint[]): number {
    const near = endpoints.every(({ host }) => reachOf(host) !== "public");
    const { redialPrivateCapMs, redialCapMs } = this.#options.limits;
    return near ? redialPrivateCapMs : redialCapMs;
  }
}
