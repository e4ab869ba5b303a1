import { DecodeError } from "../formats/binary.ts";
import { equalBytes, toHex } from "../formats/bytes.ts";
import type { Genesis } from "../formats/genesis.ts";
import type { StoredBlock } from "../storage/chain-store.ts";
import { type BlockHeader, decodeBlock, decodeHeader, HEADER_BYTES } from "./block.ts";
import {
  type BlockCheck,
  type CandidateBlock,
  executeBlock,
  headerProblem,
} from "./block-rules.ts";
import type { Ledger } from "./ledger.ts";
import type { Mempool } from "./mempool.ts";
import type { SignatureChecker } from "./signatures.ts";
import type { State } from "./state.ts";
import { decodeTransaction } from "./transaction.ts";

/** Blocks in memory, by the memory they take and by count. */
const MAX_CACHED_BYTES = 128 * 1024 * 1024;
/** What a decoded transaction takes beside its bytes, roughly. */
const DECODED_BYTES = 1_500;
const MAX_CACHED_BLOCKS = 512;
/** Verdicts in memory; a forgotten one is found again from the block. */
const MAX_RESULTS = 1024;

export interface BlocksOptions {
  readonly ledger: Ledger;
  readonly mempool: Mempool;
  readonly signatures: SignatureChecker;
  readonly genesis: Genesis;
  readonly genesisHash: Uint8Array;
}

/** Blocks above the finalized one, in memory and on disk, and whether they are valid. */
export class Blocks {
  readonly #options: BlocksOptions;
  readonly #cache = new Map<string, CandidateBlock>();
  readonly #results = new Map<string, { header: BlockHeader; check: BlockCheck }>();
  readonly #running = new Map<string, Promise<BlockCheck>>();
  #cachedBytes = 0;

  constructor(options: BlocksOptions) {
    this.#options = options;
  }

  /** Decodes a block and keeps it; undefined when it is none of this chain. */
  receive(bytes: Uint8Array): CandidateBlock | undefined {
    const { genesisHash, genesis } = this.#options;
    const { maxBlockBytes, maxBlockTransactions } = genesis.consensus;
    if (bytes.length > maxBlockBytes) return undefined;
    try {
      // A copy: what came may be a part of a larger buffer of the network.
      const block = this.#decode(new Uint8Array(bytes));
      if (!equalBytes(block.header.genesisHash, genesisHash)) return undefined;
      if (block.decoded.length > maxBlockTransactions) return undefined;
      this.#keep(block);
      return block;
    } catch (error) {
      if (error instanceof DecodeError) return undefined;
      throw error;
    }
  }

  /** Takes a block that was made here and is known to be valid. */
  add(block: CandidateBlock, state: State): void {
    this.#keep(block);
    this.#remember(block, { status: "valid", state });
  }

  find(id: string, digest: Uint8Array): CandidateBlock | undefined {
    const cached = this.#cache.get(id);
    if (cached !== undefined) {
      this.#cache.delete(id);
      this.#cache.set(id, cached);
      return cached;
    }
    const bytes = this.#options.ledger.store.bytesOf(digest);
    if (bytes === undefined) return undefined;
    const block = this.#decode(bytes);
    this.#keep(block);
    return block;
  }

  bytes(digest: Uint8Array): Uint8Array | undefined {
    return this.#cache.get(toHex(digest))?.bytes ?? this.#options.ledger.store.bytesOf(digest);
  }

  header(digest: Uint8Array): BlockHeader | undefined {
    const cached = this.#cache.get(toHex(digest));
    if (cached !== undefined) return cached.header;
    const { store } = this.#options.ledger;
    const stored = store.headerOf(digest)?.header ?? store.candidateHeader(digest);
    return stored === undefined ? undefined : decodeHeader(stored);
  }

  /**
   * Whether a block is valid on top of its parent: a function of the chain alone, without clock or
   * local policy. Blocks on disk were certified or finalized, so their signatures are known to be
   * good.
   *
   * @param trusted the signatures need no check
   */
  async check(block: CandidateBlock, trusted = false): Promise<BlockCheck> {
    const known = this.#results.get(block.id);
    if (known !== undefined) return known.check;
    let running = this.#running.get(block.id);
    if (running === undefined) {
      running = this.#check(block, trusted).finally(() => this.#running.delete(block.id));
      this.#running.set(block.id, running);
    }
    return running;
  }

  /** The block and its ancestors above the finalized one that are not on disk yet. */
  unstored(block: CandidateBlock): StoredBlock[] {
    const { ledger } = this.#options;
    const missing: StoredBlock[] = [];
    for (let next: CandidateBlock | undefined = block; next !== undefined;) {
      const { header, digest, bytes } = next;
      if (header.height <= ledger.tip.header.height) break;
      if (ledger.store.candidateHeader(digest) !== undefined) break;
      const { height, view } = header;
      missing.push({ digest, height, view, header: bytes.subarray(0, HEADER_BYTES), bytes });
      next = this.find(toHex(header.parentDigest), header.parentDigest);
    }
    return missing;
  }

