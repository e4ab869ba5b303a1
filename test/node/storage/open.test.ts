/**
 * Proves: a data directory is made, locked, bound to one chain and key, and refused with a typed
 * error where it must be; the lock goes with its process, killed or not.
 * Does not prove: locking on network file systems.
 */
import assert from "node:assert/strict";
import { execFileSync, spawn } from "node:child_process";
import { once } from "node:events";
import {
  chmodSync,
  existsSync,
  mkdirSync,
  mkdtempSync,
  readFileSync,
  rmSync,
  statSync,
  writeFileSync,
} from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { createInterface } from "node:readline";
import { type TestContext, test } from "node:test";
import Database from "better-sqlite3";
import { StorageError } from "../../../node/storage/errors.ts";
import { openStorage, openStoredChain } from "../../../node/storage/open.ts";
import { SyncedDatabase } from "../../../node/storage/sqlite.ts";

const identity = { genesisHash: "aa".repeat(32), publicKey: "bb".repeat(32) };
const holder = join(import.meta.dirname, "support/hold-lock.ts");

function directoryFor(t: TestContext): string {
  const path = mkdtempSync(join(tmpdir(), "guts-storage-"));
  t.after(() => rmSync(path, { recursive: true, force: true }));
  return path;
}

function problemOf(action: () => unknown): StorageError {
  try {
    action();
  } catch (error) {
    assert.ok(error instanceof StorageError, String(error));
    return error;
  }
  throw new assert.AssertionError({ message: "expected a StorageError" });
}

test("a new directory has its files, for its owner only", (t) => {
  const directory = join(directoryFor(t), "new", "data");
  using storage = openStorage(directory, identity);
  for (const file of ["LOCK", "FORMAT", "chain.db", "consensus.db", "consensus.guard"])
    assert.ok(existsSync(join(directory, file)), file);
  assert.equal(statSync(directory).mode & 0o777, 0o700);
  assert.equal(readFileSync(join(directory, "FORMAT"), "utf8"), "1\n");
  assert.ok(storage.sizes().chain > 0 && storage.sizes().consensus > 0);
});

test("a second opening is refused with the process that holds it, and allowed after closing", (t) => {
  const directory = directoryFor(t);
  const storage = openStorage(directory, identity);
  const error = problemOf(() => openStorage(directory, identity));
  assert.deepEqual(error.problem, { code: "locked", path: directory, pid: process.pid });
  assert.equal(error.exitCode, 3);
  storage.close();
  openStorage(directory, identity).close();
});

test("another process is refused, and its being killed frees the directory", async (t) => {
  const directory = directoryFor(t);
  const child = spawn(process.execPath, [holder, directory, ...Object.values(identity)], {
    stdio: ["ignore", "pipe", "inherit"],
  });
  t.after(() => child.kill("SIGKILL"));
  await once(child.stdout, "data");
  const error = problemOf(() => openStorage(directory, identity));
  assert.deepEqual(error.problem, { code: "locked", path: directory, pid: child.pid });
  const exited = once(child, "exit");
  child.kill("SIGKILL");
  await exited;
  openStorage(directory, identity).close();
});

test("what was appended before a kill is there after it", { timeout: 30_000 }, async (t) => {
  const directory = directoryFor(t);
  const child = spawn(
    process.execPath,
    [holder, directory, identity.genesisHash, identity.publicKey, "append"],
    { stdio: ["ignore", "pipe", "inherit"] },
  );
  let last = 0;
  for await (const line of createInterface({ input: child.stdout })) {
    last = Number(line);
    if (last === 200) child.kill("SIGKILL");
  }
  assert.ok(last >= 200, `${last}`);
  using storage = openStorage(directory, identity);
  const records = [...storage.journal.replay()];
  // One more may have been committed and not been told.
  assert.ok(records.length === last || records.length === last + 1, `${records.length} of ${last}`);
  for (const [i, bytes] of records.entries())
    assert.deepEqual([...bytes], new Array<number>(200).fill((i + 1) & 0xff));
  assert.equal(storage.journal.highestSigned.notarize, records.length);
  assert.equal(storage.journal.intact, true);
});

