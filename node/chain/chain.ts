import type { Application, BlockContext, FinalizedBlock, Verdict } from "../consensus/ports.ts";
import { equalBytes, fromHex, sha256, toHex } from "../formats/bytes.ts";
import { type Genesis, genesisHash } from "../formats/genesis.ts";
import type { ChainStore } from "../storage/chain-store.ts";
import type { BlockHeader } from "./block.ts";
import { type CandidateBlock, earliestTimestamp } from "./block-rules.ts";
import { Blocks } from "./blocks.ts";
import { type Clock, systemClock } from "./clock.ts";
import { ChainError } from "./errors.ts";
import { Ledger } from "./ledger.ts";
import { defaultMempoolLimits, Mempool, type MempoolLimits } from "./mempool.ts";
import type {
  BlockSummary,
  ChainReader,
  StateProof,
  Submission,
  TransactionStatus,
} from "./ports.ts";
import { buildBlock } from "./propose.ts";
import { LedgerReader } from "./reader.ts";
import { SignatureChecker } from "./signatures.ts";
import { Submissions } from "./submissions.ts";

/** How far the clock of a proposer may be ahead of ours. */
const MAX_CLOCK_SKEW_MS = 500;
/** A block whose time comes later than this is not waited for: it is asked for again. */
const MAX_HOLD_MS = 1_000;

export interface ChainOptions {
  readonly genesis: Genesis;
  readonly store: ChainStore;
  readonly mempool?: MempoolLimits;
  readonly clock?: Clock;
}

/**
 * The replicated chain of one node: what consensus decides on, and what the API reads.
 *
 * When `certify` has resolved, the block and its ancestors are on disk; when `finalize` has, the
 * block, its certificate, the state and the index are, in one commit. Listeners and `settled` hear
 * of a transaction after that commit, so nothing that was answered is lost by a crash.
 */
export class Chain implements Application, ChainReader {
  readonly genesis: Genesis;
  readonly genesisHash: string;
  readonly genesisDigest: Uint8Array;
  readonly #genesisHash: Uint8Array;
  readonly #ledger: Ledger;
  readonly #reader: LedgerReader;
  readonly #blocks: Blocks;
  readonly #mempool: Mempool;
  readonly #submissions: Submissions;
  readonly #clock: Clock;
  readonly #closing = new AbortController();
  readonly #listeners = new Set<(block: BlockSummary) => void>();
  #finalizing: Promise<void> = Promise.resolve();