  /** Forgets blocks below a view. */
  prune(belowView: number): void {
    for (const [id, block] of this.#cache) if (block.header.view < belowView) this.#drop(id, block);
    for (const [id, { header }] of this.#results)
      if (header.view < belowView) this.#results.delete(id);
  }

  /**
   * Forgets blocks that are finalized, since they are on disk, and verdicts on all but descendants
   * of the newest of them.
   */
  finalized(): void {
    const { height } = this.#options.ledger.tip.header;
    for (const [id, block] of this.#cache) if (block.header.height <= height) this.#drop(id, block);
    const alive = new Set([this.#options.ledger.tip.id]);
    const byHeight = [...this.#results].sort(([, a], [, b]) => a.header.height - b.header.height);
    for (const [id, { header }] of byHeight)
      if (alive.has(toHex(header.parentDigest))) alive.add(id);
      else this.#results.delete(id);
  }

  async #check(block: CandidateBlock, trusted: boolean): Promise<BlockCheck> {
    const parent = await this.#parentOf(block);
    if (parent.status !== "valid") return parent;
    const reason =
      headerProblem(block, parent.header, this.#options.genesis) ??
      (await this.#signatureProblem(block, trusted));
    const check =
      reason === undefined
        ? await executeBlock(block, parent.state)
        : ({ status: "invalid", reason } as const);
    // While this waited, a block beside its ancestors may have been finalized, and the entries that
    // the execution saw are then not those of the parent: what came out says nothing.
    const parentId = toHex(block.header.parentDigest);
    if (parentId !== this.#options.ledger.tip.id && !this.#results.has(parentId))
      return { status: "pending", reason: "its parent is not in the finalized chain" };
    this.#remember(block, check);
    return check;
  }

  async #parentOf({ header }: CandidateBlock) {
    const { ledger } = this.#options;
    const parentId = toHex(header.parentDigest);
    if (parentId === ledger.tip.id)
      return { status: "valid", state: ledger.state, header: ledger.tip.header } as const;
    if (header.height <= ledger.tip.header.height)
      return { status: "pending", reason: "it is not above the finalized block" } as const;
    const parent = this.find(parentId, header.parentDigest);
    if (parent === undefined) {
      const reason = `its parent ${parentId} is missing`;
      return { status: "pending", reason, missing: header.parentDigest } as const;
    }
    if (parent.header.height <= ledger.tip.header.height)
      return { status: "pending", reason: "its parent is not in the finalized chain" } as const;
    const check = await this.check(parent);
    if (check.status === "valid") return { ...check, header: parent.header } as const;
    return check.status === "invalid"
      ? ({ status: "invalid", reason: `its parent is invalid: ${check.reason}` } as const)
      : check;
  }

  async #signatureProblem(block: CandidateBlock, trusted: boolean): Promise<string | undefined> {
    const { ledger, mempool, signatures } = this.#options;
    if (trusted || ledger.store.candidateHeader(block.digest) !== undefined) return undefined;
    const unknown = block.decoded.filter((transaction) => {
      const waiting = mempool.get(transaction.id);
      return waiting === undefined || !equalBytes(waiting.bytes, transaction.bytes);
    });
    const good = await signatures.verifyAll(unknown);
    return good ? undefined : "a transaction has a bad signature";
  }

  #decode(bytes: Uint8Array): CandidateBlock {
    const block = decodeBlock(bytes);
    const { genesisHash } = this.#options;
    return { ...block, decoded: block.transactions.map((t) => decodeTransaction(t, genesisHash)) };
  }

  #keep(block: CandidateBlock): void {
    if (this.#cache.has(block.id)) return;
    this.#cache.set(block.id, block);
    this.#cachedBytes += memoryOf(block);
    for (const [id, oldest] of this.#cache) {
      if (this.#cachedBytes <= MAX_CACHED_BYTES && this.#cache.size <= MAX_CACHED_BLOCKS) break;
      if (id !== block.id) this.#drop(id, oldest);
    }
  }

  #drop(id: string, block: CandidateBlock): void {
    this.#cache.delete(id);
    this.#cachedBytes -= memoryOf(block);
  }

  #remember({ id, header }: CandidateBlock, check: BlockCheck): void {
    this.#results.set(id, { header, check });
    if (this.#results.size <= MAX_RESULTS) return;
    const [oldest] = this.#results.keys();
    this.#results.delete(oldest as string);
  }
}

function memoryOf({ bytes, decoded }: CandidateBlock): number {
  return bytes.length + decoded.length * DECODED_BYTES;
}
