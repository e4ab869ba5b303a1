import { setImmediate as nextTurn } from "node:timers/promises";
import { execute } from "./execute.ts";
import type { TransactionProblem } from "./ports.ts";
import type { Draft } from "./state.ts";
import type { Transaction } from "./transaction.ts";

/** Transactions executed in one turn of the event loop: some milliseconds. */
export const TRANSACTIONS_PER_TURN = 256;

/**
 * Executes the transactions of a block in order. A block holds none that fails.
 *
 * @returns the first that fails
 */
export async function executeAll(
  draft: Draft,
  transactions: readonly Transaction[],
  timestampMs: number,
): Promise<
  { readonly transaction: Transaction; readonly problem: TransactionProblem } | undefined
> {
  for (const [i, transaction] of transactions.entries()) {
    if (i > 0 && i % TRANSACTIONS_PER_TURN === 0) await nextTurn();
    const problem = execute(draft, transaction, timestampMs);
    if (problem !== undefined) return { transaction, problem };
  }
  return undefined;
}
