import { DecodeError } from "../formats/binary.ts";
import {
  type ControlMessage,
  decodeControl,
  encodeControl,
  type Hello,
  type Refusal,
} from "./control.ts";
import { Outbox } from "./outbox.ts";
import { TokenBucket } from "./token-bucket.ts";

export interface GreetingEvents {
  ownHello(): Hello;
  height(): number;
  judge(hello: Hello): Refusal | undefined;
  /** Both sides accepted. */
  ready(hello: Hello): void;
  refused(refusal: Refusal, by: "us" | "them"): void;
  pulse(height: number, roundTripMs: number | undefined): void;
  /** Something waits in the outbox. */
  flush(): void;
}

const OUTBOX_BYTES = 32 * 1024;
/** Pings and pongs that a peer may send; an honest one sends fewer than one of each. */
const MESSAGES_PER_SECOND = 10;

/** The conversation on the hello stream of one connection. Throws on what is not allowed in it. */
export class Greeting {
  readonly outbox = new Outbox(OUTBOX_BYTES, 64);
  readonly #events: GreetingEvents;
  readonly #bucket: TokenBucket;
  #hello: Hello | undefined;
  #welcomed = false;
  #refused = false;
  #nonce = 0;
  #pingedAt: number | undefined;
  #lastPingAt = -Infinity;

  constructor(events: GreetingEvents, now: number) {
    this.#events = events;
    this.#bucket = new TokenBucket(MESSAGES_PER_SECOND, 2, now);
  }

  get ready(): boolean {
    return this.#hello !== undefined && this.#welcomed && !this.#refused;
  }

  get hasRefused(): boolean {
    return this.#refused;
  }

  start(): void {
    this.#send({ kind: "hello", ...this.#events.ownHello() });
  }

  /** Pings unless the last ping is younger than `intervalMs`, or not answered yet. */
  ping(now: number, intervalMs: number): void {
    if (!this.ready || this.#pingedAt !== undefined || now - this.#lastPingAt < intervalMs) return;
    this.#lastPingAt = now;
    this.#pingedAt = now;
    this.#nonce = (this.#nonce + 1) % 0x1_0000_0000;
    this.#send({ kind: "ping", nonce: this.#nonce, height: this.#events.height() });
  }

  refuse(refusal: Refusal): void {
    this.#refused = true;
    this.#send({ kind: "refusal", ...refusal });
    this.#events.refused(refusal, "us");
  }

  /** @throws DecodeError */
  receive(bytes: Uint8Array, now: number): void {
    if (!this.#bucket.take(1, now)) throw new DecodeError("got too many control messages");
    const message = decodeControl(bytes);
    // Two chains refuse each other at once; each still wants to know what the other one says.
    if (this.#refused && message.kind !== "refusal") return;
    switch (message.kind) {
      case "hello":
        return this.#greeted(message);
      case "welcome":
        if (this.#welcomed) throw new DecodeError("got welcome twice");
        this.#welcomed = true;
        return this.#readyNow();
      case "refusal":
        this.#events.refused(message, "them");
        this.#refused = true;
        return;
      case "ping":
        if (!this.ready) throw new DecodeError("got a ping before hello");
        this.#send({ kind: "pong", nonce: message.nonce, height: this.#events.height() });
        return this.#events.pulse(message.height, undefined);
      case "pong":
        return this.#ponged(message.nonce, message.height, now);
    }
  }

  #greeted(hello: Hello): void {
    if (this.#hello) throw new DecodeError("got hello twice");
    this.#hello = hello;
    const refusal = this.#events.judge(hello);
    if (refusal) return this.refuse(refusal);
    this.#send({ kind: "welcome" });
    this.#readyNow();
  }

  #readyNow(): void {
    if (this.#hello && this.#welcomed) this.#events.ready(this.#hello);
  }

  #ponged(nonce: number, height: number, now: number): void {
    const matches = this.#pingedAt !== undefined && nonce === this.#nonce;
    this.#events.pulse(height, matches ? now - (this.#pingedAt as number) : undefined);
    if (matches) this.#pingedAt = undefined;
  }

  #send(message: ControlMessage): void {
    this.outbox.offer(encodeControl(message));
    this.#events.flush();
  }
}
