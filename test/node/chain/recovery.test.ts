/**
 * Proves: after a crash at any moment every block that was certified and everything that was
 * answered is there, and the chain goes on from it; damage is noticed at start.
 * Does not prove: that a disk keeps what it said it had written.
 */
import assert from "node:assert/strict";
import { spawn } from "node:child_process";
import { join } from "node:path";
import { createInterface } from "node:readline";
import { type TestContext, test } from "node:test";
import Database from "better-sqlite3";
import { openChain } from "../../../node/chain/chain.ts";
import { fromHex } from "../../../node/formats/bytes.ts";
import { ChainStore } from "../../../node/storage/chain-store.ts";
import { StorageError } from "../../../node/storage/errors.ts";
import { chainMigrations } from "../../../node/storage/schema.ts";
import { SyncedDatabase } from "../../../node/storage/sqlite.ts";
import {
  createRepository,
  keys,
  temporaryDirectory,
  TestChain,
  testGenesis,
} from "./support/chain.ts";

function directoryFor(t: TestContext): string {
  const directory = temporaryDirectory();
  t.after(() => directory[Symbol.dispose]());
  return directory.path;
}

test("a certified block survives, and is finalized after reopening", async (t) => {
  const node = new TestChain(directoryFor(t));
  t.after(() => node.storage.close());
  await node.advance();
  const { bytes } = node.sign("alice", keys.alice, createRepository("alice", "x"));
  node.chain.submit(bytes, "local");
  const first = await node.propose();
  const second = await node.propose(first.digest);
  // Certifying the second stores its parent with it.
  await node.chain.certify(second.context, second.digest);
  node.reopen();
  assert.equal(node.chain.tip().height, 1);
  assert.deepEqual(node.chain.read(first.digest), Buffer.from(first.bytes));
  assert.deepEqual(node.chain.read(second.digest), Buffer.from(second.bytes));
  assert.equal((await node.chain.certify(second.context, second.digest)).status, "valid");
  const third = await node.propose(second.digest);
  for (const block of [first, second, third]) await node.finalize(block);
  assert.equal(node.chain.tip().height, 4);
  assert.ok(node.chain.repository("alice", "x"));
});

test("a block that was only verified may be lost, and is then asked for", async (t) => {
  const node = new TestChain(directoryFor(t));
  t.after(() => node.storage.close());
  const block = await node.propose();
  assert.equal((await node.chain.verify(block.context, block.digest)).status, "valid");
  node.reopen();
  assert.equal((await node.chain.certify(block.context, block.digest)).status, "pending");
  node.chain.receive(block.bytes);
  assert.equal((await node.chain.certify(block.context, block.digest)).status, "valid");
});

test("the state is the same after reopening, and so is what comes next", async (t) => {
  const [a, b] = [new TestChain(directoryFor(t)), new TestChain(directoryFor(t))];
  t.after(() => [a, b].forEach(({ storage }) => storage.close()));
  for (let i = 0; i < 6; i++) {
    for (const name of [`p${i}`, `q${i}`])
      a.chain.submit(a.sign("alice", keys.alice, createRepository("alice", name)).bytes, "local");
    const block = await a.advance();
    await b.finalize(block);
    a.reopen();
    assert.equal(a.chain.tip().stateRoot, b.chain.tip().stateRoot);
    assert.deepEqual(
      a.chain.repositories({ offset: 1, limit: 5 }),
      b.chain.repositories({ offset: 1, limit: 5 }),
    );
  }
});

test("a replay is refused after reopening too", async (t) => {
  const node = new TestChain(directoryFor(t));
  t.after(() => node.storage.close());
  const { bytes } = node.sign("alice", keys.alice, createRepository("alice", "x"));
  node.chain.submit(bytes, "local");
  await node.advance();
  node.reopen();
  const answer = node.chain.submit(bytes, "peer");
  assert.equal(answer.accepted ? undefined : answer.problem.code, "duplicate");
});

