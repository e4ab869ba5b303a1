import { DecodeError } from "../formats/binary.ts";
import { fromHex, toHex } from "../formats/bytes.ts";
import type { SigningKey } from "../formats/ed25519.ts";
import { type Genesis, genesisHash } from "../formats/genesis.ts";
import type { Clock } from "./clock.ts";
import { decodeCertificate, decodeVote } from "./messages.ts";
import type {
  Application,
  ConsensusChannel,
  ConsensusTransport,
  EvidenceStore,
  Journal,
} from "./ports.ts";
import { replaySimplex } from "./replay.ts";
import type { SignatureScheme, Signer } from "./scheme.ts";
import { Session } from "./session.ts";
import { idleStatus } from "./snapshot.ts";
import type { ConsensusObserver, ConsensusStatus } from "./status.ts";
import { checkTiming, type Timing, timingOf } from "./timers.ts";
import { ed25519Scheme, ValidatorSet } from "./validators.ts";

export interface EngineOptions {
  readonly genesis: Genesis;
  /** The node's key. It votes when the key is among the validators, and follows otherwise. */
  readonly key?: SigningKey;
  readonly application: Application;
  readonly transport: ConsensusTransport;
  readonly journal: Journal;
  readonly evidence: EvidenceStore;
  readonly observer?: ConsensusObserver;
  /** The node must end at once: a vote could not be made durable, or the chain broke a rule. */
  readonly onFatal: (error: Error) => void;
  /**
   * What a simulator replaces.
   * @default - the system's clock, Ed25519, and the durations of the genesis
   */
  readonly environment?: EngineEnvironment;
}

export interface EngineEnvironment {
  readonly clock?: Clock;
  readonly scheme?: SignatureScheme;
  /** Instead of `key`. */
  readonly identity?: { readonly publicKey: string; readonly sign: Signer };
  readonly timing?: Timing;
}

/** Consensus of one node. The composition wires its methods to the network. */
export interface ConsensusEngine {
  /** Replays the journal and takes part until `stop` or the signal. @throws when it must not start */
  start(signal: AbortSignal): Promise<void>;
  /** Waits for the block that is being applied. */
  stop(): Promise<void>;
  /** A message of the network, from an authenticated peer (public key). Never throws. */
  receive(channel: ConsensusChannel, peer: string, message: Uint8Array): void;
  /** Answers a request that another node sent through `ConsensusTransport.request`. */
  answer(peer: string, message: Uint8Array): Uint8Array;
  /** A node was connected: it is told where consensus stands, so that it need not wait. */
  peerConnected(peer: string): void;
  /** Before the start: view 0. */
  status(): ConsensusStatus;
}

const systemClock: Clock = {
  now: () => performance.now(),
  after(delayMs, callback) {
    const timer = setTimeout(callback, Math.max(0, delayMs));
    return () => clearTimeout(timer);
  },
};
const noPosition = { view: 0, lastFinalizedView: 0 };
const NOTHING = new Uint8Array();

export class Engine implements ConsensusEngine {
  readonly #options: EngineOptions;
  readonly #validators: ValidatorSet;
  readonly #timing: Timing;
  readonly #clock: Clock;
  #session: Session | undefined;

  /** @throws RangeError when the genesis has durations that do not fit together */
  constructor(options: EngineOptions) {
    const { genesis, environment } = options;
    this.#options = options;
    this.#timing = environment?.timing ?? timingOf(genesis.consensus);
    checkTiming(this.#timing);
    this.#clock = environment?.clock ?? systemClock;
    const keys = genesis.validators.map(({ publicKey }) => publicKey);
    this.#validators = new ValidatorSet(keys, fromHex(genesisHash(genesis), 32));
  }

  async start(signal: AbortSignal): Promise<void> {
    if (this.#session !== undefined) throw new Error("consensus was started before");
    const { application, journal, transport, evidence, genesis } = this.#options;
    const { observer = {}, onFatal, environment } = this.#options;
    const validators = this.#validators;
    const timing = this.#timing;
    const clock = this.#clock;
    const scheme = environment?.scheme ?? ed25519Scheme(validators);
    const self = this.#self();
    const replayed = { validators, scheme, timing, application, journal, self, now: clock.now() };
    const simplex = replaySimplex(replayed);
    const session = new Session({
      simplex,
      validators,
      scheme,
      timing,
      self: self?.index,
      clock,
      application,
      transport,
      journal,
      evidence,
      observer,
      maxBlockBytes: genesis.consensus.maxBlockBytes,
      onFatal,
    });
    this.#session = session;
    signal.addEventListener("abort", () => void session.stop(), { once: true });
    if (!signal.aborted) session.begin();
  }

  async stop(): Promise<void> {
    await this.#session?.stop();
  }

  receive(channel: ConsensusChannel, peer: string, message: Uint8Array): void {
    const session = this.#session;
    if (session === undefined) return;
    try {
      this.#take(session, channel, peer, message);
    } catch (error) {
      if (!(error instanceof DecodeError)) throw error;
      session.refuse(peer, channel, `sent an undecodable message: ${error.message}`);
    }
  }

  answer(peer: string, message: Uint8Array): Uint8Array {
    const session = this.#session;
    if (session === undefined) return NOTHING;
    try {
      return session.answer(peer, message);
    } catch (error) {
      if (!(error instanceof DecodeError)) throw error;
      session.refuse(peer, "requests", `sent an undecodable request: ${error.message}`);
      return NOTHING;
    }
  }

  peerConnected(peer: string): void {
    this.#session?.greet(peer);
  }

  status(): ConsensusStatus {
    const height = this.#options.application.applied.height;
    return this.#session?.status() ?? idleStatus(this.#validators, this.#self()?.index, height);
  }

  /** The part of the status that costs nothing to ask for. */
  get position(): Pick<ConsensusStatus, "view" | "lastFinalizedView" | "deliveredHeight"> {
    const { height } = this.#options.application.applied;
    return { ...(this.#session?.position ?? noPosition), deliveredHeight: height };
  }

  /** Views held in memory: bounded by the retention and the views since the last final one. */
  get trackedViews(): number {
    return this.#session?.trackedViews ?? 0;
  }

  #take(session: Session, channel: ConsensusChannel, peer: string, message: Uint8Array): void {
    const from = this.#validators.indexOf(peer);
    switch (channel) {
      case "votes":
        if (from === undefined)
          return session.refuse(peer, channel, "sent a vote without being a validator");
        return session.post({ type: "vote", from, vote: decodeVote(message) });
      case "certificates": {
        const certificate = decodeCertificate(message, this.#validators.size);
        return session.post({ type: "certificate", peer, from, certificate });
      }
      case "blocks":
        // Others' blocks come as answers only, so that nobody else can fill the cache.
        if (from === undefined) return;
        if (this.#options.application.receive(message) === undefined)
          return session.refuse(peer, channel, "sent bytes that are no block of this chain");
        return session.blockArrived();
    }
  }

  #self() {
    const { key, environment } = this.#options;
    const identity =
      environment?.identity ??
      (key && {
        publicKey: toHex(key.publicKey),
        sign: (message: Uint8Array) => key.sign(message),
      });
    const index = identity && this.#validators.indexOf(identity.publicKey);
    return identity === undefined || index === undefined
      ? undefined
      : { index, sign: identity.sign };
  }
}
