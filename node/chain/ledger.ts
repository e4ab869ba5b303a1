import { equalBytes, fromHex, toHex } from "../formats/bytes.ts";
import type { Genesis } from "../formats/genesis.ts";
import type { ChainStore, StoredCertificate } from "../storage/chain-store.ts";
import { StorageError } from "../storage/errors.ts";
import { type Block, type BlockHeader, decodeHeader, genesisBlock, HEADER_BYTES } from "./block.ts";
import { accountKey, ownerInKey, repositoryKey, repositoryRange } from "./entries.ts";
import { pack, packedHash, unpack } from "./hash.ts";
import { RecentMap } from "./recent.ts";
import type { Account, Repository } from "./ports.ts";
import { accountIn, genesisEntries, repositoryIn, State, type StateBase, treeOf } from "./state.ts";
import { hasPath } from "./tree.ts";

/** Values of state entries kept at hand. */
const MAX_VALUES = 8_192;

/** A finalized block as the rest of the chain refers to it. */
export interface FinalizedTip {
  readonly id: string;
  readonly digest: Uint8Array;
  readonly header: BlockHeader;
  readonly size: number;
}

/** The finalized chain: its newest block, the state after it, and what is on disk. */
export class Ledger implements StateBase {
  readonly store: ChainStore;
  readonly genesisDigest: Uint8Array;
  readonly #values = new RecentMap<string, Uint8Array>(MAX_VALUES);
  readonly #repositories = new Map<string, number>();
  readonly #isWaiting: (id: string) => boolean;
  #repositoryCount = 0;
  #tip: FinalizedTip;
  #state: State;

  /**
   * Opens what is stored, or stores the genesis.
   *
   * @param isWaiting whether a transaction is in the mempool
   * @throws StorageError
   */
  constructor(
    store: ChainStore,
    genesis: Genesis,
    genesisHash: Uint8Array,
    isWaiting: (id: string) => boolean,
  ) {
    this.store = store;
    this.#isWaiting = isWaiting;
    const entries = genesisEntries(genesis);
    const first = genesisBlock(
      genesisHash,
      new State({ height: 0, tree: treeOf(entries), base: this }).root,
    );
    this.genesisDigest = first.digest;
    if (store.tip() === undefined) storeGenesis(store, first, entries);
    this.#tip = loadTip(store, first);
    this.#state = new State({
      height: this.#tip.header.height,
      tree: treeOf(this.#loadEntries()),
      base: this,
    });
    if (!equalBytes(this.#state.root, this.#tip.header.stateRoot))
      throw damaged(
        `the state entries have the root ${toHex(this.#state.root)}, block ${this.#tip.header.height} ` +
          `has ${toHex(this.#tip.header.stateRoot)}`,
      );
  }

  get tip(): FinalizedTip {
    return this.#tip;
  }

  get state(): State {
    return this.#state;
  }

  get(key: string): Uint8Array | undefined {
    const known = this.#values.get(key);
    if (known !== undefined) return known;
    const bytes = unpack(key);
    // Most look-ups are for names that are still free; the tree in memory knows that.
    if (!hasPath(this.#state.tree, packedHash(bytes))) return undefined;
    const value = this.store.entry(bytes);
    if (value !== undefined) this.#values.set(key, value);
    return value;
  }

  includes(id: string): boolean {
    // What waits in the mempool was looked for when it came, and goes when it is finalized.
    return !this.#isWaiting(id) && this.store.transaction(fromHex(id, 32)) !== undefined;
  }

  /** Makes a block, and the state after it, the newest: on disk first, then here. */
  finalize(
    block: Block,
    state: State,
    transactionIds: readonly string[],
    certificate: StoredCertificate,
  ): void {
    const { height, view } = block.header;
    const entries = Array.from(state.changes, ([key, value]) => [unpack(key), value] as const);
    const created = entries.flatMap(([key]) => {
      const owner = ownerInKey(key);
      return owner !== undefined && this.get(pack(key)) === undefined ? [owner] : [];
    });
    this.store.finalize({
      block: { ...block, height, view, header: block.bytes.subarray(0, HEADER_BYTES) },
      entries,
      transactions: transactionIds.map((id) => fromHex(id, 32)),
      ...certificate,
    });
    for (const [key, value] of state.changes)
      if (value === undefined) this.#values.delete(key);
      else this.#values.set(key, value);
    for (const owner of created) this.#count(owner);
    state.settle();
    this.#state = state;
    this.#tip = tipOf(block);
  }

  account(name: string): Account | undefined {
    return accountIn(this.get(pack(accountKey(name))));
  }

  repository(owner: string, name: string): Repository | undefined {
    return repositoryIn(this.get(pack(repositoryKey(owner, name))));
  }

  repositories(page: { owner?: string; offset: number; limit: number }) {
    const rows = this.store.range(...repositoryRange(page.owner), page);
    const items = rows.map(({ value }) => repositoryIn(value) as Repository);
    const total =
      page.owner === undefined ? this.#repositoryCount : (this.#repositories.get(page.owner) ?? 0);
    return { items, total };
  }

  *#loadEntries(): Iterable<readonly [Uint8Array, Uint8Array]> {
    for (const { key, value } of this.store.entries()) {
      const owner = ownerInKey(key);
      if (owner !== undefined) this.#count(owner);
      yield [key, value];
    }
  }

  #count(owner: string): void {
    this.#repositoryCount += 1;
    this.#repositories.set(owner, (this.#repositories.get(owner) ?? 0) + 1);
  }
}

function storeGenesis(
  store: ChainStore,
  block: Block,
  entries: readonly (readonly [Uint8Array, Uint8Array])[],
): void {
  store.finalize({
    block: { ...block, height: 0, view: 0, header: block.bytes.subarray(0, HEADER_BYTES) },
    certificate: new Uint8Array(),
    certifies: block.digest,
    entries,
    transactions: [],
  });
}

function loadTip(store: ChainStore, genesis: Block): FinalizedTip {
  const first = store.headerAt(0);
  const tip = store.tip();
  if (first === undefined || tip === undefined || !equalBytes(first.digest, genesis.digest))
    throw damaged("block 0 is not the one of this genesis");
  const header = decodeHeader(tip.header);
  return { id: toHex(tip.digest), digest: tip.digest, header, size: tip.size };
}

function tipOf({ id, digest, header, bytes }: Block): FinalizedTip {
  return { id, digest, header, size: bytes.length };
}

function damaged(detail: string): StorageError {
  return new StorageError({ code: "corrupt", path: "chain.db", detail });
}
