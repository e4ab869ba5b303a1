import { setImmediate as nextTurn } from "node:timers/promises";
import type { BlockContext } from "../consensus/ports.ts";
import type { Genesis } from "../formats/genesis.ts";
import {
  type BlockHeader,
  encodeBlock,
  HEADER_BYTES,
  TRANSACTION_OVERHEAD_BYTES,
  transactionRoot,
} from "./block.ts";
import { type CandidateBlock, TRANSACTIONS_PER_TURN } from "./block-rules.ts";
import type { Clock } from "./clock.ts";
import { execute, MAX_KEY_REGISTRATIONS, registersKey } from "./execute.ts";
import type { Mempool } from "./mempool.ts";
import type { State } from "./state.ts";
import type { Transaction } from "./transaction.ts";

/**
 * Share of the block interval that building a block may take, and its bounds in milliseconds. What
 * the proposer can execute in that time, the others can verify in about the same: a block that takes
 * longer than its view leaves no time for votes.
 */
const BUILDING_SHARE = 0.25;
const BUILDING_MS = { least: 10, most: 250 } as const;
/** The clock is read once in that many transactions. */
const TRANSACTIONS_PER_LOOK = 16;

export interface ProposalOptions {
  readonly context: BlockContext;
  readonly parent: { readonly header: BlockHeader; readonly state: State };
  readonly timestampMs: number;
  readonly clock: Clock;
  readonly mempool: Mempool;
  readonly genesis: Genesis;
  readonly genesisHash: Uint8Array;
}

/**
 * Builds a block of waiting transactions. Those that fail on top of the parent are left out and
 * stay in the mempool: the parent may never be finalized.
 */
export async function buildBlock(
  options: ProposalOptions,
  signal: AbortSignal,
): Promise<{ readonly block: CandidateBlock; readonly state: State } | undefined> {
  const { context, parent, timestampMs, clock, genesisHash } = options;
  const draft = parent.state.draft();
  const decoded: Transaction[] = [];
  const room = new BlockRoom(options.genesis);
  const deadline = clock.now() + buildingMs(options.genesis.consensus.blockIntervalMs);
  let tried = 0;
  for (const transaction of options.mempool.select()) {
    if (room.full) break;
    tried += 1;
    if (tried % TRANSACTIONS_PER_LOOK === 0 && clock.now() > deadline) break;
    if (tried % TRANSACTIONS_PER_TURN === 0) {
      await nextTurn();
      if (signal.aborted) return undefined;
    }
    if (!room.fits(transaction) || draft.includes(transaction.id)) continue;
    if (execute(draft, transaction, timestampMs) !== undefined) continue;
    room.take(transaction);
    decoded.push(transaction);
  }
  const state = draft.finish();
  const transactions = decoded.map(({ bytes }) => bytes);
  const block = encodeBlock(
    {
      genesisHash,
      epoch: context.epoch,
      view: context.view,
      leader: context.leader,
      parentView: context.parentView,
      parentDigest: context.parentDigest,
      height: draft.height,
      timestampMs,
      transactionRoot: transactionRoot(transactions),
      stateRoot: state.root,
      transactionCount: transactions.length,
    },
    transactions,
  );
  return { block: { ...block, decoded }, state };
}

function buildingMs(blockIntervalMs: number): number {
  const share = blockIntervalMs * BUILDING_SHARE;
  return Math.min(Math.max(share, BUILDING_MS.least), BUILDING_MS.most);
}

/** What still fits into a block. */
class BlockRoom {
  #bytes: number;
  #transactions: number;
  #registrations = MAX_KEY_REGISTRATIONS;

  constructor({ consensus }: Genesis) {
    this.#bytes = consensus.maxBlockBytes - HEADER_BYTES;
    this.#transactions = consensus.maxBlockTransactions;
  }

  get full(): boolean {
    return this.#transactions === 0 || this.#bytes < TRANSACTION_OVERHEAD_BYTES;
  }

  fits(transaction: Transaction): boolean {
    const size = TRANSACTION_OVERHEAD_BYTES + transaction.bytes.length;
    return size <= this.#bytes && (this.#registrations > 0 || !registersKey(transaction));
  }

  take(transaction: Transaction): void {
    this.#bytes -= TRANSACTION_OVERHEAD_BYTES + transaction.bytes.length;
    this.#transactions -= 1;
    if (registersKey(transaction)) this.#registrations -= 1;
  }
}
