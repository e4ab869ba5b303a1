/**
 * What consensus needs from the rest of the node. The shell (engine.ts) is handed these; the core
 * (simplex.ts) knows none of them. Public keys are 64 lower-case hexadecimal digits at this border.
 */

/** A block that consensus decides on: who asked for it, when, and on top of what. */
export interface BlockContext {
  readonly epoch: number;
  readonly view: number;
  /** Index of the leader among the validators sorted by public key. */
  readonly leader: number;
  readonly parentView: number;
  /** Digest of the parent block; of the genesis block for parentView 0. */
  readonly parentDigest: Uint8Array;
}

/** Where consensus stands on one block. */
export interface Verdict {
  /**
   * `pending`: something is missing; it is asked again after it arrived, after every finalized
   * block, and at the latest after 100 ms. Never a synonym of `invalid`.
   */
  readonly status: "valid" | "invalid" | "pending";
  /** Why not, for the log. */
  readonly reason?: string;
  /** With `pending`: digest of a block that is missing, to be fetched by the shell. */
  readonly missing?: Uint8Array;
}

/** A finalized block as it is delivered to the chain: in height order, without gaps, at least once. */
export interface FinalizedBlock {
  readonly digest: Uint8Array;
  readonly bytes: Uint8Array;
  /**
   * Encoded finalization certificate of this block, or of its nearest finalized descendant
   * (then `certifies` is that descendant's digest).
   */
  readonly certificate: Uint8Array;
  readonly certifies: Uint8Array;
}

/** The replicated application: blocks and their execution. Implemented by `node/chain`. */
export interface Application {
  /** Digest of the block of view 0. */
  readonly genesisDigest: Uint8Array;
  /** Height and digest of the last block that was applied durably; height 0 after genesis. */
  readonly applied: { readonly height: number; readonly digest: Uint8Array };
  /**
   * Builds a block; waits for the block interval first. Resolves with undefined to decline; a
   * rejection counts as declining. The signal aborts when the view is over.
   * The block is kept in memory, as `receive` would.
   */
  propose(
    context: BlockContext,
    signal: AbortSignal,
  ): Promise<{ digest: Uint8Array; bytes: Uint8Array } | undefined>;
  /**
   * Takes block bytes from the network into a bounded memory cache; returns their digest.
   * Undefined when the bytes are no block of this chain (undecodable, too large).
   */
  receive(bytes: Uint8Array): Uint8Array | undefined;
  /** A block in memory or on disk. */
  read(digest: Uint8Array): Uint8Array | undefined;
  /** A finalized block by height, from disk, with the certificate it was stored with. */
  readFinalized(height: number): FinalizedBlock | undefined;
  /** Parent digest, height and view of a block in memory or on disk. */
  header(
    digest: Uint8Array,
  ): { parentDigest: Uint8Array; height: number; view: number; parentView: number } | undefined;
  /** Before the notarize vote: context, parent, limits, timestamps, transactions, state root. */
  verify(context: BlockContext, digest: Uint8Array): Promise<Verdict>;
  /**
   * Before the finalize vote: deterministic validity only (no clock), and the block and its chain
   * to the last finalized block are on disk, synced. Equal on all honest nodes but for its time.
   */
  certify(context: BlockContext, digest: Uint8Array): Promise<Verdict>;
  /**
   * Applies a finalized block durably. Blocks come in height order without gaps; a block that was
   * applied already is ignored.
   */
  finalize(block: FinalizedBlock): Promise<void>;
  /** Unfinalized blocks below this view may be forgotten. */
  prune(belowView: number): void;
}

/** Kinds of message that consensus sends. */
export type ConsensusChannel = "votes" | "certificates" | "blocks";

/** Messages between nodes. Implemented over `node/network` by the composition in `node/main.ts`. */
export interface ConsensusTransport {
  /** To every connected validator, or to every connected node; never to oneself. */
  broadcast(
    channel: ConsensusChannel,
    message: Uint8Array,
    audience: "validators" | "everyone",
  ): void;
  /** To one connected node; false when it is not connected or its queue is full. */
  send(peer: string, channel: ConsensusChannel, message: Uint8Array): boolean;
  /** Asks one node (certificate resolver and block backfill); rejects on time-out or disconnection. */
  request(peer: string, message: Uint8Array, signal: AbortSignal): Promise<Uint8Array>;
  /** Public keys of the nodes connected now. */
  connected(): readonly string[];
  /** A provable offence of that node: it is cut off and banned for a while. */
  block(peer: string, reason: string): void;
}

/** One entry of the journal. */
export interface JournalRecord {
  /** Entries that outlive every pruning have the view `Number.MAX_SAFE_INTEGER`. */
  readonly view: number;
  readonly bytes: Uint8Array;
  /** Set on an own vote: `highestSigned` of that kind becomes at least `view`. */
  readonly signed?: "notarize" | "nullify" | "finalize";
}

/** Durable memory of votes and certificates. Implemented by `node/storage/journal.ts`. */
export interface Journal {
  /** All records above the floor, in the order they were appended. */
  replay(): Iterable<Uint8Array>;
  /** Durable (synced) when it returns. Throws when it is not; the node then stops voting and exits. */
  append(records: readonly JournalRecord[]): void;
  /** Views below the floor will never be needed again. Never moves backwards. */
  prune(floor: number): void;
  readonly floor: number;
  /**
   * Highest view this key ever signed a vote of that kind in, kept apart from the records and not
   * pruned; 0 before the first. It never runs ahead of the records: it is written in the same
   * commit or after it, because being ahead is taken for a journal restored from an old copy, and
   * such a node does not vote for a while.
   */
  readonly highestSigned: {
    readonly notarize: number;
    readonly nullify: number;
    readonly finalize: number;
  };
  /** False when this data directory has no journal although its key was used before. */
  readonly intact: boolean;
}

/** Proof that a validator broke the rules, kept for good. Implemented by `node/storage`. */
export interface EvidenceStore {
  record(evidence: {
    readonly kind: "conflicting-notarize" | "conflicting-finalize" | "nullify-finalize";
    readonly signer: string;
    readonly view: number;
    readonly bytes: Uint8Array;
  }): void;
}
