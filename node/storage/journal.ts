import type { Journal, JournalRecord } from "../consensus/ports.ts";
import { StorageError } from "./errors.ts";
import type { SignedViews, VoteGuard } from "./guard.ts";
import type { SyncedDatabase } from "./sqlite.ts";

interface Position extends SignedViews {
  readonly floor: number;
}

/** Rows that may wait below the floor before an append deletes them. */
const PRUNE_BATCH = 64;

/**
 * The journal of votes and certificates in consensus.db. An append is one synced commit; a new
 * floor is kept in memory until the next append writes it, so that pruning costs no sync of its
 * own. After a crash the older floor is in force and its records are still there.
 */
export class SqliteJournal implements Journal {
  readonly intact: boolean;
  readonly #database: SyncedDatabase;
  readonly #guard: VoteGuard;
  readonly #markVoted: () => void;
  readonly #statements;
  #voted: boolean;
  #floor: number;
  #storedFloor: number;
  #stored: SignedViews;
  #failed = false;

  /**
   * @param voted whether this key ever signed a vote in this directory, as the chain's database knows
   * @param markVoted makes that durable; called once, before the first vote is stored
   */
  constructor(
    database: SyncedDatabase,
    guard: VoteGuard,
    options: { readonly voted: boolean; readonly markVoted: () => void },
  ) {
    this.#database = database;
    this.#guard = guard;
    this.#voted = options.voted;
    this.#markVoted = options.markVoted;
    this.#statements = statementsOf(database);
    const position = database.read(() => this.#statements.position.get());
    if (position === undefined)
      throw new StorageError({
        code: "corrupt",
        path: database.path,
        detail: "the journal has no position",
      });
    const { floor, ...stored } = position;
    this.#floor = floor;
    this.#storedFloor = floor;
    this.#stored = stored;
    this.intact = isIntact(stored, guard, options.voted);
  }

  get floor(): number {
    return this.#floor;
  }

  /**
   * Never behind what was signed. While the journal is not intact it may be ahead of the records:
   * it is then what the guard remembers.
   */
  get highestSigned(): SignedViews {
    return highest(this.#stored, this.#guard.views);
  }

  *replay(): Iterable<Uint8Array> {
    for (const { bytes } of this.#statements.replay.iterate(this.#floor)) yield toBytes(bytes);
  }

  append(records: readonly JournalRecord[]): void {
    if (this.#failed)
      throw new StorageError({
        code: "io",
        path: this.#database.path,
        detail: "an earlier write failed, so nothing more is written",
      });
    if (records.length === 0) return;
    const votes = records.some(({ signed }) => signed !== undefined);
    try {
      if (votes && !this.#voted) this.#markVoted();
      this.#voted ||= votes;
      this.#commit(records, this.#raised(records));
      if (votes) this.#guard.save(this.highestSigned);
    } catch (error) {
      this.#failed = true;
      throw error;
    }
  }

  prune(floor: number): void {
    if (floor > this.#floor) this.#floor = floor;
  }

  /** Writes a floor that no append has written yet. */
  close(): void {
    if (!this.#failed && this.#floor > this.#storedFloor) this.#commit([], this.#stored);
  }

  /**
   * The signed views with these records. Once a vote is above everything the guard remembers, what
   * it remembers is taken over: a loss of the journal is over then. Before, the two stay apart, so
   * that the loss is known after a restart too.
   */
  #raised(records: readonly JournalRecord[]): SignedViews {
    const views = { ...this.#stored };
    for (const { signed, view } of records)
      if (signed !== undefined) views[signed] = Math.max(views[signed], view);
    const guard = this.#guard.views;
    return newest(views) > newest(guard) ? highest(views, guard) : views;
  }

  #commit(records: readonly JournalRecord[], signed: SignedViews): void {
    const { insert, remove, update } = this.#statements;
    const floor = this.#floor;
    const due = records.length === 0 || floor - this.#storedFloor >= PRUNE_BATCH;
    this.#database.transaction(() => {
      for (const { view, bytes } of records) insert.run(view, bytes);
      if (due) remove.run(floor);
      update.run(due ? floor : this.#storedFloor, signed.notarize, signed.nullify, signed.finalize);
    });
    if (due) this.#storedFloor = floor;
    this.#stored = signed;
  }
}

function statementsOf(database: SyncedDatabase) {
  return {
    position: database.prepare<[], Position>(
      "SELECT floor, notarize, nullify, finalize FROM position",
    ),
    replay: database.prepare<[number], { bytes: Buffer }>(
      "SELECT bytes FROM records WHERE view >= ? ORDER BY sequence",
    ),
    insert: database.prepare<[number, Uint8Array], never>(
      "INSERT INTO records (view, bytes) VALUES (?, ?)",
    ),
    remove: database.prepare<[number], never>("DELETE FROM records WHERE view < ?"),
    update: database.prepare<[number, number, number, number], never>(
      "UPDATE position SET floor = ?, notarize = ?, nullify = ?, finalize = ?",
    ),
  };
}

/** Whether the journal holds every vote this key is known to have signed. */
function isIntact(stored: SignedViews, guard: VoteGuard, voted: boolean): boolean {
  const { notarize, nullify, finalize } = guard.views;
  if (guard.damaged || (voted && newest(stored) === 0)) return false;
  return stored.notarize >= notarize && stored.nullify >= nullify && stored.finalize >= finalize;
}

function newest({ notarize, nullify, finalize }: SignedViews): number {
  return Math.max(notarize, nullify, finalize);
}

function highest(a: SignedViews, b: SignedViews): SignedViews {
  return {
    notarize: Math.max(a.notarize, b.notarize),
    nullify: Math.max(a.nullify, b.nullify),
    finalize: Math.max(a.finalize, b.finalize),
  };
}

function toBytes(buffer: Buffer): Uint8Array {
  return new Uint8Array(buffer.buffer, buffer.byteOffset, buffer.byteLength);
}
