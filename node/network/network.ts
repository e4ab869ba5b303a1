import { randomBytes } from "node:crypto";
import { toHex } from "../formats/bytes.ts";
import { AddressBook } from "./address-book.ts";
import { AddressGate } from "./address-gate.ts";
import { type Answerer, Answers } from "./answers.ts";
import { type Hello, INSTANCE_BYTES, judgeHello, type Refusal } from "./control.ts";
import { Dialer } from "./dialer.ts";
import { formatEndpoint, parseEndpoint, peerIdOfHex } from "./endpoints.ts";
import { Exchange } from "./exchange.ts";
import { type Host, type RawConnection, startHost } from "./host.ts";
import { KnownPeers } from "./known-peers.ts";
import { defaultLimits, type NetworkLimits } from "./limits.ts";
import { type NetworkMetrics, type NetworkOptions, noMetrics } from "./options.ts";
import type { Peer } from "./peer.ts";
import type { Channel, Network, PeerInfo } from "./ports.ts";
import {
  isChannel,
  type LaneName,
  onlyValidatorsSpeak,
  protocolId,
  protocols,
} from "./protocols.ts";
import { RequestError } from "./questions.ts";
import { type Offence, Reputation } from "./reputation.ts";
import { Roster } from "./roster.ts";
import { Session, type SessionEvents } from "./session.ts";

type MessageListener = (peer: string, message: Uint8Array) => void;
type PeersListener = (event: { readonly peer: PeerInfo; readonly connected: boolean }) => void;

const TICK_MS = 1_000;
/** A tick this late means that the process or the machine slept. */
const LATE_MS = 3_000;
const SAVE_EVERY_TICKS = 30;

/**
 * The network of one node: connections to validators and other nodes, and what they say.
 *
 * @throws RangeError for an address or bootstrap peer that cannot be read
 */
export function createNetwork(options: NetworkOptions): Network {
  return new PeerNetwork(options);
}

class PeerNetwork implements Network, SessionEvents {
  readonly publicKey: string;
  readonly peerId: string;
  readonly limits: NetworkLimits;
  readonly #options: NetworkOptions;
  readonly #metrics: NetworkMetrics;
  readonly #random: () => number;
  readonly #instance = toHex(randomBytes(INSTANCE_BYTES));
  readonly #announce: readonly string[];
  readonly #book: AddressBook;
  readonly #known: KnownPeers;
  readonly #roster: Roster;
  readonly #gate: AddressGate;
  readonly #answers: Answers;
  readonly #exchange: Exchange;
  readonly #reputation = new Reputation();
  readonly #listeners = new Map<Channel, MessageListener>();
  readonly #peersListeners: PeersListener[] = [];
  readonly #loggedRefusals = new Set<string>();
  #host: Host | undefined;
  #dialer: Dialer | undefined;
  #ticking: NodeJS.Timeout | undefined;
  #tickedAt = 0;
  #ticks = 0;
  #state: "new" | "started" | "stopped" = "new";

