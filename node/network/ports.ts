/** What the node sees of its network. Public keys are 64 lower-case hexadecimal digits. */

/** Long-lived one-way streams, one each way per channel and peer; protocol ids are /guts/<channel>/1. */
export type Channel = "votes" | "certificates" | "blocks" | "transactions";

export type Role = "validator" | "full";

export interface PeerInfo {
  readonly publicKey: string;
  readonly peerId: string;
  /** Name in the genesis, for a validator. */
  readonly name?: string;
  readonly role: Role;
  readonly nodeVersion: string;
  readonly protocolVersion: number;
  /** Height from its newest hello or status message. */
  readonly height: number;
  readonly transport: "tcp" | "quic";
  readonly direction: "inbound" | "outbound";
  readonly address: string;
  readonly roundTripMs?: number;
  /** Unix time in milliseconds. */
  readonly connectedAt: number;
}

/** The running network of one node. */
export interface Network {
  readonly publicKey: string;
  readonly peerId: string;
  /** Multiaddrs it listens on, with the ports really taken. */
  readonly listenAddresses: readonly string[];
  /** Nodes whose hello was accepted. */
  peers(): readonly PeerInfo[];
  broadcast(channel: Channel, message: Uint8Array, audience: "validators" | "everyone"): void;
  /** False when the peer is not connected or its queue is full. */
  send(peer: string, channel: Channel, message: Uint8Array): boolean;
  /** One question, one answer, over /guts/sync/1. */
  request(peer: string, message: Uint8Array, signal: AbortSignal): Promise<Uint8Array>;
  /** One listener per channel; what it throws costs the peer, not the process. */
  onMessage(channel: Channel, listener: (peer: string, message: Uint8Array) => void): void;
  onRequest(answer: (peer: string, message: Uint8Array) => Promise<Uint8Array> | Uint8Array): void;
  onPeers(
    listener: (event: { readonly peer: PeerInfo; readonly connected: boolean }) => void,
  ): void;
  /** Cuts the peer off and refuses it for `banMs`, default ten minutes. */
  ban(peer: string, reason: string, banMs?: number): void;
  start(signal: AbortSignal): Promise<void>;
  stop(): Promise<void>;
}
