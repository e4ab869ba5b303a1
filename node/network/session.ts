import { DecodeError } from "../formats/binary.ts";
import type { Hello, Refusal } from "./control.ts";
import { FrameStream, type RawStream } from "./frame-stream.ts";
import { FrameError } from "./frames.ts";
import { Greeting } from "./greeting.ts";
import type { RawConnection } from "./host.ts";
import { Inlet } from "./inlet.ts";
import { BUDGET_BYTES, Lanes } from "./lanes.ts";
import type { NetworkLimits } from "./limits.ts";
import { Outbox } from "./outbox.ts";
import {
  inletRates,
  type LaneName,
  onlyValidatorsSpeak,
  type Protocol,
  protocolId,
  streamBounds,
} from "./protocols.ts";
import type { Offence } from "./reputation.ts";

/** What a session tells and asks the network. */
export interface SessionEvents {
  readonly limits: NetworkLimits;
  ownHello(): Hello;
  height(): number;
  judge(session: Session, hello: Hello): Refusal | undefined;
  ready(session: Session): void;
  refused(session: Session, refusal: Refusal, by: "us" | "them"): void;
  pulse(session: Session, height: number, roundTripMs: number | undefined): void;
  message(session: Session, protocol: LaneName, message: Uint8Array): void;
  /** An answer to a question that this node asked on the session. */
  answer(session: Session, message: Uint8Array): void;
  /** Whether the network takes another question of this peer now. */
  takesQuestions(session: Session): boolean;
  offence(session: Session, offence: Offence, detail: string): void;
  closed(session: Session, reason: string): void;
}

/** A refusal, or the rest of a duplicate connection, gets this long to be read. */
const GRACE_MS = 1_000;

/** One connection: its greeting, its streams in both directions, and its deadlines. */
export class Session {
  readonly connection: RawConnection;
  readonly fromValidator: boolean;
  readonly openedAt = performance.now();
  hello: Hello | undefined;
  readonly #events: SessionEvents;
  readonly #greeting: Greeting;
  #control: FrameStream | undefined;
  readonly #lanes: Lanes;
  readonly #accepted = new Map<Protocol, FrameStream>();
  readonly #inlets: Inlet[] = [];
  readonly #answers: Outbox;
  #heardAt = performance.now();
  #closeAt = Infinity;
  #closed = false;
  #flushing = false;
  #open = false;

