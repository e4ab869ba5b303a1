import type { ConsensusChannel, ConsensusTransport } from "../../node/consensus/ports.ts";
import type { Random } from "./random.ts";
import type { Scheduler } from "./scheduler.ts";

/** What the links do to messages until the faults end. */
export interface LinkFaults {
  readonly loss: number;
  readonly duplication: number;
  readonly minDelayMs: number;
  readonly maxDelayMs: number;
}

export const calmLinks: LinkFaults = { loss: 0, duplication: 0, minDelayMs: 1, maxDelayMs: 4 };

export interface Endpoint {
  readonly key: string;
  receive(channel: ConsensusChannel, from: string, message: Uint8Array): void;
  answer(from: string, message: Uint8Array): Uint8Array;
  connected(peer: string): void;
}

/** Sees or changes what one node sends; the adversary's other hand. */
export type Interceptor = (
  to: string,
  channel: ConsensusChannel,
  message: Uint8Array,
) => readonly Uint8Array[];

/**
 * Links between nodes with loss, delay, duplication, reordering (delays are drawn per message),
 * partitions in either direction, and bans. A node may have several endpoints: twins with one key.
 */
export class SimulatedNetwork {
  readonly #scheduler: Scheduler;
  readonly #random: Random;
  readonly #endpoints = new Map<string, Endpoint[]>();
  readonly #cut = new Set<string>();
  readonly #banned = new Set<string>();
  faults: LinkFaults = calmLinks;
  /** Called for every message that is delivered, to make a trace. */
  onDelivery: (from: string, to: string, channel: string, message: Uint8Array) => void = () => {};

  constructor(scheduler: Scheduler, random: Random) {
    this.#scheduler = scheduler;
    this.#random = random;
  }

  attach(endpoint: Endpoint): void {
    const endpoints = this.#endpoints.get(endpoint.key) ?? [];
    this.#endpoints.set(endpoint.key, [...endpoints, endpoint]);
  }

  detach(endpoint: Endpoint): void {
    const endpoints = this.#endpoints.get(endpoint.key) ?? [];
    const rest = endpoints.filter((other) => other !== endpoint);
    if (rest.length === 0) this.#endpoints.delete(endpoint.key);
    else this.#endpoints.set(endpoint.key, rest);
  }

  /** Cuts or mends one direction. */
  link(from: string, to: string, up: boolean): void {
    if (up) this.#cut.delete(`${from} ${to}`);
    else this.#cut.add(`${from} ${to}`);
  }

  mendAll(): void {
    this.#cut.clear();
  }

  ban(by: string, peer: string): void {
    this.#banned.add(`${by} ${peer}`);
  }

  reaches(from: string, to: string): boolean {
    if (!this.#endpoints.has(to)) return false;
    if (this.#cut.size > 0 && this.#cut.has(`${from} ${to}`)) return false;
    return this.#banned.size === 0 || !this.#separate(from, to);
  }

  connectedTo(key: string): string[] {
    const others = [...this.#endpoints.keys()].filter((other) => other !== key);
    return others.filter((other) => this.reaches(key, other) && this.reaches(other, key)).sort();
  }

  /** Tells both ends of every link that it is up. */
  greetAll(): void {
    for (const [key, endpoints] of this.#endpoints)
      for (const endpoint of endpoints)
        for (const peer of this.connectedTo(key)) endpoint.connected(peer);
  }

  transport(
    key: string,
    hooks: {
      readonly alive: () => boolean;
      readonly intercept?: Interceptor;
      readonly sending: (channel: ConsensusChannel, message: Uint8Array) => void;
      readonly blocked: (peer: string, reason: string) => void;
    },
  ): ConsensusTransport {
    const send = (to: string, channel: ConsensusChannel, message: Uint8Array) => {
      const messages = hooks.intercept?.(to, channel, message) ?? [message];
      for (const sent of messages) this.#carry(key, to, channel, sent);
    };
    return {
      broadcast: (channel, message) => {
        if (!hooks.alive()) return;
        hooks.sending(channel, message);
        for (const peer of [...this.#endpoints.keys()].sort())
          if (peer !== key) send(peer, channel, message);
      },
      send: (peer, channel, message) => {
        if (!hooks.alive() || !this.reaches(key, peer)) return false;
        hooks.sending(channel, message);
        send(peer, channel, message);
        return true;
      },
      request: (peer, message, signal) => this.#request(key, peer, message, signal),
      connected: () => this.connectedTo(key),
      block: (peer, reason) => {
        if (hooks.alive()) hooks.blocked(peer, reason);
      },
    };
  }

  #separate(a: string, b: string): boolean {
    return this.#banned.has(`${a} ${b}`) || this.#banned.has(`${b} ${a}`);
  }

  #carry(from: string, to: string, channel: ConsensusChannel, message: Uint8Array): void {
    const { loss, duplication } = this.faults;
    const copies = this.#random.chance(duplication) ? 2 : 1;
    for (let copy = 0; copy < copies; copy++) {
      if (this.#random.chance(loss)) continue;
      this.#scheduler.after(this.#delay(), () => {
        if (!this.reaches(from, to)) return;
        this.onDelivery(from, to, channel, message);
        for (const endpoint of this.#endpoints.get(to) ?? [])
          endpoint.receive(channel, from, message);
      });
    }
  }

  #request(from: string, to: string, message: Uint8Array, signal: AbortSignal) {
    return new Promise<Uint8Array>((resolve, reject) => {
      signal.addEventListener("abort", () => reject(new Error("the request timed out")));
      if (!this.reaches(from, to)) return reject(new Error("not connected"));
      const { loss } = this.faults;
      if (this.#random.chance(loss)) return;
      this.#scheduler.after(this.#delay(), () => {
        const endpoint = this.#endpoints.get(to)?.[0];
        if (endpoint === undefined || !this.reaches(from, to)) return;
        const answer = endpoint.answer(from, message);
        if (this.#random.chance(loss)) return;
        this.#scheduler.after(this.#delay(), () => {
          if (this.reaches(to, from)) resolve(answer);
        });
      });
    });
  }

  #delay(): number {
    return this.#random.between(this.faults.minDelayMs, this.faults.maxDelayMs);
  }
}
