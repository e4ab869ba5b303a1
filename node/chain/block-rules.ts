import { setImmediate as nextTurn } from "node:timers/promises";
import { equalBytes, toHex } from "../formats/bytes.ts";
import type { Genesis } from "../formats/genesis.ts";
import { type Block, type BlockHeader, hasTransactionRoot } from "./block.ts";
import { execute, MAX_KEY_REGISTRATIONS, registersKey } from "./execute.ts";
import type { TransactionProblem } from "./ports.ts";
import type { Draft, State } from "./state.ts";
import type { Transaction } from "./transaction.ts";

/** A block whose transactions are decoded too. */
export interface CandidateBlock extends Block {
  readonly decoded: readonly Transaction[];
}

/** What is known of a block's validity; a missing block is named by its digest. */
export type BlockCheck =
  | { readonly status: "valid"; readonly state: State }
  | { readonly status: "invalid"; readonly reason: string }
  | { readonly status: "pending"; readonly reason: string; readonly missing?: Uint8Array };

/** Transactions executed in one turn of the event loop: some milliseconds. */
export const TRANSACTIONS_PER_TURN = 256;

/** What is wrong with a block as its header says, given its parent's. */
export function headerProblem(
  block: CandidateBlock,
  parent: BlockHeader,
  { consensus }: Genesis,
): string | undefined {
  const { header } = block;
  if (block.bytes.length > consensus.maxBlockBytes)
    return `got ${block.bytes.length} bytes, allowed: up to ${consensus.maxBlockBytes}`;
  if (block.decoded.length > consensus.maxBlockTransactions)
    return `got ${block.decoded.length} transactions, allowed: up to ${consensus.maxBlockTransactions}`;
  if (header.height !== parent.height + 1)
    return `got height ${header.height}, expected ${parent.height + 1}`;
  if (header.parentView !== parent.view)
    return `got parent view ${header.parentView}, expected ${parent.view}`;
  if (header.view <= parent.view) return `got view ${header.view}, allowed: above ${parent.view}`;
  const earliest = earliestTimestamp(parent, consensus.blockIntervalMs);
  if (header.timestampMs < earliest)
    return `got timestamp ${header.timestampMs}, allowed: from ${earliest}`;
  if (!hasTransactionRoot(block)) return "the transaction root is not that of the transactions";
  const registrations = block.decoded.filter(registersKey).length;
  if (registrations > MAX_KEY_REGISTRATIONS)
    return `got ${registrations} transactions that register keys, allowed: up to ${MAX_KEY_REGISTRATIONS}`;
  return undefined;
}

/** The first block may have any time after the genesis, which has none. */
export function earliestTimestamp(parent: BlockHeader, blockIntervalMs: number): number {
  return parent.height === 0 ? 1 : parent.timestampMs + blockIntervalMs;
}

/** Executes a block on top of its parent's state and compares the state root. */
export async function executeBlock(
  block: CandidateBlock,
  parent: State,
): Promise<Exclude<BlockCheck, { status: "pending" }>> {
  const draft = parent.draft();
  const failed = await executeAll(draft, block.decoded, block.header.timestampMs);
  if (failed !== undefined) {
    const { transaction, problem } = failed;
    const reason = `transaction ${transaction.id} fails: ${problem.code}: ${problem.detail}`;
    return { status: "invalid", reason };
  }
  const state = draft.finish();
  if (equalBytes(state.root, block.header.stateRoot)) return { status: "valid", state };
  const got = toHex(block.header.stateRoot);
  return { status: "invalid", reason: `got state root ${got}, expected ${toHex(state.root)}` };
}

/**
 * Executes the transactions of a block in order. A block holds none that fails.
 *
 * @returns the first that fails
 */
async function executeAll(
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
