import { equalBytes, fromHex, sha256, toHex } from "../formats/bytes.ts";
import { type Genesis, genesisHash } from "../formats/genesis.ts";
import type { ChainStore } from "../storage/chain-store.ts";
import { type Block, type BlockHeader, decodeBlock, decodeHeader, genesisBlock } from "./block.ts";
import { type CandidateBlock, executeBlock, headerProblem } from "./block-rules.ts";
import { pack } from "./hash.ts";
import { SignatureChecker } from "./signatures.ts";
import { genesisEntries, State, type StateBase, treeOf } from "./state.ts";
import { decodeTransaction } from "./transaction.ts";

/** The block a certificate must be for. */
export interface CertifiedBlock {
  readonly epoch: number;
  readonly view: number;
  readonly parentView: number;
  readonly digest: Uint8Array;
}

export interface VerifyOptions {
  readonly store: ChainStore;
  readonly genesis: Genesis;
  /** What is wrong with an encoded finalization certificate of that block, if anything. */
  readonly verifyCertificate: (
    certificate: Uint8Array,
    block: CertifiedBlock,
  ) => string | undefined;
  readonly onProgress?: (height: number) => void;
  readonly signal?: AbortSignal;
}

export interface VerifiedChain {
  readonly height: number;
  readonly digest: string;
  readonly stateRoot: string;
  readonly transactions: number;
  readonly entries: number;
}

/** The first thing in a stored chain that is not as it must be. */
export class VerificationError extends Error {
  override readonly name = "VerificationError";
  readonly height: number;
  readonly reason: string;

  constructor(height: number, reason: string) {
    super(`block ${height}: ${reason}`);
    this.height = height;
    this.reason = reason;
  }
}

/**
 * Verifies everything a store holds of a chain by doing it again from the genesis: how the blocks
 * hang together, every certificate, every signature, every state root, and that the stored state and
 * transaction index are what came out.
 *
 * @throws VerificationError
 */
export async function verifyChain(options: VerifyOptions): Promise<VerifiedChain> {
  const { store, genesis } = options;
  const hash = fromHex(genesisHash(genesis), 32);
  const replay = new Replay();
  const first = replay.start(genesis, hash);
  let parent: Block = first;
  const tip = store.tip();
  if (tip === undefined) throw new VerificationError(0, "nothing is stored");
  for (let height = 0; height <= tip.height; height++) {
    options.signal?.throwIfAborted();
    const block = readBlock(store, height, hash);
    if (height === 0) {
      if (!equalBytes(block.digest, first.digest))
        throw new VerificationError(0, "it is not the block of this genesis");
      continue;
    }
    if (!equalBytes(block.header.parentDigest, parent.digest))
      throw new VerificationError(height, "its parent is not the block below it");
    checkCertificate(options, block);
    const reason = await replay.apply(block, parent.header, genesis);
    if (reason !== undefined) throw new VerificationError(height, reason);
    checkIndex(store, block);
    parent = block;
    options.onProgress?.(height);
  }
  const entries = replay.compare(store, tip.height);
  return {
    height: tip.height,
    digest: toHex(tip.digest),
    stateRoot: toHex(parent.header.stateRoot),
    transactions: replay.transactions,
    entries,
  };
}

function readBlock(store: ChainStore, height: number, hash: Uint8Array): CandidateBlock {
  const bytes = store.bytesAt(height);
  const stored = store.headerAt(height);
  if (bytes === undefined || stored === undefined)
    throw new VerificationError(height, "it is missing");
  if (!equalBytes(stored.digest, sha256(bytes)))
    throw new VerificationError(height, "its bytes do not have its digest");
  if (!equalBytes(stored.header, bytes.subarray(0, stored.header.length)))
    throw new VerificationError(height, "the header kept with it is another");
  try {
    const block = decodeBlock(bytes);
    if (!equalBytes(block.header.genesisHash, hash)) throw new Error("it is of another chain");
    return { ...block, decoded: block.transactions.map((t) => decodeTransaction(t, hash)) };
  } catch (error) {
    throw new VerificationError(height, (error as Error).message);
  }
}

/** The certificate is of the block itself, or of a stored block above it. */
function checkCertificate({ store, verifyCertificate }: VerifyOptions, block: Block): void {
  const { height } = block.header;
  const stored = store.certificateAt(height);
  const certified = stored && store.headerOf(stored.certifies);
  if (stored === undefined || certified === undefined || certified.height < height)
    throw new VerificationError(height, "no stored certificate covers it");
  const { epoch, view, parentView } = decodeHeader(certified.header);
  const digest = stored.certifies;
  const reason = verifyCertificate(stored.certificate, { epoch, view, parentView, digest });
  if (reason !== undefined) throw new VerificationError(height, `its certificate: ${reason}`);
}

function checkIndex(store: ChainStore, { header, decoded }: CandidateBlock): void {
  for (const [position, { id }] of decoded.entries()) {
    const found = store.transaction(fromHex(id, 32));
    if (found?.height !== header.height || found.position !== position)
      throw new VerificationError(header.height, `transaction ${id} is not in the index`);
  }
}

/** A second execution of the chain, in memory. */
class Replay implements StateBase {
  readonly #entries = new Map<string, Uint8Array>();
  readonly #transactions = new Set<string>();
  readonly #signatures = new SignatureChecker();
  #state = new State({ height: 0, tree: undefined, base: this });

  get transactions(): number {
    return this.#transactions.size;
  }

  get(key: string): Uint8Array | undefined {
    return this.#entries.get(key);
  }

  includes(id: string): boolean {
    return this.#transactions.has(id);
  }

  start(genesis: Genesis, hash: Uint8Array): Block {
    const entries = genesisEntries(genesis);
    for (const [key, value] of entries) this.#entries.set(pack(key), value);
    this.#state = new State({ height: 0, tree: treeOf(entries), base: this });
    return genesisBlock(hash, this.#state.root);
  }

  /** What is wrong with a block, if anything; otherwise its changes are taken over. */
  async apply(
    block: CandidateBlock,
    parent: BlockHeader,
    genesis: Genesis,
  ): Promise<string | undefined> {
    const reason = headerProblem(block, parent, genesis);
    if (reason !== undefined) return reason;
    if (!(await this.#signatures.verifyAll(block.decoded)))
      return "a transaction has a bad signature";
    const result = await executeBlock(block, this.#state);
    if (result.status === "invalid") return result.reason;
    for (const [key, value] of result.state.changes)
      if (value === undefined) this.#entries.delete(key);
      else this.#entries.set(key, value);
    for (const { id } of block.decoded) this.#transactions.add(id);
    result.state.settle();
    this.#state = result.state;
    return undefined;
  }

  /** Compares the stored state and index with what came out; gives the number of entries. */
  compare(store: ChainStore, height: number): number {
    let count = 0;
    for (const { key, value } of store.entries()) {
      count += 1;
      const expected = this.#entries.get(pack(key));
      if (expected === undefined || !equalBytes(value, expected))
        throw new VerificationError(height, `the stored state entry ${toHex(key)} is wrong`);
    }
    if (count !== this.#entries.size)
      throw new VerificationError(height, `got ${count} entries, expected ${this.#entries.size}`);
    const indexed = store.transactionCount();
    if (indexed !== this.transactions)
      throw new VerificationError(
        height,
        `got ${indexed} transactions in the index, expected ${this.transactions}`,
      );
    return count;
  }
}
