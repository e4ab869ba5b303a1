import type { SigningKey } from "../formats/ed25519.ts";
import type { Genesis } from "../formats/genesis.ts";
import type {
  Application,
  ConsensusChannel,
  ConsensusTransport,
  EvidenceStore,
  Journal,
} from "./ports.ts";
import type { ConsensusObserver, ConsensusStatus } from "./status.ts";

export interface EngineOptions {
  readonly genesis: Genesis;
  /** The node's key. It votes when the key is among the validators, and follows otherwise. */
  readonly key?: SigningKey;
  readonly application: Application;
  readonly transport: ConsensusTransport;
  readonly journal: Journal;
  readonly evidence: EvidenceStore;
  readonly observer?: ConsensusObserver;
  /** The node must end at once: a vote could not be made durable, or the chain broke a rule. */
  readonly onFatal: (error: Error) => void;
}

/** Consensus of one node. The composition wires its methods to the network. */
export interface ConsensusEngine {
  /** Replays the journal and takes part until `stop` or the signal. @throws when it must not start */
  start(signal: AbortSignal): Promise<void>;
  /** Waits for the block that is being applied. */
  stop(): Promise<void>;
  /** A message of the network, from an authenticated peer (public key). Never throws. */
  receive(channel: ConsensusChannel, peer: string, message: Uint8Array): void;
  /** Answers a request that another node sent through `ConsensusTransport.request`. */
  answer(peer: string, message: Uint8Array): Uint8Array;
  /** A node was connected: it is told where consensus stands, so that it need not wait. */
  peerConnected(peer: string): void;
  status(): ConsensusStatus;
}

export declare class Engine implements ConsensusEngine {
  constructor(options: EngineOptions);
  start(signal: AbortSignal): Promise<void>;
  stop(): Promise<void>;
  receive(channel: ConsensusChannel, peer: string, message: Uint8Array): void;
  answer(peer: string, message: Uint8Array): Uint8Array;
  peerConnected(peer: string): void;
  status(): ConsensusStatus;
}
