import { lookup } from "node:dns/promises";
import { isIPv6 } from "node:net";
import { noise } from "@chainsafe/libp2p-noise";
import { generateKeyPairFromSeed } from "@libp2p/crypto/keys";
import type { ComponentLogger, Connection, Logger, PeerId, Stream } from "@libp2p/interface";
import { tcp } from "@libp2p/tcp";
import { type Multiaddr, multiaddr } from "@multiformats/multiaddr";
import { createLibp2p } from "libp2p";
import { toHex } from "../formats/bytes.ts";
import type { SigningKey } from "../formats/ed25519.ts";
import { containedYamux } from "./contained-yamux.ts";
import { type Endpoint, formatEndpoint, peerIdOfHex, type Transport } from "./endpoints.ts";
import type { RawStream, RawStreamEvents } from "./frame-stream.ts";
import type { NetworkLogger } from "./options.ts";

/** One encrypted connection to a peer whose key is proven. */
export interface RawConnection {
  readonly id: string;
  /** 64 lower-case hexadecimal digits. */
  readonly publicKey: string;
  readonly direction: "inbound" | "outbound";
  readonly transport: Transport;
  /** Multiaddr of the other end, without peer id. */
  readonly address: string;
  open(protocol: string, signal: AbortSignal): Promise<RawStream>;
  onClose(listener: () => void): void;
  close(signal: AbortSignal): Promise<void>;
  abort(error: Error): void;
}

export interface HostEvents {
  readonly protocols: readonly string[];
  connection(connection: RawConnection): void;
  stream(protocol: string, stream: RawStream, connectionId: string): void;
  /** Whether an address may start another connection now. */
  admitAddress(host: string): boolean;
  /** Whether a key may have a connection now. */
  admitKey(publicKey: string): boolean;
}

export interface HostOptions {
  readonly key: SigningKey;
  readonly listen: { readonly host: string; readonly port: number };
  readonly tcp: boolean;
  readonly quic: boolean;
  readonly maxConnections: number;
  readonly logger: NetworkLogger;
}

/** libp2p reduced to what the node needs: listen, dial one endpoint, open and take streams. */
export interface Host {
  /** Transports that work on this machine. */
  readonly transports: readonly Transport[];
  listenAddresses(): string[];
  /** Resolves when the connection is up; it is reported through `connection` as well. */
  dial(publicKey: string, endpoint: Endpoint, signal: AbortSignal): Promise<void>;
  stop(): Promise<void>;
}

/** Tries of a port that is free for TCP and for UDP. */
const PORT_TRIES = 20;
/** QUIC ends a silent connection after this time, and sends something more often than that. */
const QUIC_IDLE_MS = 10_000;
const QUIC_KEEP_ALIVE_MS = 4_000;
/** The library has one number for all addresses; `admitAddress` decides instead. */
const UNLIMITED_PER_SECOND = 1_000_000;

export async function startHost(options: HostOptions, events: HostEvents): Promise<Host> {
  const quic = options.quic ? await loadQuic(options.logger) : undefined;
  if (!options.tcp && !quic)
    throw new Error("got no transport: allowed are TCP, QUIC or both, and QUIC is not available");
  const libp2p = await createLibp2p<{ transports: Transports }>({
    start: false,
    privateKey: await generateKeyPairFromSeed("Ed25519", options.key.seed()),
    logger: silentLogger,
    transports: [
      ...(options.tcp ? [tcp()] : []),
      ...(quic
        ? [quic({ maxIdleTimeout: QUIC_IDLE_MS, keepAliveInterval: QUIC_KEEP_ALIVE_MS })]
        : []),
    ],
    connectionEncrypters: [noise()],
    streamMuxers: [containedYamux],
    connectionGater: gater(events),
    connectionManager: {
      maxConnections: options.maxConnections,
      maxIncomingPendingConnections: options.maxConnections,
      inboundConnectionThreshold: UNLIMITED_PER_SECOND,
    },
    connectionMonitor: { enabled: false },
    services: {
      // Below the dial queue: that one joins a new dial to a pending one of the same peer, so a dead
      // QUIC address would hold up the TCP address behind it.
      transports: ({ transportManager }): Transports => ({
        dial: (address, signal) => transportManager.dial(address, { signal }),
        listen: async (addresses) => transportManager.listen(addresses),
        listeners: () => transportManager.getListeners(),
        addresses: () => transportManager.getAddrs(),
      }),
    },
  });
  const { transports } = libp2p.services;
  libp2p.addEventListener("connection:open", ({ detail }) => events.connection(adapt(detail)));
  for (const protocol of events.protocols)
    await libp2p.handle(
      protocol,
      (stream, connection) => events.stream(protocol, adaptStream(stream), connection.id),
      { maxInboundStreams: 1, maxOutboundStreams: 1 },
    );
  await libp2p.start();
  try {
    await listen(transports, options, quic !== undefined);
  } catch (error) {
    await libp2p.stop();
    throw error;
  }
  return {
    transports: [...(options.tcp ? ["tcp" as const] : []), ...(quic ? ["quic" as const] : [])],
    listenAddresses: () => transports.addresses().map(String),
    dial: async (publicKey, endpoint, signal) => {
      await during(signal, async (own) => {
        const address = formatEndpoint(await resolve(endpoint));
        own.throwIfAborted();
        await transports.dial(multiaddr(`${address}/p2p/${peerIdOfHex(publicKey)}`), own);
      });
    },
    stop: async () => libp2p.stop(),
  };
}

interface Transports {
  dial(address: Multiaddr, signal: AbortSignal): Promise<unknown>;
  listen(addresses: Multiaddr[]): Promise<void>;
  listeners(): readonly { close(): Promise<void> }[];
  addresses(): Multiaddr[];
}

