import { randomBytes } from "node:crypto";
import { toHex } from "../formats/bytes.ts";
import { AddressBook } from "./address-book.ts";
import { Answers } from "./answers.ts";
import { type Hello, INSTANCE_BYTES, judgeHello, type Refusal } from "./control.ts";
import type { Dialer } from "./dialer.ts";
import { parseEndpoint } from "./endpoints.ts";
import { Exchange } from "./exchange.ts";
import type { RawConnection } from "./host.ts";
import { KnownPeers } from "./known-peers.ts";
import { defaultLimits, type NetworkLimits } from "./limits.ts";
import { type NetworkMetrics, type NetworkOptions, noMetrics } from "./options.ts";
import type { Peer } from "./peer.ts";
import type { Channel, PeerInfo } from "./ports.ts";
import { isChannel, type LaneName } from "./protocols.ts";
import { type Offence, Reputation } from "./reputation.ts";
import { Roster } from "./roster.ts";
import { Session, type SessionEvents } from "./session.ts";

export type MessageListener = (peer: string, message: Uint8Array) => void;
export type PeersListener = (event: {
  readonly peer: PeerInfo;
  readonly connected: boolean;
}) => void;

const MAX_LOGGED_REFUSALS = 1024;

/** Where all sessions report to: decides who is let in, hands messages on, and keeps the score. */
export class Hub implements SessionEvents {
  readonly publicKey: string;
  readonly limits: NetworkLimits;
  readonly metrics: NetworkMetrics;
  readonly book: AddressBook;
  readonly known: KnownPeers;
  readonly roster: Roster;
  readonly answers: Answers;
  readonly exchange: Exchange;
  readonly listeners = new Map<Channel, MessageListener>();
  readonly peersListeners: PeersListener[] = [];
  /** Set while the network runs. */
  dialer: Dialer | undefined;
  readonly #options: NetworkOptions;
  readonly #instance = toHex(randomBytes(INSTANCE_BYTES));
  readonly #reputation = new Reputation();
  readonly #loggedRefusals = new Set<string>();

  /** @throws RangeError for an address or bootstrap peer that cannot be read */
  constructor(options: NetworkOptions) {
    this.#options = options;
    this.publicKey = toHex(options.key.publicKey);
    this.limits = { ...defaultLimits, ...options.limits };
    this.metrics = options.metrics ?? noMetrics;
    this.roster = new Roster(this.publicKey, this.limits);
    const isValidator = (publicKey: string) => this.known.isValidator(publicKey);
    this.book = new AddressBook({
      store: options.addressBook,
      logger: options.logger,
      maxFullNodes: this.limits.maxKnownFullNodes,
      isValidator,
    });
    this.known = new KnownPeers(this.publicKey, options, this.limits, this.book);
    this.answers = new Answers({
      limits: this.limits,
      logger: options.logger,
      metrics: this.metrics,
      peers: () => this.roster.peers.values(),
    });
    this.exchange = new Exchange({
      key: options.key,
      genesisHash: options.genesisHash,
      book: this.book,
      intervalMs: this.limits.peerExchangeIntervalMs,
      random: options.random ?? Math.random,
      isValidator,
      peers: () => [...this.roster.peers.keys()],
      send: (peer, message) => this.roster.peers.get(peer)?.offer("peers", message),
      badRecord: (peer, detail) => this.#penalize(peer, "bad-record", detail),
      learned: (publicKey) => {
        if (isValidator(publicKey)) this.dialer?.found(publicKey);
        else this.dialer?.wake();
      },
    });
  }

  isBanned(publicKey: string): boolean {
    return this.#reputation.banned(publicKey, performance.now());
  }

  /** Whether a key may have another connection. */
  admits(publicKey: string): boolean {
    return (
      !this.isBanned(publicKey) && this.roster.admits(publicKey, this.known.isValidator(publicKey))
    );
  }

  ban(publicKey: string, reason: string, banMs: number): void {
    this.#options.logger.warn({ peer: publicKey, reason, banMs }, "peer banned");
    this.metrics.banned();
    this.#reputation.ban(publicKey, banMs, performance.now());
    for (const session of this.roster.sessionsOf(publicKey)) session.abort(`banned: ${reason}`);
  }

