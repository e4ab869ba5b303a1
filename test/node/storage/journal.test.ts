/**
 * Proves: the journal gives back what was appended, in order and above its floor, keeps the highest
 * signed views through pruning, and notices when it was lost or is an older copy.
 * Does not prove: what consensus does with it, and power failures beyond what SQLite promises.
 */
import assert from "node:assert/strict";
import { cpSync, mkdtempSync, rmSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { type TestContext, test } from "node:test";
import fc from "fast-check";
import type { JournalRecord } from "../../../node/consensus/ports.ts";
import { StorageError } from "../../../node/storage/errors.ts";
import { VoteGuard } from "../../../node/storage/guard.ts";
import { SqliteJournal } from "../../../node/storage/journal.ts";
import { openStorage } from "../../../node/storage/open.ts";
import { consensusMigrations } from "../../../node/storage/schema.ts";
import { SyncedDatabase } from "../../../node/storage/sqlite.ts";

const identity = { genesisHash: "aa".repeat(32), publicKey: "bb".repeat(32) };

function directoryFor(t: TestContext): string {
  const path = mkdtempSync(join(tmpdir(), "guts-journal-"));
  t.after(() => rmSync(path, { recursive: true, force: true }));
  return path;
}

const vote = (view: number, signed: JournalRecord["signed"] = "notarize"): JournalRecord => ({
  view,
  bytes: Uint8Array.of(view),
  ...(signed && { signed }),
});

const replayed = (journal: { replay(): Iterable<Uint8Array> }) =>
  Array.from(journal.replay(), (bytes) => bytes[0]);

test("a new journal is empty, intact and at the beginning", (t) => {
  using storage = openStorage(directoryFor(t), identity);
  const { journal } = storage;
  assert.deepEqual(replayed(journal), []);
  assert.equal(journal.floor, 0);
  assert.equal(journal.intact, true);
  assert.deepEqual(journal.highestSigned, { notarize: 0, nullify: 0, finalize: 0 });
});

test("records come back in order after reopening, whatever the sequence of calls", (t) => {
  const step = fc.oneof(
    fc.record({
      append: fc.array(
        fc.record({
          view: fc.integer({ min: 1, max: 300 }),
          bytes: fc.uint8Array({ maxLength: 50 }),
          signed: fc.constantFrom("notarize", "nullify", "finalize", undefined),
        }),
        { maxLength: 5 },
      ),
    }),
    fc.record({ prune: fc.integer({ min: 0, max: 300 }) }),
    fc.record({ reopen: fc.constant(true) }),
  );
  fc.assert(
    fc.property(fc.array(step, { maxLength: 20 }), (steps) => {
      const directory = mkdtempSync(join(directoryFor(t), "run-"));
      let storage = openStorage(directory, identity);
      let model: JournalRecord[] = [];
      let floor = 0;
      const signed = { notarize: 0, nullify: 0, finalize: 0 };
      const reopen = () => {
        storage.close();
        storage = openStorage(directory, identity);
      };
      for (const each of steps)
        if ("append" in each) {
          const records = each.append as JournalRecord[];
          storage.journal.append(records);
          model.push(...records);
          for (const { signed: kind, view } of records)
            if (kind) signed[kind] = Math.max(signed[kind], view);
        } else if ("prune" in each) {
          storage.journal.prune(each.prune);
          floor = Math.max(floor, each.prune);
        } else reopen();
      reopen();
      model = model.filter(({ view }) => view >= floor);
      assert.deepEqual(
        Array.from(storage.journal.replay(), (bytes) => [...bytes]),
        model.map(({ bytes }) => [...bytes]),
      );
      assert.equal(storage.journal.floor, floor);
      assert.deepEqual(storage.journal.highestSigned, signed);
      assert.equal(storage.journal.intact, true);
      storage.close();
    }),
    { numRuns: 25, seed: 1 },
  );
});

test("the floor never moves backwards, and records of no view outlive it", (t) => {
  const directory = directoryFor(t);
  using storage = openStorage(directory, identity);
  const { journal } = storage;
  journal.append([vote(3), { view: Number.MAX_SAFE_INTEGER, bytes: Uint8Array.of(99) }, vote(8)]);
  journal.prune(8);
  journal.prune(2);
  assert.equal(journal.floor, 8);
  assert.deepEqual(replayed(journal), [99, 8]);
});

test("records below the floor leave the disk, and the floor survives an unclean end", (t) => {
  const directory = directoryFor(t);
  const database = new SyncedDatabase(join(directory, "consensus.db"), {
    migrations: consensusMigrations,
  });
  const guard = new VoteGuard(join(directory, "consensus.guard"));
  t.after(() => {
    guard.close();
    database.close();
  });
  const open = () =>
    new SqliteJournal(database, guard, { voted: false, markVoted: () => undefined });
  const journal = open();
  for (let view = 1; view <= 100; view++) {
    journal.append([vote(view)]);
    journal.prune(view - 1);
  }
  const { n } = database.connection.prepare("SELECT count(*) AS n FROM records").get() as {
    n: number;
  };
  assert.ok(n < 70, `${n} of 100 records are left`);
  // Not closed: a new journal over the same database sees what was committed.
  const again = open();
  assert.ok(again.floor >= 64 && again.floor <= 99, `${again.floor}`);
  assert.deepEqual(replayed(again).at(-1), 100);
});

/** Makes a directory with votes, ruins it, and opens it again. */
function afterLoss(t: TestContext, ruin: (directory: string, copy: string) => void) {
  const directory = directoryFor(t);
  const copy = directoryFor(t);
  let storage = openStorage(directory, identity);
  storage.journal.append([vote(5), vote(4, "finalize")]);
  storage.close();
  cpSync(directory, copy, { recursive: true });
  storage = openStorage(directory, identity);
  storage.journal.append([vote(9), vote(7, "nullify")]);
  storage.close();
  ruin(directory, copy);
  storage = openStorage(directory, identity);
  t.after(() => storage.close());
  return { directory, storage };
}

const remove = (directory: string, ...files: string[]) => {
  for (const file of files) rmSync(join(directory, file), { force: true });
};
const highest = { notarize: 9, nullify: 7, finalize: 4 };

test("a journal that was removed is not intact, and the signed views are still known", (t) => {
  const { storage } = afterLoss(t, (directory) => remove(directory, "consensus.db"));
  assert.equal(storage.journal.intact, false);
  assert.deepEqual(storage.journal.highestSigned, highest);
  assert.deepEqual(replayed(storage.journal), []);
});

test("an older copy of the journal is not intact", (t) => {
  const { storage } = afterLoss(t, (directory, copy) =>
    cpSync(join(copy, "consensus.db"), join(directory, "consensus.db")),
  );
  assert.equal(storage.journal.intact, false);
  assert.deepEqual(storage.journal.highestSigned, highest);
});

test("with journal and guard both gone, the chain's database knows that the key was used", (t) => {
  const { storage } = afterLoss(t, (directory) =>
    remove(directory, "consensus.db", "consensus.guard"),
  );
  assert.equal(storage.journal.intact, false);
});

test("a damaged guard is not trusted", (t) => {
  const { storage } = afterLoss(t, (directory) =>
    writeFileSync(join(directory, "consensus.guard"), Buffer.alloc(96, 7)),
  );
  assert.equal(storage.journal.intact, false);
});

test("a guard that lags behind the journal is harmless", (t) => {
  const { storage } = afterLoss(t, (directory, copy) =>
    cpSync(join(copy, "consensus.guard"), join(directory, "consensus.guard")),
  );
  assert.equal(storage.journal.intact, true);
  assert.deepEqual(storage.journal.highestSigned, highest);
});

test("certificates and old views do not end a loss, a vote above all others does", (t) => {
  const { directory, storage } = afterLoss(t, (path) => remove(path, "consensus.db"));
  const intactAfter = (records: readonly JournalRecord[]) => {
    const current = openStorage(directory, identity);
    current.journal.append(records);
    current.close();
    const reopened = openStorage(directory, identity);
    const { intact, highestSigned } = reopened.journal;
    reopened.close();
    return { intact, highestSigned };
  };
  storage.close();
  assert.deepEqual(intactAfter([{ view: 50, bytes: new Uint8Array(1) }]), {
    intact: false,
    highestSigned: highest,
  });
  assert.equal(intactAfter([vote(8)]).intact, false);
  assert.deepEqual(intactAfter([vote(13, "nullify")]), {
    intact: true,
    highestSigned: { ...highest, nullify: 13 },
  });
});

test("after a failed write nothing more is written", (t) => {
  const directory = directoryFor(t);
  const database = new SyncedDatabase(join(directory, "consensus.db"), {
    migrations: consensusMigrations,
  });
  const guard = new VoteGuard(join(directory, "consensus.guard"));
  t.after(() => {
    guard.close();
    database.close();
  });
  const journal = new SqliteJournal(database, guard, { voted: true, markVoted: () => undefined });
  journal.append([vote(1)]);
  const pages = database.connection.pragma("page_count", { simple: true }) as number;
  database.connection.pragma(`max_page_count = ${pages}`);
  const tooMuch = { view: 2, bytes: new Uint8Array(1_000_000), signed: "notarize" } as const;
  const isFull = (error: unknown) => error instanceof StorageError && error.code === "disk-full";
  assert.throws(() => journal.append([tooMuch]), isFull);
  database.connection.pragma("max_page_count = 1000000");
  assert.throws(() => journal.append([vote(3)]), StorageError);
  assert.deepEqual(replayed(journal), [1]);
  assert.equal(journal.highestSigned.notarize, 1);
  assert.equal(guard.views.notarize, 1);
});

test("a torn write of the guard leaves the one before", (t) => {
  const path = join(directoryFor(t), "guard");
  const guard = new VoteGuard(path);
  for (let view = 1; view <= 4; view++) guard.save({ notarize: view, nullify: 0, finalize: 0 });
  guard.close();
  // The fourth is in the first slot of 48 bytes.
  const content = Buffer.alloc(96);
  const again = new VoteGuard(path);
  assert.equal(again.views.notarize, 4);
  again.close();
  cpSync(path, `${path}.whole`);
  writeFileSync(path, Buffer.concat([content.subarray(0, 20)]), { flag: "r+" });
  const torn = new VoteGuard(path);
  assert.equal(torn.views.notarize, 3);
  assert.equal(torn.damaged, false);
  torn.close();
});
