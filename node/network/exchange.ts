import { DecodeError } from "../formats/binary.ts";
import { toHex } from "../formats/bytes.ts";
import type { SigningKey } from "../formats/ed25519.ts";
import type { AddressBook } from "./address-book.ts";
import { parseEndpoint, type Reach, reachOf } from "./endpoints.ts";
import {
  decodePeerRecord,
  decodePeers,
  encodePeers,
  MAX_RECORDS_PER_MESSAGE,
  type PeerRecord,
  type PeersMessage,
  signPeerRecord,
  verifyPeerRecord,
} from "./peer-record.ts";
import { TokenBucket } from "./token-bucket.ts";

export interface ExchangeOptions {
  readonly key: SigningKey;
  readonly genesisHash: string;
  readonly book: AddressBook;
  readonly intervalMs: number;
  readonly random: () => number;
  isValidator(publicKey: string): boolean;
  /** Connected peers. */
  peers(): readonly string[];
  send(peer: string, message: Uint8Array): void;
  /** A record that is forged or of another chain. */
  badRecord(peer: string, detail: string): void;
  /** Somebody new, or somewhere new. */
  learned(publicKey: string): void;
}

/** Checking the record of an unknown key costs a millisecond, and keys are free to make. */
const STRANGERS_CHECKED_PER_SECOND = 20;
const STRANGERS_BURST_SECONDS = 5;
const ANSWER_EVERY_MS = 1_000;
const reaches: readonly Reach[] = ["loopback", "private", "public"];

/**
 * Peer exchange: everybody tells its own signed record when it connects and asks for others; news of
 * validators is passed on, at most one message per peer and tick. There is no table shared by all.
 */
export class Exchange {
  readonly #options: ExchangeOptions;
  readonly #self: string;
  #addresses: readonly string[] = [];
  #sequence = 0;
  #own: Uint8Array | undefined;
  /** Records to pass on at the next tick, and whom they came from. */
  readonly #news = new Map<string, string>();
  readonly #answeredAt = new Map<string, number>();
  readonly #strangers = new TokenBucket(
    STRANGERS_CHECKED_PER_SECOND,
    STRANGERS_BURST_SECONDS,
    performance.now(),
  );
  #askedAt = 0;

  constructor(options: ExchangeOptions) {
    this.#options = options;
    this.#self = toHex(options.key.publicKey);
  }

  /** Signs this node's own record. */
  announce(addresses: readonly string[], sequence: number): void {
    const { key, genesisHash } = this.#options;
    this.#addresses = addresses;
    this.#sequence = sequence;
    this.#own = signPeerRecord(key, genesisHash, { sequence, addresses });
  }

  connected(peer: string): void {
    if (this.#own) this.#send(peer, { kind: "records", records: [this.#own] });
    this.#send(peer, { kind: "ask" });
  }

  disconnected(peer: string): void {
    this.#answeredAt.delete(peer);
  }

  tick(now: number): void {
    this.#passOn();
    if (now - this.#askedAt < this.#options.intervalMs) return;
    this.#askedAt = now;
    const peers = this.#options.peers();
    const peer = peers[Math.floor(this.#options.random() * peers.length)];
    if (peer !== undefined) this.#send(peer, { kind: "ask" });
  }

  /**
   * @param host IP address of the peer: what it says of addresses nearer than itself is not believed
   * @throws DecodeError
   */
  receive(peer: string, host: string, bytes: Uint8Array, now: number): void {
    const message = decodePeers(bytes);
    if (message.kind === "ask") this.#answer(peer, now);
    else for (const record of message.records) this.#take(peer, host, record, now);
  }

  #answer(peer: string, now: number): void {
    const answeredAt = this.#answeredAt.get(peer) ?? -Infinity;
    if (now - answeredAt < ANSWER_EVERY_MS) return;
    this.#answeredAt.set(peer, now);
    const { book, isValidator, random } = this.#options;
    const shuffled = book
      .keys()
      .filter((key) => key !== peer && key !== this.#self)
      .map((key) => ({ key, order: Number(isValidator(key)) + random() }))
      .sort((a, b) => b.order - a.order);
    const records = shuffled.map(({ key }) => book.record(key)).filter((one) => one !== undefined);
    if (records.length > 0) this.#send(peer, { kind: "records", records });
  }

  #take(peer: string, host: string, bytes: Uint8Array, now: number): void {
    const { book, genesisHash, isValidator, badRecord, learned } = this.#options;
    const record = decodeOrBlame(bytes);
    const isSelf = record.publicKey === this.#self;
    const known = isSelf ? this.#sequence : book.sequence(record.publicKey);
    if (record.sequence <= known) return;
    const addresses = believable(record, host);
    if (!isSelf && addresses.length === 0) return;
    if (!isSelf && !isValidator(record.publicKey) && !this.#strangers.take(1, now)) return;
    if (!verifyPeerRecord(bytes, genesisHash))
      return badRecord(peer, `forged record of ${record.publicKey}`);
    // An own record from the future: the clock went back. Take the lead over it again.
    if (isSelf) return this.#reannounce(record.sequence + 1);
    if (!book.learn(record, bytes, addresses)) return;
    if (record.publicKey === peer && isValidator(peer)) this.#news.set(peer, peer);
    learned(record.publicKey);
  }

  #reannounce(sequence: number): void {
    this.announce(this.#addresses, sequence);
    for (const peer of this.#options.peers())
      this.#send(peer, { kind: "records", records: [this.#own as Uint8Array] });
  }

  #passOn(): void {
    if (this.#news.size === 0) return;
    const subjects = [...this.#news.keys()].slice(0, MAX_RECORDS_PER_MESSAGE);
    for (const subject of subjects) this.#news.delete(subject);
    for (const peer of this.#options.peers()) {
      const records = subjects
        .filter((subject) => subject !== peer)
        .map((subject) => this.#options.book.record(subject))
        .filter((record) => record !== undefined);
      if (records.length > 0) this.#send(peer, { kind: "records", records });
    }
  }

  #send(peer: string, message: PeersMessage): void {
    this.#options.send(peer, encodePeers(message));
  }
}

function decodeOrBlame(bytes: Uint8Array): PeerRecord {
  const record = decodePeerRecord(bytes);
  if (record.addresses.length === 0) throw new DecodeError("got a peer record without addresses");
  return record;
}

/** A peer at a public address has no business telling about loopback or private addresses. */
function believable(record: PeerRecord, host: string): string[] {
  const nearest = reaches.indexOf(reachOf(host));
  return record.addresses.filter(
    (address) => reaches.indexOf(reachOf(parseEndpoint(address).host)) >= nearest,
  );
}