async function loadQuic(logger: NetworkLogger) {
  try {
    return (await import("@chainsafe/libp2p-quic")).quic;
  } catch (error) {
    logger.warn(
      { reason: (error as Error).message.split("\n")[0] },
      "QUIC is not available on this machine; continuing with TCP only",
    );
    return undefined;
  }
}

async function listen(transports: Transports, options: HostOptions, quic: boolean): Promise<void> {
  const { host, port } = options.listen;
  const ip = `/${isIPv6(host) ? "ip6" : "ip4"}/${host}`;
  const tries = port === 0 ? PORT_TRIES : 1;
  for (let attempt = 1; ; attempt += 1) {
    let taken = port;
    try {
      if (options.tcp) {
        await transports.listen([multiaddr(`${ip}/tcp/${port}`)]);
        taken = Number(transports.addresses()[0]?.getComponents()[1]?.value ?? port);
      }
      if (quic) await transports.listen([multiaddr(`${ip}/udp/${taken}/quic-v1`)]);
      return;
    } catch (error) {
      for (const listener of [...transports.listeners()]) await listener.close();
      if (attempt === tries) throw listenProblem(options, taken, error as Error);
    }
  }
}

function listenProblem({ listen, tcp }: HostOptions, port: number, error: Error): Error {
  const kind = tcp ? "TCP or UDP" : "UDP";
  return new Error(
    `cannot listen on ${listen.host}, ${kind} port ${port}: ${rootMessage(error)}; choose another address or port, or stop what uses it`,
    { cause: error },
  );
}

/** The library puts the stacks of all listeners into one message; the first line of one tells. */
function rootMessage({ message }: Error): string {
  return /^\s*\/\S+: (?:\w*Error: )?(.+)$/m.exec(message)?.[1] ?? message;
}

async function resolve(endpoint: Endpoint): Promise<Endpoint> {
  if (endpoint.kind === "ip4" || endpoint.kind === "ip6") return endpoint;
  const family = endpoint.kind === "dns4" ? 4 : endpoint.kind === "dns6" ? 6 : 0;
  const found = await lookup(endpoint.host, { family });
  return { ...endpoint, kind: found.family === 4 ? "ip4" : "ip6", host: found.address };
}

/**
 * Runs something with a signal of its own that follows `signal` only until it is done. A TCP socket
 * keeps the signal that it was dialed with and is destroyed when that one is aborted, even hours
 * later. A QUIC dial does not stop when it is aborted: it is left alone, and its late connection is
 * sorted out as a duplicate.
 */
async function during<T>(
  signal: AbortSignal,
  action: (signal: AbortSignal) => Promise<T>,
): Promise<T> {
  signal.throwIfAborted();
  const controller = new AbortController();
  const aborted = Promise.withResolvers<never>();
  const abort = () => {
    controller.abort(signal.reason);
    aborted.reject(signal.reason as Error);
  };
  signal.addEventListener("abort", abort, { once: true });
  try {
    return await Promise.race([action(controller.signal), aborted.promise]);
  } finally {
    signal.removeEventListener("abort", abort);
  }
}

function keyOf(peerId: PeerId): string | undefined {
  return peerId.type === "Ed25519" ? toHex(peerId.publicKey.raw) : undefined;
}

function gater(events: HostEvents) {
  const denied = (peerId: PeerId): boolean => {
    const key = keyOf(peerId);
    return key === undefined || !events.admitKey(key);
  };
  return {
    denyInboundConnection: ({ remoteAddr }: { remoteAddr: Multiaddr }) =>
      !events.admitAddress(remoteAddr.getComponents()[0]?.value ?? ""),
    denyInboundEncryptedConnection: denied,
    denyOutboundEncryptedConnection: denied,
  };
}

function adapt(connection: Connection): RawConnection {
  const parts = connection.remoteAddr.getComponents().filter(({ name }) => name !== "p2p");
  return {
    id: connection.id,
    publicKey: keyOf(connection.remotePeer) ?? "",
    direction: connection.direction,
    transport: parts.some(({ name }) => name === "quic-v1") ? "quic" : "tcp",
    address: multiaddr(parts).toString(),
    open: async (protocol, signal) =>
      during(signal, async (own) =>
        adaptStream(await connection.newStream(protocol, { signal: own, maxOutboundStreams: 1 })),
      ),
    onClose: (listener) => connection.addEventListener("close", listener, { once: true }),
    close: (signal) => connection.close({ signal }),
    abort: (error) => connection.abort(error),
  };
}

function adaptStream(stream: Stream): RawStream {
  const adapters: { [E in keyof RawStreamEvents]: (listener: Listener<E>) => void } = {
    message: (listener) =>
      stream.addEventListener("message", ({ data }) => listener(data.subarray())),
    drain: (listener) => stream.addEventListener("drain", () => listener()),
    remoteCloseWrite: (listener) => stream.addEventListener("remoteCloseWrite", () => listener()),
    close: (listener) => {
      stream.addEventListener("close", ({ error }) => listener(error));
      if (stream.status !== "open") queueMicrotask(() => listener(undefined));
    },
  };
  return {
    send: (data) => stream.send(data),
    abort: (error) => stream.abort(error),
    on: (event, listener) => adapters[event](listener),
  };
}

type Listener<E extends keyof RawStreamEvents> = (argument: RawStreamEvents[E]) => void;

const nothing = (): void => undefined;
/** libp2p logs by formatting in the hot path; the node has its own log. */
const silent: Logger = Object.assign(nothing, {
  error: nothing,
  trace: nothing,
  enabled: false,
  newScope: (): Logger => silent,
});
const silentLogger: ComponentLogger = { forComponent: () => silent };
