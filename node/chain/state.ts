import type { Genesis } from "../formats/genesis.ts";
import { accountKey, decodeAccount, encodeAccount, decodeRepository } from "./entries.ts";
import { pack, unpack } from "./hash.ts";
import type { Account, Repository } from "./ports.ts";
import { rootOf, type Tree, treeChange, updateTree } from "./tree.ts";

/** Where the entries and transaction ids of the finalized chain are. Keys are packed. */
export interface StateBase {
  get(key: string): Uint8Array | undefined;
  /** Whether a transaction, by its id in hexadecimal, is in a finalized block. */
  includes(id: string): boolean;
}

/**
 * The state after one block: a tree of digests, and the entries in which it differs from the
 * state before. Those of the finalized chain are in the base.
 */
export class State {
  readonly height: number;
  readonly tree: Tree;
  readonly #base: StateBase;
  #parent: State | undefined;
  #changes: ReadonlyMap<string, Uint8Array | undefined>;
  #transactions: ReadonlySet<string>;

  constructor(options: {
    readonly height: number;
    readonly tree: Tree;
    readonly base: StateBase;
    readonly parent?: State;
    readonly changes?: ReadonlyMap<string, Uint8Array | undefined>;
    readonly transactions?: ReadonlySet<string>;
  }) {
    this.height = options.height;
    this.tree = options.tree;
    this.#base = options.base;
    this.#parent = options.parent;
    this.#changes = options.changes ?? new Map();
    this.#transactions = options.transactions ?? new Set();
  }

  get root(): Uint8Array {
    return unpack(rootOf(this.tree));
  }

  /** What the block changed, by packed key. */
  get changes(): ReadonlyMap<string, Uint8Array | undefined> {
    return this.#changes;
  }

  get(key: string): Uint8Array | undefined {
    if (this.#changes.has(key)) return this.#changes.get(key);
    for (let state = this.#parent; state !== undefined; state = state.#parent)
      if (state.#changes.has(key)) return state.#changes.get(key);
    return this.#base.get(key);
  }

  /** Whether a transaction is in this block or in one before it. */
  includes(id: string): boolean {
    if (this.#transactions.has(id)) return true;
    for (let state = this.#parent; state !== undefined; state = state.#parent)
      if (state.#transactions.has(id)) return true;
    return this.#base.includes(id);
  }

  /** Called when the base holds this state: nothing is kept here from then on. */
  settle(): void {
    this.#parent = undefined;
    this.#changes = new Map();
    this.#transactions = new Set();
  }

  draft(): Draft {
    return new Draft(this, this.#base);
  }
}

/** A state in the making: the parent's, and what transactions of the new block changed so far. */
export class Draft {
  readonly #parent: State;
  readonly #base: StateBase;
  readonly #changes = new Map<string, Uint8Array | undefined>();
  readonly #transactions = new Set<string>();

  constructor(parent: State, base: StateBase) {
    this.#parent = parent;
    this.#base = base;
  }

  /** Height of the block in the making. */
  get height(): number {
    return this.#parent.height + 1;
  }

  get(key: Uint8Array): Uint8Array | undefined {
    const packed = pack(key);
    return this.#changes.has(packed) ? this.#changes.get(packed) : this.#parent.get(packed);
  }

  set(key: Uint8Array, value: Uint8Array): void {
    this.#changes.set(pack(key), value);
  }

  includes(id: string): boolean {
    return this.#transactions.has(id) || this.#parent.includes(id);
  }

  include(id: string): void {
    this.#transactions.add(id);
  }

  account(name: string): Account | undefined {
    return accountIn(this.get(accountKey(name)));
  }

  finish(): State {
    const changes = [...this.#changes].map(([key, value]) => treeChange(unpack(key), value));
    return new State({
      height: this.height,
      tree: updateTree(this.#parent.tree, changes),
      base: this.#base,
      parent: this.#parent,
      changes: this.#changes,
      transactions: this.#transactions,
    });
  }
}

/** Values never change, so each is decoded once for as long as it is kept. */
const accounts = new WeakMap<Uint8Array, Account>();

export function accountIn(value: Uint8Array | undefined): Account | undefined {
  if (value === undefined) return undefined;
  const known = accounts.get(value);
  if (known !== undefined) return known;
  const account = decodeAccount(value);
  accounts.set(value, account);
  return account;
}

export function repositoryIn(value: Uint8Array | undefined): Repository | undefined {
  return value === undefined ? undefined : decodeRepository(value);
}

/** The entries of height 0. */
export function genesisEntries(genesis: Genesis): (readonly [Uint8Array, Uint8Array])[] {
  return genesis.accounts.map((account) => [accountKey(account.name), encodeAccount(account)]);
}

/** The tree over all entries. */
export function treeOf(entries: Iterable<readonly [key: Uint8Array, value: Uint8Array]>): Tree {
  return updateTree(
    undefined,
    Array.from(entries, ([key, value]) => treeChange(key, value)),
  );
}
