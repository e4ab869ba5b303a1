import { DecodeError } from "../formats/binary.ts";
import { fromHex } from "../formats/bytes.ts";
import { admissionProblem, execute, problem } from "./execute.ts";
import type { Ledger } from "./ledger.ts";
import { RecentMap } from "./recent.ts";
import type { Mempool } from "./mempool.ts";
import type { ChainReader, Submission, TransactionProblem, TransactionStatus } from "./ports.ts";
import type { SignatureChecker } from "./signatures.ts";
import { decodeTransaction, MAX_TRANSACTION_BYTES, type Transaction } from "./transaction.ts";

/** Transactions whose rejection is remembered, for those who ask later. */
const MAX_REJECTED = 10_000;

type AcceptedListener = Parameters<ChainReader["onAccepted"]>[0];

/** The way of a transaction from its submission to its end. */
export class Submissions {
  readonly #ledger: Ledger;
  readonly #mempool: Mempool;
  readonly #signatures: SignatureChecker;
  readonly #genesisHash: Uint8Array;
  readonly #rejected = new RecentMap<string, TransactionProblem>(MAX_REJECTED);
  readonly #waiting = new Map<string, Set<() => void>>();
  readonly #listeners = new Set<AcceptedListener>();

  constructor(options: {
    readonly ledger: Ledger;
    readonly mempool: Mempool;
    readonly signatures: SignatureChecker;
    readonly genesisHash: Uint8Array;
  }) {
    this.#ledger = options.ledger;
    this.#mempool = options.mempool;
    this.#signatures = options.signatures;
    this.#genesisHash = options.genesisHash;
  }

  submit(bytes: Uint8Array, source: "local" | "peer"): Submission {
    if (bytes.length > MAX_TRANSACTION_BYTES) {
      const detail = `got ${bytes.length} bytes, allowed: up to ${MAX_TRANSACTION_BYTES}`;
      return { accepted: false, problem: problem("too-large", detail) };
    }
    const transaction = this.#decode(bytes);
    if ("code" in transaction) return { accepted: false, problem: transaction };
    const { id } = transaction;
    const refusal = this.#refusal(transaction, source);
    if (refusal !== undefined) return { accepted: false, id, problem: refusal };
    this.#mempool.add(transaction);
    this.#rejected.delete(id);
    for (const listener of this.#listeners) listener(transaction.bytes, source);
    return { accepted: true, id };
  }

  status(id: string): TransactionStatus {
    if (!/^[0-9a-f]{64}$/.test(id)) return { status: "unknown" };
    const found = this.#ledger.store.transaction(fromHex(id, 32));
    if (found !== undefined)
      return { status: "finalized", height: found.height, index: found.position };
    if (this.#mempool.get(id) !== undefined) return { status: "pending" };
    const rejected = this.#rejected.get(id);
    return rejected === undefined
      ? { status: "unknown" }
      : { status: "rejected", problem: rejected };
  }

  settled(id: string, signal: AbortSignal): Promise<TransactionStatus> {
    if (signal.aborted) return Promise.reject(signal.reason as Error);
    const now = this.status(id);
    if (now.status === "finalized" || now.status === "rejected") return Promise.resolve(now);
    return new Promise((resolve, reject) => {
      const waiting = this.#waiting.get(id) ?? new Set();
      this.#waiting.set(id, waiting);
      const leave = () => {
        signal.removeEventListener("abort", aborted);
        waiting.delete(settled);
        if (waiting.size === 0) this.#waiting.delete(id);
      };
      const settled = () => {
        leave();
        resolve(this.status(id));
      };
      const aborted = () => {
        leave();
        reject(signal.reason as Error);
      };
      waiting.add(settled);
      signal.addEventListener("abort", aborted, { once: true });
    });
  }

  onAccepted(listener: AcceptedListener): () => void {
    this.#listeners.add(listener);
    return () => this.#listeners.delete(listener);
  }

  /**
   * After a block was finalized.
   *
   * @param ids its transactions
   * @param changed packed keys of the state entries it changed
   */
  finalized(ids: readonly string[], changed: readonly string[]): void {
    for (const id of ids) {
      this.#mempool.remove(id);
      this.#wake(id);
    }
    const { height } = this.#ledger.tip.header;
    for (const transaction of this.#mempool.expiredAt(height))
      this.#reject(
        transaction,
        problem("expired", `expired after height ${transaction.expiryHeight}`),
      );
    if (this.#mempool.size === 0) return;
    for (const entry of changed)
      for (const transaction of this.#mempool.affectedBy(entry)) {
        const failure = execute(this.#ledger.state.draft(), transaction, 0);
        if (failure !== undefined) this.#reject(transaction, failure);
      }
  }

  #decode(bytes: Uint8Array): Transaction | TransactionProblem {
    try {
      return decodeTransaction(new Uint8Array(bytes), this.#genesisHash);
    } catch (error) {
      if (error instanceof DecodeError) return problem("malformed", error.message);
      throw error;
    }
  }

  /** Cheap reasons first, the signature after them, the dry run last. */
  #refusal(transaction: Transaction, source: "local" | "peer"): TransactionProblem | undefined {
    const { id, account, bytes } = transaction;
    if (this.#mempool.get(id) !== undefined)
      return problem("duplicate", "the transaction is waiting already");
    const draft = this.#ledger.state.draft();
    const cheap =
      admissionProblem(draft, transaction) ??
      this.#mempool.fullness(account, bytes.length, draft.account(account)?.role, source);
    if (cheap !== undefined) return cheap;
    if (!this.#signatures.verify(transaction))
      return problem("bad-signature", "the signature is not that of the key over the transaction");
    return execute(draft, transaction, 0);
  }

  #reject(transaction: Transaction, failure: TransactionProblem): void {
    this.#mempool.remove(transaction.id);
    this.#rejected.set(transaction.id, failure);
    this.#wake(transaction.id);
  }

  #wake(id: string): void {
    for (const settled of [...(this.#waiting.get(id) ?? [])]) settled();
  }
}