test("the directory of another chain or key is refused with both", (t) => {
  const directory = directoryFor(t);
  openStorage(directory, identity).close();
  const genesisHash = "cc".repeat(32);
  const chain = problemOf(() => openStorage(directory, { ...identity, genesisHash }));
  assert.equal(chain.code, "other-chain");
  assert.match(chain.message, new RegExp(`${identity.genesisHash}.*${genesisHash}`));
  const key = problemOf(() => openStorage(directory, { ...identity, publicKey: "dd" }));
  assert.equal(key.code, "other-key");
  assert.equal(key.exitCode, 3);
  openStorage(directory, identity).close();
});

test("a newer data format and a newer schema are refused, and stay as they are", (t) => {
  const directory = directoryFor(t);
  openStorage(directory, identity).close();
  writeFileSync(join(directory, "FORMAT"), "2\n");
  const format = problemOf(() => openStorage(directory, identity));
  assert.deepEqual(format.problem, {
    code: "newer-format",
    path: directory,
    got: 2,
    supported: 1,
  });
  assert.equal(format.exitCode, 3);
  assert.equal(readFileSync(join(directory, "FORMAT"), "utf8"), "2\n");
  writeFileSync(join(directory, "FORMAT"), "1\n");
  const database = new Database(join(directory, "chain.db"));
  database.pragma("user_version = 99");
  database.close();
  assert.equal(problemOf(() => openStorage(directory, identity)).code, "newer-format");
});

for (const text of ["", "0", "one", "1.5", "-1"])
  test(`the FORMAT "${text}" is refused as damaged`, (t) => {
    const directory = directoryFor(t);
    writeFileSync(join(directory, "FORMAT"), text);
    assert.equal(problemOf(() => openStorage(directory, identity)).code, "corrupt");
  });

test("databases without a FORMAT file are refused", (t) => {
  const directory = directoryFor(t);
  openStorage(directory, identity).close();
  rmSync(join(directory, "FORMAT"));
  assert.equal(problemOf(() => openStorage(directory, identity)).code, "corrupt");
});

test("a file that is no database is refused as damaged", (t) => {
  const directory = directoryFor(t);
  openStorage(directory, identity).close();
  writeFileSync(join(directory, "consensus.db"), "x".repeat(8192));
  const error = problemOf(() => openStorage(directory, identity));
  assert.equal(error.code, "corrupt");
  assert.match(error.message, /consensus\.db is damaged/);
});

test("a damaged page in the journal is found at start", (t) => {
  const directory = directoryFor(t);
  const storage = openStorage(directory, identity);
  for (let view = 1; view <= 200; view++)
    storage.journal.append([{ view, bytes: new Uint8Array(300) }]);
  storage.close();
  const path = join(directory, "consensus.db");
  const content = readFileSync(path);
  content.fill(0xff, content.length - 8192);
  writeFileSync(path, content);
  assert.equal(problemOf(() => openStorage(directory, identity)).code, "corrupt");
});

test("a path that is a file is refused", (t) => {
  const path = join(directoryFor(t), "file");
  writeFileSync(path, "");
  const error = problemOf(() => openStorage(path, identity));
  assert.equal(error.code, "unusable");
  assert.equal(error.exitCode, 3);
});

test("a directory that cannot be written is refused as read-only", (t) => {
  const directory = directoryFor(t);
  openStorage(directory, identity).close();
  if (process.getuid?.() === 0) {
    // Root may write whatever the mode says, so the file system itself must refuse.
    const mounted = join(directory, "mounted");
    mkdirSync(mounted);
    try {
      execFileSync("mount", ["-t", "tmpfs", "-o", "ro", "tmpfs", mounted], { stdio: "ignore" });
    } catch {
      t.skip("root without the right to mount");
      return;
    }
    try {
      assert.equal(problemOf(() => openStorage(mounted, identity)).code, "read-only");
      assert.equal(problemOf(() => openStorage(join(mounted, "new"), identity)).code, "read-only");
    } finally {
      execFileSync("umount", [mounted]);
    }
    return;
  }
  chmodSync(directory, 0o500);
  t.after(() => chmodSync(directory, 0o700));
  const error = problemOf(() => openStorage(directory, identity));
  assert.equal(error.code, "read-only");
  assert.equal(error.exitCode, 3);
});

