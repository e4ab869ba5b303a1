/**
 * Proves: what the mempool takes and refuses, that a transaction counts once, and that whoever waits
 * for one hears of its end: finalized, made impossible by another, or expired.
 * Does not prove: gossip between nodes.
 */
import assert from "node:assert/strict";
import { type TestContext, test } from "node:test";
import type { TransactionProblemCode } from "../../../node/chain/ports.ts";
import { fromHex } from "../../../node/formats/bytes.ts";
import {
  createRepository,
  keyOf,
  keys,
  temporaryDirectory,
  TestChain,
  testGenesis,
} from "./support/chain.ts";

function open(t: TestContext, options: ConstructorParameters<typeof TestChain>[2] = {}) {
  const directory = temporaryDirectory();
  const node = new TestChain(directory.path, testGenesis(), options);
  t.after(() => {
    node.storage.close();
    directory[Symbol.dispose]();
  });
  return node;
}

const never = new AbortController().signal;

function refused(node: TestChain, bytes: Uint8Array, code: TransactionProblemCode): void {
  const before = node.chain.mempool().size;
  const answer = node.chain.submit(bytes, "peer");
  assert.equal(answer.accepted, false);
  assert.equal(answer.accepted ? undefined : answer.problem.code, code);
  assert.equal(node.chain.mempool().size, before);
}

test("a good transaction is taken, told to listeners once, and known as pending", (t) => {
  const node = open(t);
  const heard: string[] = [];
  const end = node.chain.onAccepted((bytes, source) => heard.push(`${bytes.length} ${source}`));
  const { bytes, id } = node.sign("alice", keys.alice, createRepository("alice", "x"));
  assert.deepEqual(node.chain.submit(bytes, "local"), { accepted: true, id });
  assert.deepEqual(node.chain.transaction(id), { status: "pending" });
  assert.deepEqual(node.chain.mempool(), { size: 1, bytes: bytes.length, ids: [id] });
  refused(node, bytes, "duplicate");
  assert.deepEqual(heard, [`${bytes.length} local`]);
  end();
  node.chain.submit(node.sign("bob", keys.bob, createRepository("bob", "x")).bytes, "peer");
  assert.equal(heard.length, 1);
});

test("what is refused says why, by a stable code", (t) => {
  const node = open(t);
  const good = node.sign("alice", keys.alice, createRepository("alice", "x"));
  const flipped = good.bytes.slice();
  flipped[flipped.length - 1] = (flipped.at(-1) as number) ^ 0x01;
  refused(node, new Uint8Array(), "malformed");
  refused(node, good.bytes.subarray(1), "malformed");
  refused(node, new Uint8Array(5000), "too-large");
  refused(node, flipped, "bad-signature");
  refused(node, node.sign("alice", keys.bob, createRepository("alice", "x")).bytes, "unknown-key");
  refused(node, node.sign("nobody", keys.bob, createRepository("nobody", "x")).bytes, "unknown-account"); // prettier-ignore
  refused(
    node,
    node.sign("alice", keys.alice, createRepository("bob", "x")).bytes,
    "not-permitted",
  );
  refused(node, node.sign("alice", keys.alice, createRepository("alice", "x"), 0).bytes, "expired");
  refused(node, node.sign("alice", keys.alice, createRepository("alice", "x"), 9000).bytes, "invalid-value"); // prettier-ignore
  const elsewhere = open(t);
  const other = new TestChain(elsewhere.directory + "/other", testGenesis({ blockIntervalMs: 60 }));
  t.after(() => other.storage.close());
  refused(
    node,
    other.sign("alice", keys.alice, createRepository("alice", "x")).bytes,
    "wrong-chain",
  );
  // A forged copy of a transaction does not keep the true one out.
  assert.equal(node.chain.submit(good.bytes, "local").accepted, true);
  assert.deepEqual(node.chain.transaction("not an id"), { status: "unknown" });
  assert.deepEqual(node.chain.transaction("00".repeat(32)), { status: "unknown" });
});

