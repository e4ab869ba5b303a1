import { AddressGate } from "./address-gate.ts";
import type { Answerer } from "./answers.ts";
import { Dialer } from "./dialer.ts";
import { formatEndpoint, parseEndpoint, peerIdOfHex } from "./endpoints.ts";
import { type Host, type HostEvents, startHost } from "./host.ts";
import { Hub, type MessageListener, type PeersListener } from "./hub.ts";
import type { NetworkOptions } from "./options.ts";
import type { Channel, Network, PeerInfo } from "./ports.ts";
import { onlyValidatorsSpeak, protocolId, protocols } from "./protocols.ts";
import { RequestError } from "./questions.ts";

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

class PeerNetwork implements Network {
  readonly publicKey: string;
  readonly peerId: string;
  readonly #options: NetworkOptions;
  readonly #hub: Hub;
  readonly #gate: AddressGate;
  readonly #announce: readonly string[];
  #host: Host | undefined;
  #ticking: NodeJS.Timeout | undefined;
  #tickedAt = 0;
  #ticks = 0;
  #state: "new" | "started" | "stopped" = "new";

  constructor(options: NetworkOptions) {
    this.#options = options;
    this.#hub = new Hub(options);
    this.publicKey = this.#hub.publicKey;
    this.peerId = peerIdOfHex(this.publicKey);
    this.#gate = new AddressGate(this.#hub.limits);
    this.#announce = (options.announce ?? []).map((one) => formatEndpoint(parseEndpoint(one)));
  }

  get listenAddresses(): readonly string[] {
    return this.#host?.listenAddresses() ?? [];
  }