  constructor(connection: RawConnection, fromValidator: boolean, events: SessionEvents) {
    this.connection = connection;
    this.fromValidator = fromValidator;
    this.#events = events;
    const { maxAnswersPerPeer, maxResponseBytes } = events.limits;
    this.#answers = new Outbox((maxResponseBytes + 1024) * maxAnswersPerPeer, maxAnswersPerPeer);
    this.#greeting = new Greeting(
      {
        ownHello: () => events.ownHello(),
        height: () => events.height(),
        judge: (hello) => events.judge(this, hello),
        ready: (hello) => this.#ready(hello),
        refused: (refusal, by) => this.#refused(refusal, by),
        pulse: (height, roundTripMs) => events.pulse(this, height, roundTripMs),
        flush: () => this.flush(),
      },
      this.openedAt,
    );
    this.#lanes = new Lanes({
      open: (name) => this.#openLane(name),
      opened: () => this.flush(),
      failed: (reason) => this.abort(reason),
    });
    connection.onClose(() => this.#end("connection closed"));
  }

  get publicKey(): string {
    return this.connection.publicKey;
  }

  /** The dialer opens the hello stream; other streams wait for it, so no burst meets a cold muxer. */
  async greet(): Promise<void> {
    try {
      const signal = AbortSignal.timeout(this.#events.limits.handshakeTimeoutMs);
      const raw = await this.connection.open(protocolId("hello"), signal);
      this.#startControl(raw);
    } catch (error) {
      this.abort(`no hello stream: ${(error as Error).message}`);
    }
  }

  /** A stream that the other side opened. */
  acceptStream(protocol: Protocol, raw: RawStream): void {
    if (this.#closed) return raw.abort(new Error("connection is closing"));
    const allowed =
      protocol === "hello"
        ? this.connection.direction === "inbound" && !this.#control
        : !this.#accepted.has(protocol) && (this.fromValidator || !onlyValidatorsSpeak(protocol));
    if (!allowed) {
      raw.abort(new Error(`stream ${protocolId(protocol)} is not allowed here`));
      this.#events.offence(this, "not-allowed", `opened ${protocolId(protocol)}`);
      return;
    }
    if (protocol === "hello") this.#startControl(raw);
    else this.#acceptLane(protocol, raw);
  }

  /** Takes over the outboxes of the peer and lets waiting messages in. */
  attach(outboxes: ReadonlyMap<LaneName, Outbox>): void {
    this.#open = true;
    this.#lanes.attach(outboxes);
    this.#greeting.ping(performance.now(), 0);
    for (const inlet of this.#inlets) inlet.resume();
    this.flush();
  }

  /** Stops sending, still reads what is on the way, then closes: the loser of two connections. */
  retire(): void {
    this.#lanes.detach();
    this.#open = true;
    this.#closeSoon();
    for (const inlet of this.#inlets) inlet.resume();
  }

  refuse(refusal: Refusal): void {
    this.#greeting.refuse(refusal);
  }

  /** Sends what waits, most urgent first, together for everything that was said in this tick. */
  flush(): void {
    if (this.#flushing || this.#closed) return;
    this.#flushing = true;
    setImmediate(() => {
      this.#flushing = false;
      this.#flushNow();
    });
  }

  /** False when too many answers wait for the peer to read them. */
  answer(message: Uint8Array): boolean {
    const kept = this.#answers.offer(message);
    this.flush();
    return kept;
  }

  get waitingAnswers(): number {
    return this.#answers.length;
  }

  /** Questions that waited for their turn may go on. */
  resume(): void {
    for (const inlet of this.#inlets) inlet.resume();
  }

  /** Deadlines and pings; `late` tells that this process slept, so nobody is to blame. */
  tick(now: number, late: boolean): void {
    const { handshakeTimeoutMs, peerTimeoutMs, stallTimeoutMs, pingIntervalMs } =
      this.#events.limits;
    if (now >= this.#closeAt) return this.abort("closed after the grace time");
    if (late) {
      this.#heardAt = now;
      return this.#greeting.ping(now, pingIntervalMs);
    }
    if (!this.#greeting.ready && now - this.openedAt > handshakeTimeoutMs)
      return this.abort(`no hello within ${handshakeTimeoutMs} ms`);
    if (now - this.#heardAt > peerTimeoutMs)
      return this.abort(`nothing heard for ${peerTimeoutMs} ms`);
    if (this.#streams().some((stream) => stream.stalled(now, stallTimeoutMs)))
      return this.abort(`nothing moved for ${stallTimeoutMs} ms`);
    this.#greeting.ping(now, pingIntervalMs);
  }

  abort(reason: string): void {
    if (this.#closed) return;
    this.#end(reason);
    this.connection.abort(new Error(reason));
  }

  /** Ends in order: what is written already still arrives. */
  async close(): Promise<void> {
    if (this.#closed) return;
    this.#end("closed");
    try {
      await this.connection.close(AbortSignal.timeout(GRACE_MS));
    } catch {
      this.connection.abort(new Error("closed"));
    }
  }

  #streams(): FrameStream[] {
    const control = this.#control ? [this.#control] : [];
    return [...control, ...this.#lanes.streams(), ...this.#accepted.values()];
  }

  #startControl(raw: RawStream): void {
    if (this.#closed) return raw.abort(new Error("connection is closing"));
    const { maxMessageBytes, windowBytes } = streamBounds("hello", this.#events.limits).toAcceptor;
    const control = this.#wrap(raw, {
      maxReceiveBytes: () => maxMessageBytes,
      receiveWindowBytes: windowBytes,
      sendWindowBytes: windowBytes,
      onMessage: (message) => {
        this.#greeting.receive(message, performance.now());
        control.release(message.length);
      },
    });
    this.#control = control;
    this.#greeting.start();
  }

  #acceptLane(protocol: LaneName, raw: RawStream): void {
    const { limits } = this.#events;
    const { toAcceptor, toOpener } = streamBounds(protocol, limits);
    const rates = inletRates(protocol, limits, this.fromValidator);
    const inlet = new Inlet({
      ...rates,
      ready: () =>
        this.#open && !this.#closed && (protocol !== "sync" || this.#events.takesQuestions(this)),
      deliver: (message) => this.#events.message(this, protocol, message),
      release: (bytes) => stream.release(bytes),
    });
    const stream = this.#wrap(raw, {
      maxReceiveBytes: () => toAcceptor.maxMessageBytes,
      receiveWindowBytes: toAcceptor.windowBytes,
      sendWindowBytes: toOpener.windowBytes,
      onMessage: (message) => inlet.push(message),
    });
    this.#inlets.push(inlet);
    this.#accepted.set(protocol, stream);
  }

  async #openLane(name: LaneName): Promise<FrameStream> {
    const signal = AbortSignal.timeout(this.#events.limits.peerTimeoutMs);
    const raw = await this.connection.open(protocolId(name), signal);
    const { toAcceptor, toOpener } = streamBounds(name, this.#events.limits);
    let answers = 0;
    const stream = this.#wrap(raw, {
      // One answer per question: nobody may fill this node's memory unasked.
      maxReceiveBytes: () => (stream.sent > answers ? toOpener.maxMessageBytes : 0),
      receiveWindowBytes: toOpener.windowBytes,
      sendWindowBytes: toAcceptor.windowBytes,
      onMessage: (message) => {
        answers += 1;
        this.#events.answer(this, message);
        stream.release(message.length);
      },
    });
    return stream;
  }

  #wrap(
    raw: RawStream,
    options: {
      maxReceiveBytes(): number;
      readonly receiveWindowBytes: number;
      readonly sendWindowBytes: number;
      onMessage(message: Uint8Array): void;
    },
  ): FrameStream {
    return new FrameStream(raw, {
      ...options,
      onWritable: () => this.flush(),
      onActivity: () => {
        this.#heardAt = performance.now();
      },
      onClose: (error) => this.#streamClosed(error),
    });
  }

  /** Streams live as long as their connection, so the end of one is the end of it. */
  #streamClosed(error: Error | undefined): void {
    if (this.#closed) return;
    if (error instanceof FrameError) this.#events.offence(this, "bad-frame", error.message);
    else if (error instanceof DecodeError) this.#events.offence(this, "bad-message", error.message);
    this.abort(error?.message ?? "a stream was closed by the other side");
  }

  #ready(hello: Hello): void {
    this.hello = hello;
    this.#events.ready(this);
  }

  #refused(refusal: Refusal, by: "us" | "them"): void {
    this.#events.refused(this, refusal, by);
    // A refusal of this side may still be on its way: a reset would overtake it.
    if (by === "us" || this.#greeting.hasRefused) this.#closeSoon();
    else this.abort(`refused: ${refusal.reason}`);
  }

  #closeSoon(): void {
    this.#closeAt = Math.min(this.#closeAt, performance.now() + GRACE_MS);
  }

  #flushNow(): void {
    if (this.#closed) return;
    const now = performance.now();
    let more = this.#control?.pump(this.#greeting.outbox, BUDGET_BYTES, now) ?? false;
    more = this.#lanes.pump(now) || more;
    const answering = this.#accepted.get("sync");
    if (answering && this.#answers.length > 0) {
      more = answering.pump(this.#answers, BUDGET_BYTES, now) || more;
      this.resume();
    }
    if (more) this.flush();
  }

  #end(reason: string): void {
    if (this.#closed) return;
    this.#closed = true;
    this.#lanes.detach();
    for (const inlet of this.#inlets) inlet.close();
    this.#events.closed(this, reason);
  }
}
