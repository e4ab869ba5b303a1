import type { ChainReader } from "../chain/ports.ts";
import type { ConsensusStatus } from "../consensus/status.ts";
import type { NodeSettings } from "../formats/configuration.ts";
import type { PeerInfo, Role } from "../network/ports.ts";
import type { Health } from "../operations/health.ts";
import type { Logger } from "../operations/logger.ts";
import type { Metrics } from "../operations/metrics.ts";

/** A validator of the genesis, at its index in the order of public keys. */
export interface ValidatorEntry {
  readonly name: string;
  readonly publicKey: string;
  readonly weight: number;
  readonly address: string;
}

/** A proven fault of a validator. */
export interface EvidenceEntry {
  readonly kind: string;
  readonly signer: string;
  readonly view: number;
  readonly bytes: Uint8Array;
}

/** Writes without an account of the caller: the node signs. */
export interface OpenWrites {
  /**
   * Signs the creation of a repository with the devnet account; returns the encoded transaction.
   * @throws ApiError for a name or text that the chain would refuse
   */
  createRepository(wanted: {
    readonly owner: string;
    readonly name: string;
    readonly description: string;
    readonly private: boolean;
    readonly objectFormat: "sha1" | "sha256";
  }): Uint8Array;
}

/** What the HTTP API needs of the node. */
export interface ApiContext {
  readonly settings: NodeSettings;
  readonly chain: ChainReader;
  readonly validators: readonly ValidatorEntry[];
  readonly identity: {
    readonly publicKey: string;
    readonly peerId: string;
    readonly role: Role;
    readonly nodeVersion: string;
    readonly protocolVersion: number;
  };
  readonly health: Health;
  readonly logger: Logger;
  readonly metrics: Metrics;
  /** Present when the setting open-writes is on. */
  readonly openWrites: OpenWrites | undefined;
  peers(): readonly PeerInfo[];
  onPeers(
    listener: (event: { readonly peer: PeerInfo; readonly connected: boolean }) => void,
  ): void;
  /** Whether this node was asked to take part in consensus and is a validator. */
  readonly votes: boolean;
  consensus(): ConsensusStatus;
  evidence(): readonly EvidenceEntry[];
  /** Indices of the validators whose signatures are in an encoded certificate. */
  signers(certificate: Uint8Array): readonly number[];
}
