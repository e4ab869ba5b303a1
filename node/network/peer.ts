import type { Hello } from "./control.ts";
import type { NetworkLimits } from "./limits.ts";
import { Outbox } from "./outbox.ts";
import type { PeerInfo } from "./ports.ts";
import { isChannel, type LaneName, lanesByUrgency } from "./protocols.ts";
import { Questions } from "./questions.ts";
import type { Session } from "./session.ts";
import { peerIdOfHex } from "./endpoints.ts";
import { PEERS_MESSAGE_BYTES } from "./limits.ts";

/** A node whose hello was accepted, over whichever connection it has now. */
export class Peer {
  readonly publicKey: string;
  readonly name: string | undefined;
  readonly isValidator: boolean;
  readonly connectedAt = Date.now();
  readonly questions: Questions;
  /** Questions of the peer that are being answered. */
  answering = 0;
  height = 0;
  roundTripMs: number | undefined;
  readonly #outboxes: ReadonlyMap<LaneName, Outbox>;
  readonly #peerId: string;
  #session: Session;

  constructor(session: Session, name: string | undefined, limits: NetworkLimits) {
    this.publicKey = session.publicKey;
    this.name = name;
    this.isValidator = session.fromValidator;
    this.#peerId = peerIdOfHex(session.publicKey);
    this.#outboxes = new Map(lanesByUrgency.map((lane) => [lane, outboxFor(lane, limits)]));
    this.questions = new Questions({
      peer: session.publicKey,
      maxPending: limits.maxQuestionsPerPeer,
      maxRequestBytes: limits.maxRequestBytes,
      timeoutMs: limits.requestTimeoutMs,
      send: (frame) => this.offer("sync", frame),
    });
    this.#session = session;
    this.height = session.hello?.height ?? 0;
    session.attach(this.#outboxes);
  }

  get session(): Session {
    return this.#session;
  }

  /** Moves to another connection; what waits goes out there. */
  move(session: Session): void {
    this.#session = session;
    session.attach(this.#outboxes);
    this.questions.repeat();
  }

  /** Queues a message; false when there is no room. */
  offer(lane: LaneName, message: Uint8Array): boolean {
    const kept = this.#outbox(lane).offer(message);
    this.#session.flush();
    return kept;
  }

  /** Queues a message in place of older ones if need be; returns how many were given up. */
  replaceOldest(lane: LaneName, message: Uint8Array): number {
    const dropped = this.#outbox(lane).replaceOldest(message);
    this.#session.flush();
    return dropped;
  }

  info(): PeerInfo {
    const { connection } = this.#session;
    const hello = this.#session.hello as Hello;
    return {
      publicKey: this.publicKey,
      peerId: this.#peerId,
      ...(this.name === undefined ? {} : { name: this.name }),
      role: hello.role,
      nodeVersion: hello.nodeVersion,
      protocolVersion: hello.protocolVersion,
      height: this.height,
      transport: connection.transport,
      direction: connection.direction,
      address: connection.address,
      ...(this.roundTripMs === undefined ? {} : { roundTripMs: this.roundTripMs }),
      connectedAt: this.connectedAt,
    };
  }

  #outbox(lane: LaneName): Outbox {
    return this.#outboxes.get(lane) as Outbox;
  }
}

function outboxFor(lane: LaneName, limits: NetworkLimits): Outbox {
  if (isChannel(lane)) {
    const { queueBytes, queueMessages } = limits.channels[lane];
    return new Outbox(queueBytes, queueMessages);
  }
  if (lane === "peers") return new Outbox(PEERS_MESSAGE_BYTES * 2, 64);
  const questions = limits.maxQuestionsPerPeer * 2;
  return new Outbox((limits.maxRequestBytes + 1024) * questions, questions);
}
