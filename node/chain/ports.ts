import type { Genesis } from "../formats/genesis.ts";

/** What the API and the command line read of the chain. Digests and ids are hexadecimal here. */

export interface BlockSummary {
  readonly height: number;
  readonly digest: string;
  readonly parentDigest: string;
  readonly view: number;
  readonly epoch: number;
  /** Index among the validators sorted by public key. */
  readonly leader: number;
  /** Unix time in milliseconds. */
  readonly timestampMs: number;
  readonly transactionCount: number;
  readonly transactionRoot: string;
  /** State root after this block. */
  readonly stateRoot: string;
  /** Encoded size. */
  readonly bytes: number;
}

export interface Repository {
  readonly id: string;
  readonly owner: string;
  readonly name: string;
  readonly description: string;
  readonly private: boolean;
  readonly objectFormat: "sha1" | "sha256";
  readonly defaultBranch: string;
  /** Timestamps of the blocks that made and last changed it. */
  readonly createdAtMs: number;
  readonly updatedAtMs: number;
  readonly createdHeight: number;
}

export interface Account {
  readonly name: string;
  readonly role: "user" | "devnet";
  readonly publicKeys: readonly string[];
}

/** Why a transaction was refused by the mempool or failed in a block: stable codes. */
export type TransactionProblemCode =
  | "malformed"
  | "bad-signature"
  | "wrong-chain"
  | "expired"
  | "duplicate"
  | "mempool-full"
  | "too-large"
  | "unknown-account"
  | "unknown-key"
  | "account-exists"
  | "key-exists"
  | "last-key"
  | "not-permitted"
  | "invalid-name"
  | "repository-exists"
  | "repository-not-found"
  | "invalid-value";

export interface TransactionProblem {
  readonly code: TransactionProblemCode;
  readonly detail: string;
}

export type TransactionStatus =
  | { readonly status: "unknown" }
  | { readonly status: "pending" }
  | { readonly status: "rejected"; readonly problem: TransactionProblem }
  | {
      readonly status: "finalized";
      readonly height: number;
      readonly index: number;
      /** Set when the transaction was ordered and then failed: it changed nothing. */
      readonly problem?: TransactionProblem;
    };

export type Submission =
  | { readonly accepted: true; readonly id: string }
  | { readonly accepted: false; readonly id?: string; readonly problem: TransactionProblem };

/** Inclusion of one state entry under a finalized state root, verifiable offline. */
export interface StateProof {
  readonly height: number;
  readonly stateRoot: string;
  /** Hexadecimal key and value; no value when the proof shows that the key is absent. */
  readonly key: string;
  readonly value?: string;
  /** The encoded path. */
  readonly proof: string;
}

export interface ChainReader {
  readonly genesis: Genesis;
  readonly genesisHash: string;
  /** The newest finalized block; height 0 is the genesis block. */
  tip(): BlockSummary;
  block(height: number): BlockSummary | undefined;
  blockByDigest(digest: string): BlockSummary | undefined;
  /** Ids of the transactions of a finalized block, in order. */
  blockTransactions(height: number): readonly string[];
  /** Encoded finalization certificate stored with a block, and the digest it certifies. */
  certificate(
    height: number,
  ): { readonly bytes: Uint8Array; readonly certifies: string } | undefined;
  transaction(id: string): TransactionStatus;
  repositories(page: {
    readonly owner?: string;
    readonly offset: number;
    readonly limit: number;
  }): { readonly items: readonly Repository[]; readonly total: number };
  repository(owner: string, name: string): Repository | undefined;
  account(name: string): Account | undefined;
  prove(key: Uint8Array): StateProof;
  mempool(): { readonly size: number; readonly bytes: number; readonly ids: readonly string[] };
  /** Checks an encoded signed transaction and takes it into the mempool. */
  submit(transaction: Uint8Array, source: "local" | "peer"): Submission;
  /** Resolves once the transaction is finalized or rejected for good. */
  settled(id: string, signal: AbortSignal): Promise<TransactionStatus>;
  /** After the block and its state are on disk. Returns a function that ends the listening. */
  onFinalized(listener: (block: BlockSummary) => void): () => void;
  /** Transactions newly taken into the mempool, for gossip. */
  onAccepted(listener: (transaction: Uint8Array, source: "local" | "peer") => void): () => void;
}
