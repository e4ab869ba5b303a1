import type { SigningKey } from "../formats/ed25519.ts";
import type { NetworkLimits } from "./limits.ts";
import type { Channel, Role } from "./ports.ts";

/** The part of a pino logger that the network uses. */
export interface NetworkLogger {
  debug(fields: object, message: string): void;
  info(fields: object, message: string): void;
  warn(fields: object, message: string): void;
}

/** Counts what the network does. Called often, so an implementation must be cheap. */
export interface NetworkMetrics {
  messageSent(channel: Channel, bytes: number): void;
  messageReceived(channel: Channel, bytes: number): void;
  /** A message for a slow or absent peer was given up. */
  messageDropped(channel: Channel): void;
  /** Open connections, also those whose hello is still awaited. */
  connections(open: number): void;
  dialed(transport: "tcp" | "quic", outcome: "connected" | "failed"): void;
  /** A hello was refused, here or by the other side. */
  refused(code: string): void;
  penalized(reason: string): void;
  banned(): void;
  requested(outcome: "answered" | "failed", durationMs: number): void;
  answered(outcome: "answered" | "failed"): void;
  roundTrip(durationMs: number): void;
}

/** A peer as the address book keeps it between two runs. */
export interface StoredPeer {
  /** 64 lower-case hexadecimal digits. */
  readonly publicKey: string;
  /** Multiaddrs without peer id. */
  readonly addresses: readonly string[];
  /** Grows with every record that the peer signs; 0 without one. */
  readonly sequence: number;
  /** The signed record, in hexadecimal, for passing it on. */
  readonly record?: string;
  /** Unix time in milliseconds of the last accepted hello; 0 for never. */
  readonly lastSeenMs: number;
  /** Dials in a row that failed. */
  readonly failures: number;
}

export interface AddressBookStore {
  load(): readonly StoredPeer[];
  save(peers: readonly StoredPeer[]): void;
}

export interface NetworkValidator {
  readonly name: string;
  /** 64 lower-case hexadecimal digits. */
  readonly publicKey: string;
  /** Multiaddr without peer id, such as /ip4/203.0.113.7/tcp/9000. */
  readonly p2pAddress?: string | undefined;
}

export interface NetworkOptions {
  readonly key: SigningKey;
  /** 64 lower-case hexadecimal digits. */
  readonly genesisHash: string;
  /** The genesis keys; may contain this node. */
  readonly validators: readonly NetworkValidator[];
  readonly role: Role;
  readonly nodeVersion: string;
  readonly protocolVersion: number;
  /** An IP address and a port; 0 takes a free one, the same for TCP and UDP. */
  readonly listen: { readonly host: string; readonly port: number };
  /** Whether to listen on and dial QUIC; without its native library the node runs TCP only. */
  readonly quic: boolean;
  /**
   * Whether to listen on and dial TCP.
   * @default true
   */
  readonly tcp?: boolean;
  /**
   * Multiaddrs that others should dial.
   * @default - the addresses it listens on
   */
  readonly announce?: readonly string[];
  /** `<public key or peer id>@host:port`, or a multiaddr that ends in /p2p/<peer id>. */
  readonly bootstrap: readonly string[];
  /** @default - peers are forgotten when the node stops */
  readonly addressBook?: AddressBookStore;
  /** @default defaultLimits */
  readonly limits?: Partial<NetworkLimits>;
  readonly logger: NetworkLogger;
  /** @default - nothing is counted */
  readonly metrics?: NetworkMetrics;
  /** The newest finalized height, told to peers. */
  height(): number;
  /**
   * Jitter of the redial loop, from 0 up to 1.
   * @default Math.random
   */
  readonly random?: () => number;
}

const ignore = (): void => undefined;

export const noMetrics: NetworkMetrics = {
  messageSent: ignore,
  messageReceived: ignore,
  messageDropped: ignore,
  connections: ignore,
  dialed: ignore,
  refused: ignore,
  penalized: ignore,
  banned: ignore,
  requested: ignore,
  answered: ignore,
  roundTrip: ignore,
};
