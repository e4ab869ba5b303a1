import type { Application } from "./ports.ts";
import {
  type ConsensusRequest,
  decodeRequest,
  encodeCertificates,
  encodeRange,
  MAX_CERTIFICATES,
  MAX_RANGE_BLOCKS,
  RANGE_BYTES,
} from "./requests.ts";
import type { Certificate } from "./messages.ts";
import type { Simplex } from "./simplex.ts";

/** A peer may ask this much at once, and this much per second; answers are larger than questions. */
const BUCKET = 256;
const REFILL_PER_SECOND = 128;
const RANGE_COST = 8;
const MAX_PEERS = 512;
const NOTHING = new Uint8Array();

/** Answers other nodes' requests from what is held here, within a budget per peer. */
export class Server {
  readonly #simplex: Simplex;
  readonly #application: Application;
  readonly #now: () => number;
  readonly #buckets = new Map<string, { tokens: number; at: number }>();

  constructor(simplex: Simplex, application: Application, now: () => number) {
    this.#simplex = simplex;
    this.#application = application;
    this.#now = now;
  }

  /**
   * @returns nothing at all to a peer that asks too much; it may ask again
   * @throws DecodeError when the message is no request
   */
  answer(peer: string, message: Uint8Array): Uint8Array {
    const request = decodeRequest(message);
    if (!this.#spend(peer, request.type === "range" ? RANGE_COST : 1)) return NOTHING;
    return this.#respond(request);
  }

  #respond(request: ConsensusRequest): Uint8Array {
    const { rounds } = this.#simplex;
    switch (request.type) {
      case "certificates":
        return encodeCertificates(rounds.serve(request.view).map(({ bytes }) => bytes));
      case "latest":
        return encodeCertificates(latestCertificates(this.#simplex).map(({ bytes }) => bytes));
      case "block":
        return this.#application.read(request.digest) ?? NOTHING;
      case "range":
        return encodeRange(this.#range(request.from));
    }
  }

  #range(from: number) {
    const blocks = [];
    let size = 0;
    for (let height = Math.max(1, from); blocks.length < MAX_RANGE_BLOCKS; height++) {
      const block = this.#application.readFinalized(height);
      if (block === undefined) break;
      size += block.bytes.length;
      if (blocks.length > 0 && size > RANGE_BYTES) break;
      blocks.push(block);
    }
    return blocks;
  }

  #spend(peer: string, cost: number): boolean {
    const now = this.#now();
    if (this.#buckets.size > MAX_PEERS) this.#buckets.clear();
    const bucket = this.#buckets.get(peer) ?? { tokens: BUCKET, at: now };
    const refilled = bucket.tokens + ((now - bucket.at) / 1000) * REFILL_PER_SECOND;
    bucket.tokens = Math.min(BUCKET, refilled);
    bucket.at = now;
    this.#buckets.set(peer, bucket);
    if (bucket.tokens < cost) return false;
    bucket.tokens -= cost;
    return true;
  }
}

/** What tells another node where consensus stands: newest finalization, way into the view, newest. */
export function latestCertificates(simplex: Simplex): Certificate[] {
  const { rounds, current, newest } = simplex;
  const found = new Set<Certificate>();
  for (const certificate of [rounds.lastFinalization, rounds.entryCertificate(current), newest])
    if (certificate !== undefined) found.add(certificate);
  return [...found].slice(0, MAX_CERTIFICATES);
}