for (const killAfter of [3, 17, 40])
  test(
    `nothing answered is lost by a kill after ${killAfter} lines`,
    { timeout: 60_000 },
    async (t) => {
      const directory = directoryFor(t);
      const program = join(import.meta.dirname, "support/write-until-killed.ts");
      const child = spawn(process.execPath, [program, directory], {
        stdio: ["ignore", "pipe", "inherit"],
      });
      t.after(() => child.kill("SIGKILL"));
      const lines: string[] = [];
      for await (const line of createInterface({ input: child.stdout })) {
        lines.push(line);
        if (lines.length === killAfter) child.kill("SIGKILL");
      }
      assert.ok(lines.length >= killAfter);
      using node = new TestChain(directory);
      for (const line of lines) {
        const [what, id = "", height] = line.split(" ");
        if (what === "certified") assert.ok(node.chain.read(fromHex(id, 32)), line);
        else {
          const status = node.chain.transaction(id);
          assert.equal(status.status === "finalized" && String(status.height), height, line);
        }
      }
      node.view = 10_000;
      const before = node.chain.tip().height;
      await node.advance();
      assert.equal(node.chain.tip().height, before + 1);
    },
  );

test("damaged state, another genesis and lost blocks are noticed at start", async (t) => {
  const directory = directoryFor(t);
  const node = new TestChain(directory);
  t.after(() => node.storage.close());
  node.chain.submit(node.sign("alice", keys.alice, createRepository("alice", "x")).bytes, "local");
  await node.advance();
  node.storage.close();
  const corrupt = (sql: string) => {
    const database = new Database(join(directory, "chain.db"));
    database.exec(sql);
    database.close();
  };
  const isCorrupt = (error: unknown) => error instanceof StorageError && error.code === "corrupt";
  const reopens = () => new TestChain(directory).storage.close();
  corrupt(
    "CREATE TABLE saved AS SELECT * FROM state; DELETE FROM state WHERE key = CAST(x'02' || 'alice/x' AS BLOB)",
  );
  assert.throws(reopens, isCorrupt);
  corrupt("INSERT OR IGNORE INTO state SELECT * FROM saved; DROP TABLE saved");
  reopens();
  corrupt(
    "UPDATE state SET value = CAST(value || x'00' AS BLOB) WHERE key = CAST(x'02' || 'alice/x' AS BLOB)",
  );
  assert.throws(reopens, isCorrupt);
  assert.throws(
    () => new TestChain(directory, testGenesis({ blockIntervalMs: 60 })),
    (error) => error instanceof StorageError && error.code === "other-chain",
  );
});

test("a full disk ends certification and finalization with a storage failure", async (t) => {
  const directory = directoryFor(t);
  const node = new TestChain(directory);
  t.after(() => node.storage.close());
  await node.advance();
  for (let i = 0; i < 300; i++) {
    const payload = { ...createRepository("devnet", `r${i}`), description: "x".repeat(1000) };
    node.chain.submit(node.sign("devnet", keys.devnet, payload).bytes, "local");
  }
  const block = await node.propose();
  node.storage.close();
  const database = new SyncedDatabase(join(directory, "chain.db"), { migrations: chainMigrations });
  t.after(() => database.close());
  const chain = openChain({ genesis: node.genesis, store: new ChainStore(database) });
  chain.receive(block.bytes);
  const pages = database.connection.pragma("page_count", { simple: true }) as number;
  database.connection.pragma(`max_page_count = ${pages + 4}`);
  const full = (error: unknown) =>
    error instanceof StorageError && error.code === "disk-full" && error.exitCode === 5;
  await assert.rejects(chain.certify(block.context, block.digest), full);
  const { digest, bytes } = block;
  const finalized = { digest, bytes, certificate: new Uint8Array(1), certifies: digest };
  await assert.rejects(chain.finalize(finalized), full);
  assert.equal(chain.tip().height, 1, "what is not on disk is not shown");
  assert.equal(chain.repository("devnet", "r0"), undefined);
  // Enough space again, as after a restart: nothing half-made is in the way.
  database.connection.pragma("max_page_count = 100000");
  await chain.finalize(finalized);
  assert.equal(chain.tip().height, 2);
  assert.ok(chain.repository("devnet", "r0"));
});