  peers(): readonly PeerInfo[] {
    return [...this.#hub.roster.peers.values()].map((peer) => peer.info());
  }

  /**
   * Queues a message for everybody in the audience. A full queue gives up its oldest messages, except
   * that a new transaction gives way to older ones. Nothing is sent on a consensus channel by a node
   * whose key is not in the genesis: nobody would accept it.
   */
  broadcast(channel: Channel, message: Uint8Array, audience: "validators" | "everyone"): void {
    this.#checkSize(channel, message);
    if (!this.#maySpeak(channel)) return;
    for (const peer of this.#hub.roster.peers.values()) {
      if (audience === "validators" && !peer.isValidator) continue;
      if (channel === "transactions") {
        if (!peer.offer(channel, message)) this.#hub.metrics.messageDropped(channel);
      } else {
        const dropped = peer.replaceOldest(channel, message);
        for (let i = 0; i < dropped; i += 1) this.#hub.metrics.messageDropped(channel);
      }
      this.#hub.metrics.messageSent(channel, message.length);
    }
  }

  send(publicKey: string, channel: Channel, message: Uint8Array): boolean {
    this.#checkSize(channel, message);
    const kept =
      this.#maySpeak(channel) && this.#hub.roster.peers.get(publicKey)?.offer(channel, message);
    if (!kept) return false;
    this.#hub.metrics.messageSent(channel, message.length);
    return true;
  }

  /** @throws RequestError with a code */
  async request(publicKey: string, message: Uint8Array, signal: AbortSignal): Promise<Uint8Array> {
    const peer = this.#hub.roster.peers.get(publicKey);
    if (!peer) throw new RequestError("not-connected", `request to ${publicKey}: not connected`);
    const startedAt = performance.now();
    try {
      const answer = await peer.questions.ask(message, signal);
      this.#hub.metrics.requested("answered", performance.now() - startedAt);
      return answer;
    } catch (error) {
      this.#hub.metrics.requested("failed", performance.now() - startedAt);
      throw error;
    }
  }

  onMessage(channel: Channel, listener: MessageListener): void {
    if (this.#hub.listeners.has(channel))
      throw new Error(`channel ${channel} has a listener already`);
    this.#hub.listeners.set(channel, listener);
  }

  onRequest(answer: Answerer): void {
    this.#hub.answers.answerer = answer;
  }

  onPeers(listener: PeersListener): void {
    this.#hub.peersListeners.push(listener);
  }

  ban(publicKey: string, reason: string, banMs: number = this.#hub.limits.banMs): void {
    this.#hub.ban(publicKey, reason, banMs);
  }

  async start(signal: AbortSignal): Promise<void> {
    signal.throwIfAborted();
    if (this.#state !== "new") throw new Error(`the network is ${this.#state} already`);
    this.#state = "started";
    const { key, listen, quic, tcp = true, logger } = this.#options;
    const { book, known, limits } = this.#hub;
    book.load();
    const maxConnections = (known.validatorCount + limits.maxFullNodes) * 4 + 16;
    const host = await startHost(
      { key, listen, quic, tcp, logger, maxConnections },
      this.#hostEvents(),
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
    this.#hub.dialer?.stop();
    this.#hub.dialer = undefined;
    const host = this.#host;
    this.#host = undefined;
    await Promise.all([...this.#hub.roster.sessions.values()].map((session) => session.close()));
    await host?.stop();
    this.#hub.book.save();
  }

  /** The state may have become another one during an await, which control flow analysis misses. */
  get #hasStopped(): boolean {
    return this.#state === "stopped";
  }

  #hostEvents(): HostEvents {
    return {
      protocols: protocols.map(protocolId),
      connection: (connection) => this.#hub.connected(connection),
      stream: (id, raw, connectionId) => {
        const protocol = protocols.find((one) => protocolId(one) === id);
        const session = this.#hub.roster.sessions.get(connectionId);
        if (session && protocol) session.acceptStream(protocol, raw);
        else raw.abort(new Error("the connection is not known"));
      },
      admitAddress: (host) => this.#gate.admit(host, performance.now()),
      admitKey: (publicKey) => this.#hub.admits(publicKey),
    };
  }

  #maySpeak(channel: Channel): boolean {
    return !onlyValidatorsSpeak(channel) || this.#hub.known.isValidator(this.publicKey);
  }

  #checkSize(channel: Channel, message: Uint8Array): void {
    const { maxMessageBytes } = this.#hub.limits.channels[channel];
    if (message.length === 0 || message.length > maxMessageBytes)
      throw new RangeError(
        `got a message of ${message.length} bytes for ${channel}, allowed: 1 to ${maxMessageBytes}`,
      );
  }

  #startLoops(host: Host): void {
    const own = this.#announce.length > 0 ? this.#announce : host.listenAddresses();
    this.#hub.exchange.announce(own, Date.now());
    this.#tickedAt = performance.now();
    this.#ticking = setInterval(() => this.#tick(), TICK_MS);
    this.#ticking.unref();
    this.#hub.dialer = this.#dialer(host);
    this.#hub.dialer.wake();
  }

  #dialer(host: Host): Dialer {
    const { known, roster, metrics, book, limits } = this.#hub;
    return new Dialer({
      limits,
      transports: host.transports,
      random: this.#options.random ?? Math.random,
      wanted: () => known.wanted(roster.peers.size, (publicKey) => this.#hub.isBanned(publicKey)),
      connected: (publicKey) => roster.has(publicKey),
      yields: (publicKey) => known.isValidator(publicKey) && this.publicKey > publicKey,
      dial: async (publicKey, endpoint, signal) => {
        try {
          await host.dial(publicKey, endpoint, signal);
          metrics.dialed(endpoint.transport, "connected");
        } catch (error) {
          metrics.dialed(endpoint.transport, "failed");
          throw error;
        }
      },
      failed: (publicKey, reason) => {
        book.failed(publicKey);
        this.#options.logger.debug({ peer: publicKey, reason }, "could not dial a peer");
      },
    });
  }

  #tick(): void {
    const now = performance.now();
    const late = now - this.#tickedAt > LATE_MS;
    this.#tickedAt = now;
    for (const session of [...this.#hub.roster.sessions.values()]) session.tick(now, late);
    this.#hub.exchange.tick(now);
    this.#ticks += 1;
    if (this.#ticks % SAVE_EVERY_TICKS === 0) this.#hub.book.save();
  }
}