test("a full mempool says so, and takes again after a block", async (t) => {
  const limits = { maxTransactions: 3, maxForClients: 3, maxBytes: 100_000, maxPerAccount: 2 };
  const node = open(t, { mempool: limits });
  const submit = (account: "alice" | "bob", name: string) =>
    node.chain.submit(
      node.sign(account, keys[account], createRepository(account, name)).bytes,
      "peer",
    );
  assert.ok(submit("alice", "1").accepted && submit("alice", "2").accepted);
  const own = submit("alice", "3");
  assert.equal(own.accepted ? undefined : own.problem.code, "mempool-full");
  assert.ok(submit("bob", "1").accepted);
  const all = submit("bob", "2");
  assert.equal(all.accepted ? undefined : all.problem.code, "mempool-full");
  await node.advance();
  assert.ok(submit("alice", "3").accepted);
});

test("who waits hears of the finalization after it is on disk", async (t) => {
  const node = open(t);
  const { bytes, id } = node.sign("alice", keys.alice, createRepository("alice", "x"));
  const early = node.chain.settled(id, never);
  node.chain.submit(bytes, "local");
  const late = node.chain.settled(id, never);
  await node.advance();
  const expected = { status: "finalized", height: 1, index: 0 };
  assert.deepEqual(await early, expected);
  assert.deepEqual(await late, expected);
  assert.deepEqual(await node.chain.settled(id, never), expected);
  assert.ok(node.storage.chain.transaction(fromHex(id, 32)));
  refused(node, bytes, "duplicate");
});

test("a transaction that another one made impossible is rejected on every node", async (t) => {
  const [a, b] = [open(t), open(t)];
  const first = a.sign("alice", keys.alice, createRepository("alice", "same"));
  const second = a.sign("devnet", keys.devnet, createRepository("alice", "Same"));
  for (const { chain } of [a, b])
    for (const { bytes } of [first, second]) assert.ok(chain.submit(bytes, "peer").accepted);
  const waiting = [a, b].map(({ chain }) => chain.settled(second.id, never));
  const block = await a.advance();
  await b.finalize(block);
  for (const status of await Promise.all(waiting))
    assert.deepEqual(status, {
      status: "rejected",
      problem: {
        code: "repository-exists",
        detail: 'the repository "alice/Same" exists already',
      },
    });
  assert.equal(a.chain.transaction(first.id).status, "finalized");
  assert.equal(b.chain.mempool().size, 0);
});

test("transactions of a removed key are rejected, others of the account stay", async (t) => {
  const node = open(t);
  const second = keyOf("alice's second");
  const add = node.sign("alice", keys.alice, { kind: "add-key", publicKey: second.publicKey });
  node.chain.submit(add.bytes, "local");
  await node.advance();
  // Only the removal is in the next block: the others reach this node after it was proposed.
  const remove = node.sign("alice", second, {
    kind: "remove-key",
    publicKey: keys.alice.publicKey,
  });
  node.chain.submit(remove.bytes, "local");
  const block = await node.propose();
  const byOld = node.sign("alice", keys.alice, createRepository("alice", "old"));
  const byNew = node.sign("alice", second, createRepository("alice", "new"));
  for (const { bytes } of [byOld, byNew]) assert.ok(node.chain.submit(bytes, "local").accepted);
  await node.finalize(block);
  const status = node.chain.transaction(byOld.id);
  assert.equal(status.status === "rejected" && status.problem.code, "unknown-key");
  assert.equal(node.chain.transaction(byNew.id).status, "pending");
});

test("an expired transaction is rejected, and can be in no block", async (t) => {
  const node = open(t);
  const { bytes, id } = node.sign("alice", keys.alice, createRepository("alice", "x"), 1);
  const blocks = [await node.propose()];
  assert.ok(node.chain.submit(bytes, "local").accepted);
  const settled = node.chain.settled(id, never);
  for (const block of blocks) await node.finalize(block);
  const status = await settled;
  assert.equal(status.status === "rejected" && status.problem.code, "expired");
  assert.equal(node.chain.mempool().size, 0);
});

test("waiting ends with its signal, and leaves nothing behind", async (t) => {
  const node = open(t);
  const abort = new AbortController();
  const waiting = node.chain.settled("00".repeat(32), abort.signal);
  abort.abort(new Error("enough"));
  await assert.rejects(waiting, /enough/);
  await assert.rejects(node.chain.settled("00".repeat(32), abort.signal), /enough/);
});