  ownHello(): Hello {
    const { genesisHash, protocolVersion, nodeVersion, role } = this.#options;
    const height = this.height();
    return { genesisHash, protocolVersion, nodeVersion, role, height, instance: this.#instance };
  }

  height(): number {
    return this.#options.height();
  }

  judge(session: Session, hello: Hello): Refusal | undefined {
    const { publicKey, fromValidator } = session;
    if (this.isBanned(publicKey))
      return { code: "banned", reason: "this key is banned for a while" };
    const isKnown = this.roster.peers.has(publicKey) || this.known.isBootstrap(publicKey);
    const { maxFullNodes } = this.limits;
    if (!fromValidator && !isKnown && this.roster.fullNodes >= maxFullNodes)
      return { code: "too-many-peers", reason: `${maxFullNodes} full nodes are connected already` };
    return judgeHello(hello, this.#options, fromValidator);
  }

  ready(session: Session): void {
    const { publicKey, connection } = session;
    const peer = this.roster.accept(session, this.known.nameOf(publicKey));
    if (!peer) return;
    this.book.seen(publicKey);
    this.dialer?.reached(publicKey, connection.transport);
    this.#forgetRefusals(publicKey);
    const { transport, direction, address } = connection;
    const fields = { peer: publicKey, name: peer.name, transport, direction, address };
    this.#options.logger.info(fields, "peer connected");
    this.exchange.connected(publicKey);
    this.#tellPeers(peer, true);
  }

  refused(session: Session, { code, reason }: Refusal, by: "us" | "them"): void {
    const { publicKey, connection } = session;
    this.metrics.refused(code);
    this.dialer?.refused(publicKey);
    // A refused peer comes back again and again: once in the log is enough.
    const mark = `${publicKey} ${by} ${code} ${reason}`;
    if (this.#loggedRefusals.has(mark)) return;
    if (this.#loggedRefusals.size >= MAX_LOGGED_REFUSALS) this.#loggedRefusals.clear();
    this.#loggedRefusals.add(mark);
    const text = by === "us" ? "refused a peer" : "refused by a peer";
    this.#options.logger.warn({ peer: publicKey, address: connection.address, code, reason }, text);
  }

  pulse(session: Session, height: number, roundTripMs: number | undefined): void {
    const peer = this.roster.peers.get(session.publicKey);
    if (!peer || peer.session !== session) return;
    peer.height = height;
    if (roundTripMs === undefined) return;
    peer.roundTripMs = roundTripMs;
    this.metrics.roundTrip(roundTripMs);
  }

  message(session: Session, lane: LaneName, message: Uint8Array): void {
    const peer = this.roster.peers.get(session.publicKey);
    if (!peer) return;
    try {
      if (isChannel(lane)) this.#deliver(peer, lane, message);
      else if (lane === "sync") this.answers.question(peer, session, message);
      else {
        const host = parseEndpoint(session.connection.address).host;
        this.exchange.receive(peer.publicKey, host, message, performance.now());
      }
    } catch (error) {
      const offence = isChannel(lane) ? "listener-failed" : "bad-message";
      this.#penalize(peer.publicKey, offence, `${lane}: ${(error as Error).message}`);
    }
  }

  answer(session: Session, message: Uint8Array): void {
    this.roster.peers.get(session.publicKey)?.questions.answered(message);
  }

  takesQuestions(session: Session): boolean {
    const peer = this.roster.peers.get(session.publicKey);
    return peer !== undefined && this.answers.takes(peer, session);
  }

  offence(session: Session, offence: Offence, detail: string): void {
    this.#penalize(session.publicKey, offence, detail);
  }

  closed(session: Session, reason: string): void {
    const { publicKey, connection } = session;
    this.roster.sessions.delete(connection.id);
    this.metrics.connections(this.roster.sessions.size);
    const peer = this.roster.peers.get(publicKey);
    if (peer?.session !== session) {
      this.#options.logger.debug({ peer: publicKey, reason }, "connection closed");
      this.dialer?.wake();
      return;
    }
    this.roster.peers.delete(publicKey);
    peer.questions.disconnect();
    this.exchange.disconnected(publicKey);
    this.#options.logger.info({ peer: publicKey, name: peer.name, reason }, "peer disconnected");
    this.#tellPeers(peer, false);
    this.dialer?.lost(publicKey);
  }

  connected(connection: RawConnection): void {
    const isValidator = this.known.isValidator(connection.publicKey);
    const session = new Session(connection, isValidator, this);
    this.roster.sessions.set(connection.id, session);
    this.metrics.connections(this.roster.sessions.size);
    if (connection.direction === "outbound") void session.greet();
  }

  #deliver(peer: Peer, channel: Channel, message: Uint8Array): void {
    this.metrics.messageReceived(channel, message.length);
    this.listeners.get(channel)?.(peer.publicKey, message);
  }

  #penalize(publicKey: string, offence: Offence, detail: string): void {
    this.#options.logger.warn({ peer: publicKey, offence, detail }, "peer misbehaved");
    this.metrics.penalized(offence);
    if (this.#reputation.penalize(publicKey, offence, performance.now()))
      this.ban(publicKey, `${offence}: ${detail}`, this.limits.banMs);
  }

  #tellPeers(peer: Peer, connected: boolean): void {
    const event = { peer: peer.info(), connected };
    for (const listener of this.peersListeners) {
      try {
        listener(event);
      } catch (error) {
        const fields = { peer: peer.publicKey, reason: (error as Error).message };
        this.#options.logger.warn(fields, "a listener for peers failed");
      }
    }
  }

  #forgetRefusals(publicKey: string): void {
    for (const mark of this.#loggedRefusals)
      if (mark.startsWith(publicKey)) this.#loggedRefusals.delete(mark);
  }
}