  constructor(options: NetworkOptions) {
    this.#options = options;
    this.publicKey = toHex(options.key.publicKey);
    this.peerId = peerIdOfHex(this.publicKey);
    this.limits = { ...defaultLimits, ...options.limits };
    this.#metrics = options.metrics ?? noMetrics;
    this.#random = options.random ?? Math.random;
    this.#announce = (options.announce ?? []).map((one) => formatEndpoint(parseEndpoint(one)));
    this.#gate = new AddressGate(this.limits);
    this.#roster = new Roster(this.publicKey, this.limits);
    const isValidator = (publicKey: string) => this.#known.isValidator(publicKey);
    this.#book = new AddressBook({
      store: options.addressBook,
      logger: options.logger,
      maxFullNodes: this.limits.maxKnownFullNodes,
      isValidator,
    });
    this.#known = new KnownPeers(this.publicKey, options, this.limits, this.#book);
    this.#answers = new Answers({
      limits: this.limits,
      logger: options.logger,
      metrics: this.#metrics,
      peers: () => this.#roster.peers.values(),
    });
    this.#exchange = new Exchange({
      key: options.key,
      genesisHash: options.genesisHash,
      book: this.#book,
      intervalMs: this.limits.peerExchangeIntervalMs,
      random: this.#random,
      isValidator,
      peers: () => [...this.#roster.peers.keys()],
      send: (peer, message) => this.#roster.peers.get(peer)?.offer("peers", message),
      badRecord: (peer, detail) => this.#penalize(peer, "bad-record", detail),
      learned: (publicKey) => {
        if (isValidator(publicKey)) this.#dialer?.found(publicKey);
        else this.#dialer?.wake();
      },
    });
  }

  get listenAddresses(): readonly string[] {
    return this.#host?.listenAddresses() ?? [];
  }

  peers(): readonly PeerInfo[] {
    return [...this.#roster.peers.values()].map((peer) => peer.info());
  }

  /**
   * Queues a message for everybody in the audience. A full queue gives up its oldest messages, except
   * that a new transaction gives way to older ones. Nothing is sent on a consensus channel by a node
   * whose key is not in the genesis: nobody would accept it.
   */
  broadcast(channel: Channel, message: Uint8Array, audience: "validators" | "everyone"): void {
    this.#checkSize(channel, message);
    if (!this.#maySpeak(channel)) return;
    for (const peer of this.#roster.peers.values()) {
      if (audience === "validators" && !peer.isValidator) continue;
      if (channel === "transactions") {
        if (!peer.offer(channel, message)) this.#metrics.messageDropped(channel);
      } else {
        const dropped = peer.replaceOldest(channel, message);
        for (let i = 0; i < dropped; i += 1) this.#metrics.messageDropped(channel);
      }
      this.#metrics.messageSent(channel, message.length);
    }
  }

  send(publicKey: string, channel: Channel, message: Uint8Array): boolean {
    this.#checkSize(channel, message);
    const kept =
      this.#maySpeak(channel) && this.#roster.peers.get(publicKey)?.offer(channel, message);
    if (!kept) return false;
    this.#metrics.messageSent(channel, message.length);
    return true;
  }

  /** @throws RequestError with a code */
  async request(publicKey: string, message: Uint8Array, signal: AbortSignal): Promise<Uint8Array> {
    const peer = this.#roster.peers.get(publicKey);
    if (!peer) throw new RequestError("not-connected", `request to ${publicKey}: not connected`);
    const startedAt = performance.now();
    try {
      const answer = await peer.questions.ask(message, signal);
      this.#metrics.requested("answered", performance.now() - startedAt);
      return answer;
    } catch (error) {
      this.#metrics.requested("failed", performance.now() - startedAt);
      throw error;
    }
  }

  onMessage(channel: Channel, listener: MessageListener): void {
    if (this.#listeners.has(channel)) throw new Error(`channel ${channel} has a listener already`);
    this.#listeners.set(channel, listener);
  }

  onRequest(answer: Answerer): void {
    this.#answers.answerer = answer;
  }

  onPeers(listener: PeersListener): void {
    this.#peersListeners.push(listener);
  }

  ban(publicKey: string, reason: string, banMs: number = this.limits.banMs): void {
    this.#options.logger.warn({ peer: publicKey, reason, banMs }, "peer banned");
    this.#metrics.banned();
    this.#reputation.ban(publicKey, banMs, performance.now());
    for (const session of this.#roster.sessionsOf(publicKey)) session.abort(`banned: ${reason}`);
  }

  async start(signal: AbortSignal): Promise<void> {
    signal.throwIfAborted();
    if (this.#state !== "new") throw new Error(`the network is ${this.#state} already`);
    this.#state = "started";
    const { key, listen, quic, tcp = true, logger } = this.#options;
    this.#book.load();
    const maxConnections = (this.#known.validatorCount + this.limits.maxFullNodes) * 4 + 16;
    const host = await startHost(
      { key, listen, quic, tcp, logger, maxConnections },
      {
        protocols: protocols.map(protocolId),
        connection: (connection) => this.#connected(connection),
        stream: (id, raw, connectionId) => {
          const protocol = protocols.find((one) => protocolId(one) === id);
          const session = this.#roster.sessions.get(connectionId);
          if (session && protocol) session.acceptStream(protocol, raw);
          else raw.abort(new Error("the connection is not known"));
        },
        admitAddress: (host) => this.#gate.admit(host, performance.now()),
        admitKey: (publicKey) =>
          !this.#reputation.banned(publicKey, performance.now()) &&
          this.#roster.admits(publicKey, this.#known.isValidator(publicKey)),
      },
    );
    this.#host = host;
    if (signal.aborted || this.#hasStopped) {
      await this.stop();
      signal.throwIfAborted();
      throw new Error("the network was stopped while it started");
    }
    this.#startLoops(host);
  }

  async stop(): Promise<void> {
    this.#state = "stopped";
    clearInterval(this.#ticking);
    this.#dialer?.stop();
    this.#dialer = undefined;
    const host = this.#host;
    this.#host = undefined;
    await Promise.all([...this.#roster.sessions.values()].map((session) => session.close()));
    await host?.stop();
    this.#book.save();
  }

  // What sessions ask and tell.

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
    if (this.#reputation.banned(publicKey, performance.now()))
      return { code: "banned", reason: "this key is banned for a while" };
    const isKnown = this.#roster.peers.has(publicKey) || this.#known.isBootstrap(publicKey);
    const { maxFullNodes } = this.limits;
    if (!fromValidator && !isKnown && this.#roster.fullNodes >= maxFullNodes)
      return { code: "too-many-peers", reason: `${maxFullNodes} full nodes are connected already` };
    return judgeHello(hello, this.#options, fromValidator);
  }

  ready(session: Session): void {
    const { publicKey, connection } = session;
    const peer = this.#roster.accept(session, this.#known.nameOf(publicKey));
    if (!peer) return;
    this.#book.seen(publicKey);
    this.#dialer?.reached(publicKey, connection.transport);
    this.#forgetRefusals(publicKey);
    const { transport, direction, address } = connection;
    const fields = { peer: publicKey, name: peer.name, transport, direction, address };
    this.#options.logger.info(fields, "peer connected");
    this.#exchange.connected(publicKey);
    this.#tellPeers(peer, true);
  }

  refused(session: Session, { code, reason }: Refusal, by: "us" | "them"): void {
    const { publicKey, connection } = session;
    this.#metrics.refused(code);
    this.#dialer?.refused(publicKey);
    // A refused peer comes back again and again: once in the log is enough.
    const mark = `${publicKey} ${by} ${code} ${reason}`;
    if (this.#loggedRefusals.has(mark)) return;
    if (this.#loggedRefusals.size >= 1024) this.#loggedRefusals.clear();
    this.#loggedRefusals.add(mark);
    const text = by === "us" ? "refused a peer" : "refused by a peer";
    this.#options.logger.warn({ peer: publicKey, address: connection.address, code, reason }, text);
  }

  pulse(session: Session, height: number, roundTripMs: number | undefined): void {
    const peer = this.#roster.peers.get(session.publicKey);
    if (!peer || peer.session !== session) return;
    peer.height = height;
    if (roundTripMs === undefined) return;
    peer.roundTripMs = roundTripMs;
    this.#metrics.roundTrip(roundTripMs);
  }

  message(session: Session, lane: LaneName, message: Uint8Array): void {
    const peer = this.#roster.peers.get(session.publicKey);
    if (!peer) return;
    try {
      if (isChannel(lane)) this.#deliver(peer, lane, message);
      else if (lane === "sync") this.#answers.question(peer, session, message);
      else {
        const host = parseEndpoint(session.connection.address).host;
        this.#exchange.receive(peer.publicKey, host, message, performance.now());
      }
    } catch (error) {
      const offence = isChannel(lane) ? "listener-failed" : "bad-message";
      this.#penalize(peer.publicKey, offence, `${lane}: ${(error as Error).message}`);
    }
  }

  answer(session: Session, message: Uint8Array): void {
    this.#roster.peers.get(session.publicKey)?.questions.answered(message);
  }

  takesQuestions(session: Session): boolean {
    const peer = this.#roster.peers.get(session.publicKey);
    return peer !== undefined && this.#answers.takes(peer, session);
  }

  offence(session: Session, offence: Offence, detail: string): void {
    this.#penalize(session.publicKey, offence, detail);
  }

  closed(session: Session, reason: string): void {
    const { publicKey, connection } = session;
    this.#roster.sessions.delete(connection.id);
    this.#metrics.connections(this.#roster.sessions.size);
    const peer = this.#roster.peers.get(publicKey);
    if (peer?.session !== session) {
      this.#options.logger.debug({ peer: publicKey, reason }, "connection closed");
      this.#dialer?.wake();
      return;
    }
    this.#roster.peers.delete(publicKey);
    peer.questions.disconnect();
    this.#exchange.disconnected(publicKey);
    this.#options.logger.info({ peer: publicKey, name: peer.name, reason }, "peer disconnected");
    this.#tellPeers(peer, false);
    this.#dialer?.lost(publicKey);
  }

  #connected(connection: RawConnection): void {
    const isValidator = this.#known.isValidator(connection.publicKey);
    const session = new Session(connection, isValidator, this);
    this.#roster.sessions.set(connection.id, session);
    this.#metrics.connections(this.#roster.sessions.size);
    if (connection.direction === "outbound") void session.greet();
  }

  #deliver(peer: Peer, channel: Channel, message: Uint8Array): void {
    this.#metrics.messageReceived(channel, message.length);
    this.#listeners.get(channel)?.(peer.publicKey, message);
  }

  #penalize(publicKey: string, offence: Offence, detail: string): void {
    this.#options.logger.warn({ peer: publicKey, offence, detail }, "peer misbehaved");
    this.#metrics.penalized(offence);
    if (this.#reputation.penalize(publicKey, offence, performance.now()))
      this.ban(publicKey, `${offence}: ${detail}`);
  }

  #tellPeers(peer: Peer, connected: boolean): void {
    const event = { peer: peer.info(), connected };
    for (const listener of this.#peersListeners) {
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

  get #hasStopped(): boolean {
    return this.#state === "stopped";
  }

  #maySpeak(channel: Channel): boolean {
    return !onlyValidatorsSpeak(channel) || this.#known.isValidator(this.publicKey);
  }

  #checkSize(channel: Channel, message: Uint8Array): void {
    const { maxMessageBytes } = this.limits.channels[channel];
    if (message.length === 0 || message.length > maxMessageBytes)
      throw new RangeError(
        `got a message of ${message.length} bytes for ${channel}, allowed: 1 to ${maxMessageBytes}`,
      );
  }

  #startLoops(host: Host): void {
    const own = this.#announce.length > 0 ? this.#announce : host.listenAddresses();
    this.#exchange.announce(own, Date.now());
    this.#dialer = new Dialer({
      limits: this.limits,
      transports: host.transports,
      random: this.#random,
      wanted: () => {
        const now = performance.now();
        return this.#known.wanted(this.#roster.peers.size, (one) =>
          this.#reputation.banned(one, now),
        );
      },
      connected: (publicKey) => this.#roster.has(publicKey),
      yields: (publicKey) => this.#known.isValidator(publicKey) && this.publicKey > publicKey,
      dial: async (publicKey, endpoint, signal) => {
        const { transport } = endpoint;
        try {
          await host.dial(publicKey, endpoint, signal);
          this.#metrics.dialed(transport, "connected");
        } catch (error) {
          this.#metrics.dialed(transport, "failed");
          throw error;
        }
      },
      failed: (publicKey, reason) => {
        this.#book.failed(publicKey);
        this.#options.logger.debug({ peer: publicKey, reason }, "could not dial a peer");
      },
    });
    this.#tickedAt = performance.now();
    this.#ticking = setInterval(() => this.#tick(), TICK_MS);
    this.#ticking.unref();
    this.#dialer.wake();
  }

  #tick(): void {
    const now = performance.now();
    const late = now - this.#tickedAt > LATE_MS;
    this.#tickedAt = now;
    for (const session of [...this.#roster.sessions.values()]) session.tick(now, late);
    this.#exchange.tick(now);
    this.#ticks += 1;
    if (this.#ticks % SAVE_EVERY_TICKS === 0) this.#book.save();
  }
}
