import { accountKey, repositoryKey } from "./entries.ts";
import { pack } from "./hash.ts";
import type { TransactionProblem } from "./ports.ts";
import type { Transaction } from "./transaction.ts";

export interface MempoolLimits {
  readonly maxTransactions: number;
  /**
   * With more than that waiting, nothing is taken from this node's own clients: they wait and try
   * again. The room above it is for what other nodes have taken already.
   */
  readonly maxForClients: number;
  readonly maxBytes: number;
  /** Of one account; accounts with the role devnet are exempt. */
  readonly maxPerAccount: number;
}

export const defaultMempoolLimits: MempoolLimits = {
  maxTransactions: 20_000,
  maxForClients: 4_000,
  maxBytes: 16 * 1024 * 1024,
  maxPerAccount: 2_000,
};

/**
 * Transactions that wait for a block: checked before they get here, bounded, and given out fairly,
 * one of each account in turn, oldest first.
 */
export class Mempool {
  readonly #limits: MempoolLimits;
  readonly #byId = new Map<string, Transaction>();
  readonly #byAccount = new Map<string, Map<string, Transaction>>();
  readonly #byEntry = new Map<string, Set<Transaction>>();
  readonly #byExpiry = new Map<number, Set<Transaction>>();
  #bytes = 0;

  constructor(limits: MempoolLimits = defaultMempoolLimits) {
    this.#limits = limits;
  }

  get size(): number {
    return this.#byId.size;
  }

  get bytes(): number {
    return this.#bytes;
  }

  ids(): string[] {
    return [...this.#byId.keys()];
  }

  get(id: string): Transaction | undefined {
    return this.#byId.get(id);
  }

  /** Why there is no room for a transaction of that account and size, if so. */
  fullness(
    account: string,
    bytes: number,
    role: "user" | "devnet" | undefined,
    source: "local" | "peer",
  ): TransactionProblem | undefined {
    const { maxTransactions, maxForClients, maxBytes, maxPerAccount } = this.#limits;
    const full = (detail: string): TransactionProblem => ({ code: "mempool-full", detail });
    const most = source === "local" ? Math.min(maxForClients, maxTransactions) : maxTransactions;
    if (this.#byId.size >= most)
      return full(`${most} transactions are waiting, which is as many as allowed`);
    if (this.#bytes + bytes > maxBytes)
      return full(`${this.#bytes} bytes are waiting, allowed: up to ${maxBytes}`);
    const own = this.#byAccount.get(account)?.size ?? 0;
    if (role !== "devnet" && own >= maxPerAccount)
      return full(`${own} transactions of the account "${account}" are waiting already`);
    return undefined;
  }

  add(transaction: Transaction): void {
    this.#byId.set(transaction.id, transaction);
    this.#bytes += transaction.bytes.length;
    const { account, expiryHeight } = transaction;
    let queue = this.#byAccount.get(account);
    if (queue === undefined) this.#byAccount.set(account, (queue = new Map()));
    queue.set(transaction.id, transaction);
    addTo(this.#byEntry, entryOf(transaction), transaction);
    addTo(this.#byExpiry, expiryHeight, transaction);
  }

  remove(id: string): void {
    const transaction = this.#byId.get(id);
    if (transaction === undefined) return;
    this.#byId.delete(id);
    this.#bytes -= transaction.bytes.length;
    const { account, expiryHeight } = transaction;
    const queue = this.#byAccount.get(account);
    queue?.delete(id);
    if (queue?.size === 0) this.#byAccount.delete(account);
    removeFrom(this.#byEntry, entryOf(transaction), transaction);
    removeFrom(this.#byExpiry, expiryHeight, transaction);
  }

  /** One of each account in turn. The mempool may change while this runs. */
  *select(): Iterable<Transaction> {
    let queues = Array.from(this.#byAccount.values(), (queue) => queue.values());
    while (queues.length > 0) {
      const left: typeof queues = [];
      for (const queue of queues) {
        const next = queue.next();
        if (next.done) continue;
        yield next.value;
        left.push(queue);
      }
      queues = left;
    }
  }

  /** Transactions that depend on a state entry, by its packed key: they set it or act under it. */
  affectedBy(entry: string): Transaction[] {
    return [
      ...(this.#byEntry.get(entry) ?? []),
      ...(this.#byAccount.get(accountIn(entry) ?? "")?.values() ?? []),
    ];
  }

  /** Transactions that can be in no block above a height. */
  expiredAt(height: number): Transaction[] {
    return [...this.#byExpiry].flatMap(([expiry, set]) => (expiry <= height ? [...set] : []));
  }
}

/** Packed key of the state entry that a transaction sets. */
function entryOf({ account, payload }: Transaction): string {
  switch (payload.kind) {
    case "create-account":
      return pack(accountKey(payload.name));
    case "add-key":
    case "remove-key":
      return pack(accountKey(account));
    case "create-repository":
    case "set-repository":
      return pack(repositoryKey(payload.owner, payload.name));
  }
}

const ACCOUNT_PREFIX = pack(accountKey(""));

/** The account whose entry has that packed key. */
function accountIn(entry: string): string | undefined {
  return entry.startsWith(ACCOUNT_PREFIX) ? entry.slice(ACCOUNT_PREFIX.length) : undefined;
}

function addTo<Key>(index: Map<Key, Set<Transaction>>, key: Key, transaction: Transaction): void {
  const set = index.get(key);
  if (set === undefined) index.set(key, new Set([transaction]));
  else set.add(transaction);
}

function removeFrom<Key>(
  index: Map<Key, Set<Transaction>>,
  key: Key,
  transaction: Transaction,
): void {
  const set = index.get(key);
  set?.delete(transaction);
  if (set?.size === 0) index.delete(key);
}