test("a full disk is a storage failure that names the disk", (t) => {
  const directory = directoryFor(t);
  const path = join(directory, "small.db");
  const database = new SyncedDatabase(path, { migrations: ["CREATE TABLE t (bytes BLOB)"] });
  t.after(() => database.close());
  const { page_count: pages } = database.connection
    .prepare<[], { page_count: number }>("PRAGMA page_count")
    .get() ?? { page_count: 0 };
  database.connection.pragma(`max_page_count = ${pages + 2}`);
  const insert = database.prepare<[Uint8Array], never>("INSERT INTO t VALUES (?)");
  const error = problemOf(() => {
    database.transaction(() => insert.run(new Uint8Array(100_000)));
  });
  assert.equal(error.code, "disk-full");
  assert.equal(error.reason, "storage");
  assert.equal(error.exitCode, 5);
  assert.match(error.message, /no space left on the disk of .*small\.db/);
  const rows = database.connection.prepare("SELECT count(*) AS n FROM t").get() as { n: number };
  assert.equal(rows.n, 0, "nothing of the failed transaction stays");
});

test("an older schema is backed up and then brought forward, each step once", (t) => {
  const directory = directoryFor(t);
  const path = join(directory, "some.db");
  const first = "CREATE TABLE t (a INTEGER); INSERT INTO t VALUES (1)";
  new SyncedDatabase(path, { migrations: [first] }).close();
  const migrations = [first, "ALTER TABLE t ADD COLUMN b INTEGER DEFAULT 7"];
  for (let opening = 0; opening < 2; opening++) {
    const database = new SyncedDatabase(path, { migrations });
    assert.deepEqual(database.connection.prepare("SELECT a, b FROM t").all(), [{ a: 1, b: 7 }]);
    database.close();
  }
  const backup = new Database(join(directory, "backup", "some-schema-1.db"), { readonly: true });
  assert.deepEqual(backup.prepare("SELECT * FROM t").all(), [{ a: 1 }]);
  backup.close();
});

test("a migration that fails changes nothing", (t) => {
  const path = join(directoryFor(t), "some.db");
  new SyncedDatabase(path, { migrations: ["CREATE TABLE t (a INTEGER)"] }).close();
  const migrations = ["CREATE TABLE t (a INTEGER)", "CREATE TABLE u (b INTEGER); nonsense"];
  assert.throws(() => new SyncedDatabase(path, { migrations }));
  const database = new SyncedDatabase(path, { migrations: ["CREATE TABLE t (a INTEGER)"] });
  const tables = database.connection.prepare("SELECT name FROM sqlite_schema").all();
  assert.deepEqual(tables, [{ name: "t" }]);
  database.close();
});

test("commits are observed with their database", (t) => {
  const seen: string[] = [];
  using storage = openStorage(directoryFor(t), {
    ...identity,
    observeCommit: (database, seconds) => {
      assert.ok(seconds >= 0 && seconds < 60);
      seen.push(database);
    },
  });
  seen.length = 0;
  storage.journal.append([{ view: 1, bytes: new Uint8Array(1) }]);
  assert.deepEqual(seen, ["consensus"]);
});

test("the chain can be read beside the node that owns it, and is not made", (t) => {
  const directory = directoryFor(t);
  assert.throws(() => openStoredChain(directory), StorageError);
  assert.equal(existsSync(join(directory, "chain.db")), false);
  using _storage = openStorage(directory, identity);
  using stored = openStoredChain(directory);
  assert.equal(stored.genesisHash, identity.genesisHash);
  assert.equal(stored.chain.tip(), undefined);
});