  /** @throws StorageError when what is stored is of another genesis or damaged */
  constructor({ genesis, store, mempool, clock }: ChainOptions) {
    this.genesis = genesis;
    this.genesisHash = genesisHash(genesis);
    this.#genesisHash = fromHex(this.genesisHash, 32);
    this.#clock = clock ?? systemClock;
    this.#mempool = new Mempool(mempool ?? defaultMempoolLimits);
    const isWaiting = (id: string) => this.#mempool.get(id) !== undefined;
    this.#ledger = new Ledger(store, genesis, this.#genesisHash, isWaiting);
    this.genesisDigest = this.#ledger.genesisDigest;
    this.#reader = new LedgerReader(this.#ledger, this.#genesisHash);
    const signatures = new SignatureChecker();
    this.#submissions = new Submissions({
      ledger: this.#ledger,
      mempool: this.#mempool,
      signatures,
      genesisHash: this.#genesisHash,
    });
    this.#blocks = new Blocks({
      ledger: this.#ledger,
      mempool: this.#mempool,
      signatures,
      genesis,
      genesisHash: this.#genesisHash,
    });
  }

  get applied(): { readonly height: number; readonly digest: Uint8Array } {
    const { header, digest } = this.#ledger.tip;
    return { height: header.height, digest };
  }

  async propose(
    context: BlockContext,
    signal: AbortSignal,
  ): Promise<{ digest: Uint8Array; bytes: Uint8Array } | undefined> {
    const parent = await this.#parentOf(context);
    if (parent === undefined || signal.aborted) return undefined;
    const earliest = earliestTimestamp(parent.header, this.genesis.consensus.blockIntervalMs);
    const either = AbortSignal.any([signal, this.#closing.signal]);
    if (!(await this.#sleepUntil(earliest, either))) return undefined;
    const built = await buildBlock(
      {
        context,
        parent,
        timestampMs: Math.max(this.#clock.now(), earliest),
        clock: this.#clock,
        mempool: this.#mempool,
        genesis: this.genesis,
        genesisHash: this.#genesisHash,
      },
      either,
    );
    if (built === undefined) return undefined;
    this.#blocks.add(built.block, built.state);
    this.#storeSoon(built.block);
    return { digest: built.block.digest, bytes: built.block.bytes };
  }

  receive(bytes: Uint8Array): Uint8Array | undefined {
    return this.#blocks.receive(bytes)?.digest;
  }

  read(digest: Uint8Array): Uint8Array | undefined {
    return this.#blocks.bytes(digest);
  }

  readFinalized(height: number): FinalizedBlock | undefined {
    const { store } = this.#ledger;
    const bytes = store.bytesAt(height);
    const certificate = store.certificateAt(height);
    if (bytes === undefined || certificate === undefined) return undefined;
    return { digest: sha256(bytes), bytes, ...certificate };
  }

  header(digest: Uint8Array) {
    const found = this.#blocks.header(digest);
    if (found === undefined) return undefined;
    const { parentDigest, height, view, parentView } = found;
    return { parentDigest, height, view, parentView };
  }

  async verify(context: BlockContext, digest: Uint8Array): Promise<Verdict> {
    const { verdict, block } = await this.#judge(context, digest);
    if (verdict.status !== "valid" || block === undefined) return verdict;
    const due = block.header.timestampMs - MAX_CLOCK_SKEW_MS;
    const wait = due - this.#clock.now();
    const early = { status: "pending", reason: `its time is ${wait} ms ahead` } as const;
    if (wait > MAX_HOLD_MS) return early;
    if (!(await this.#sleepUntil(due, this.#closing.signal))) return early;
    this.#storeSoon(block);
    return verdict;
  }

  async certify(context: BlockContext, digest: Uint8Array): Promise<Verdict> {
    const { verdict, block } = await this.#judge(context, digest);
    if (verdict.status !== "valid" || block === undefined) return verdict;
    this.#store(block);
    return verdict;
  }

  finalize(block: FinalizedBlock): Promise<void> {
    const result = this.#finalizing.then(() => this.#finalize(block));
    // The next one waits for this one whatever comes of it; the caller hears of a failure.
    this.#finalizing = result.catch(() => undefined);
    return result;
  }

  prune(belowView: number): void {
    this.#blocks.prune(belowView);
    this.#ledger.store.pruneCandidates(belowView);
  }

  tip(): BlockSummary {
    return this.#reader.tip();
  }

  block(height: number): BlockSummary | undefined {
    return this.#reader.block(height);
  }

  blockByDigest(digest: string): BlockSummary | undefined {
    return this.#reader.blockByDigest(digest);
  }

  blockTransactions(height: number): readonly string[] {
    return this.#reader.blockTransactions(height);
  }

  certificate(height: number) {
    return this.#reader.certificate(height);
  }

  repositories(page: Parameters<ChainReader["repositories"]>[0]) {
    return this.#ledger.repositories(page);
  }

  repository(owner: string, name: string) {
    return this.#ledger.repository(owner, name);
  }

  account(name: string) {
    return this.#ledger.account(name);
  }

  prove(key: Uint8Array): StateProof {
    return this.#reader.prove(key);
  }

  mempool() {
    const { size, bytes } = this.#mempool;
    return { size, bytes, ids: this.#mempool.ids() };
  }

  submit(transaction: Uint8Array, source: "local" | "peer"): Submission {
    return this.#submissions.submit(transaction, source);
  }

  transaction(id: string): TransactionStatus {
    return this.#submissions.status(id);
  }

  settled(id: string, signal: AbortSignal): Promise<TransactionStatus> {
    return this.#submissions.settled(id, signal);
  }

  /** A listener must not throw: it is called inside `finalize`, after the commit. */
  onFinalized(listener: (block: BlockSummary) => void): () => void {
    this.#listeners.add(listener);
    return () => this.#listeners.delete(listener);
  }

  onAccepted(listener: Parameters<ChainReader["onAccepted"]>[0]): () => void {
    return this.#submissions.onAccepted(listener);
  }

  /** Ends what waits for its time, and waits for a finalization under way. */
  async close(): Promise<void> {
    this.#closing.abort();
    await this.#finalizing;
  }

  async #parentOf({ parentDigest }: BlockContext) {
    const { tip, state } = this.#ledger;
    if (equalBytes(parentDigest, tip.digest)) return { header: tip.header, state };
    const block = this.#blocks.find(toHex(parentDigest), parentDigest);
    if (block === undefined) return undefined;
    const check = await this.#blocks.check(block);
    return check.status === "valid" ? { header: block.header, state: check.state } : undefined;
  }

  /** Puts a block and its ancestors on disk, synced. @throws StorageError */
  #store(block: CandidateBlock): void {
    const unstored = this.#blocks.unstored(block);
    if (unstored.length > 0) this.#ledger.store.storeCandidates(unstored);
  }

  /**
   * Stores a verified block while the votes for it travel, so that `certify` finds it on disk. After
   * the vote that waits for this verdict has left: that is a turn of the event loop later.
   */
  #storeSoon(block: CandidateBlock): void {
    setImmediate(() => {
      if (this.#closing.signal.aborted) return;
      try {
        this.#store(block);
      } catch {
        // `certify` meets the same failure, and there it stops the node.
      }
    });
  }

  async #judge(
    context: BlockContext,
    digest: Uint8Array,
  ): Promise<{ verdict: Verdict; block?: CandidateBlock }> {
    const block = this.#blocks.find(toHex(digest), digest);
    if (block === undefined)
      return { verdict: { status: "pending", reason: "the block is missing", missing: digest } };
    const reason = contextProblem(block.header, context);
    if (reason !== undefined) return { verdict: { status: "invalid", reason } };
    const check = await this.#blocks.check(block);
    return { verdict: check.status === "valid" ? { status: "valid" } : check, block };
  }

  /** Whether the time came before the signal. */
  async #sleepUntil(timeMs: number, signal: AbortSignal): Promise<boolean> {
    // A timer may fire a little early, and the clock may be set meanwhile.
    for (;;) {
      if (signal.aborted) return false;
      const wait = timeMs - this.#clock.now();
      if (wait <= 0) return true;
      try {
        await this.#clock.sleep(wait, signal);
      } catch (error) {
        if (signal.aborted) return false;
        throw error;
      }
    }
  }

  async #finalize({ digest, bytes, certificate, certifies }: FinalizedBlock): Promise<void> {
    const block = this.#finalizedBlock(digest, bytes);
    const { tip } = this.#ledger;
    const { height, parentDigest } = block.header;
    if (height <= tip.header.height) {
      this.#expectFinalized(height, block.id);
      return;
    }
    if (height !== tip.header.height + 1)
      throw new ChainError({ code: "height-gap", got: height, expected: tip.header.height + 1 });
    if (!equalBytes(parentDigest, tip.digest))
      throw new ChainError({
        code: "conflicting-finalization",
        height: height - 1,
        got: toHex(parentDigest),
        expected: tip.id,
      });
    // A quorum finalized it, so at least one honest validator checked the signatures.
    let check = await this.#blocks.check(block, true);
    // A check that began before the parent was here may end now: it is done again.
    if (check.status === "pending") check = await this.#blocks.check(block, true);
    if (check.status !== "valid")
      throw new ChainError({
        code: "invalid-finalization",
        height,
        digest: block.id,
        reason: check.reason,
      });
    const changed = [...check.state.changes.keys()];
    const ids = block.decoded.map(({ id }) => id);
    this.#ledger.finalize(block, check.state, ids, { certificate, certifies });
    this.#blocks.finalized();
    this.#submissions.finalized(ids, changed);
    const summary = this.#reader.tip();
    for (const listener of this.#listeners) listener(summary);
  }

  #finalizedBlock(digest: Uint8Array, bytes: Uint8Array): CandidateBlock {
    const known = this.#blocks.find(toHex(digest), digest);
    if (known !== undefined) return known;
    const block = this.#blocks.receive(bytes);
    if (block !== undefined && equalBytes(block.digest, digest)) return block;
    throw new ChainError({
      code: "invalid-finalization",
      height: this.#ledger.tip.header.height + 1,
      digest: toHex(digest),
      reason: "its bytes are not those of a block of this chain with that digest",
    });
  }

  #expectFinalized(height: number, id: string): void {
    const stored = this.#ledger.store.headerAt(height);
    if (stored === undefined || toHex(stored.digest) === id) return;
    throw new ChainError({
      code: "conflicting-finalization",
      height,
      got: id,
      expected: toHex(stored.digest),
    });
  }
}

/** What in a block is not as consensus asked for it. */
function contextProblem(header: BlockHeader, context: BlockContext): string | undefined {
  for (const field of ["epoch", "view", "leader", "parentView"] as const)
    if (header[field] !== context[field])
      return `got ${field} ${header[field]}, expected ${context[field]}`;
  if (!equalBytes(header.parentDigest, context.parentDigest))
    return `got parent ${toHex(header.parentDigest)}, expected ${toHex(context.parentDigest)}`;
  return undefined;
}

export function openChain(options: ChainOptions): Chain {
  return new Chain(options);
}
