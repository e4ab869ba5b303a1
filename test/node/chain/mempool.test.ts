/**
 * Proves: the mempool keeps its limits, gives transactions out fairly, and forgets completely.
 * Does not prove: which transactions are admitted; submissions.test.ts does.
 */
import assert from "node:assert/strict";
import { test } from "node:test";
import fc from "fast-check";
import { accountKey, repositoryKey } from "../../../node/chain/entries.ts";
import { pack } from "../../../node/chain/hash.ts";
import { Mempool } from "../../../node/chain/mempool.ts";
import { RecentMap } from "../../../node/chain/recent.ts";
import type { Transaction } from "../../../node/chain/transaction.ts";
import { createRepository, keys } from "./support/chain.ts";

/** A transaction as far as the mempool looks at it. */
function transaction(id: string, account: string, expiryHeight = 10, bytes = 100): Transaction {
  return {
    id,
    account,
    expiryHeight,
    publicKey: keys.alice.publicKey,
    nonce: new Uint8Array(16),
    payload: createRepository(account, id),
    signature: new Uint8Array(64),
    message: new Uint8Array(),
    bytes: new Uint8Array(bytes),
    ofThisChain: true,
  };
}

const limits = { maxTransactions: 10, maxForClients: 8, maxBytes: 1000, maxPerAccount: 4 };

test("there is room until a limit is reached, for each of them", () => {
  const mempool = new Mempool(limits);
  for (let i = 0; i < 4; i++) mempool.add(transaction(`a${i}`, "alice"));
  assert.match(mempool.fullness("alice", 100, "user", "peer")?.detail ?? "", /account "alice"/);
  assert.equal(mempool.fullness("alice", 100, "devnet", "peer"), undefined);
  assert.equal(mempool.fullness("bob", 600, "user", "peer"), undefined);
  assert.match(mempool.fullness("bob", 601, "user", "peer")?.detail ?? "", /400 bytes are waiting/);
  for (let i = 0; i < 4; i++) mempool.add(transaction(`b${i}`, "bob", 10, 1));
  assert.equal(mempool.fullness("carol", 1, "user", "local")?.code, "mempool-full");
  assert.equal(mempool.fullness("carol", 1, "user", "peer"), undefined, "room for other nodes'");
  for (let i = 4; i < 6; i++) mempool.add(transaction(`b${i}`, "bob", 10, 1));
  assert.match(
    mempool.fullness("carol", 1, "user", "peer")?.detail ?? "",
    /10 transactions are waiting/,
  );
  assert.equal(mempool.fullness("carol", 1, "user", "peer")?.code, "mempool-full");
  mempool.remove("a0");
  assert.equal(mempool.fullness("alice", 1, "user", "peer"), undefined);
});

test("accounts take turns, each in its own order", () => {
  const mempool = new Mempool();
  for (const id of ["a1", "a2", "a3", "a4"]) mempool.add(transaction(id, "alice"));
  for (const id of ["b1", "b2"]) mempool.add(transaction(id, "bob"));
  mempool.add(transaction("c1", "carol"));
  const order = Array.from(mempool.select(), ({ id }) => id);
  assert.deepEqual(order, ["a1", "b1", "c1", "a2", "b2", "a3", "a4"]);
});

test("it may change while it is read", () => {
  const mempool = new Mempool();
  for (const id of ["a1", "a2", "a3"]) mempool.add(transaction(id, "alice"));
  const seen: string[] = [];
  for (const { id } of mempool.select()) {
    seen.push(id);
    if (id === "a1") mempool.remove("a2");
  }
  assert.deepEqual(seen, ["a1", "a3"]);
});

test("what depends on an entry is found: what sets it, and what acts under it", () => {
  const mempool = new Mempool();
  mempool.add(transaction("x", "alice"));
  mempool.add(transaction("y", "bob"));
  const ids = (key: Uint8Array) => mempool.affectedBy(pack(key)).map(({ id }) => id);
  assert.deepEqual(ids(repositoryKey("alice", "X")), ["x"]);
  assert.deepEqual(ids(accountKey("bob")), ["y"]);
  assert.deepEqual(ids(accountKey("carol")), []);
});

test("expired transactions are those of no later block", () => {
  const mempool = new Mempool();
  for (const height of [5, 6, 7]) mempool.add(transaction(`t${height}`, "alice", height));
  assert.deepEqual(
    mempool.expiredAt(6).map(({ id }) => id),
    ["t5", "t6"],
  );
});

test("after any adding and removing it is as if only what is left had been added", () => {
  const step = fc.record({
    add: fc.boolean(),
    id: fc.nat(12).map(String),
  });
  fc.assert(
    fc.property(fc.array(step, { maxLength: 60 }), (steps) => {
      const mempool = new Mempool();
      const model = new Map<string, Transaction>();
      for (const { add, id } of steps) {
        const each = transaction(id, `account-${Number(id) % 3}`, Number(id) % 4);
        if (add && !model.has(id)) {
          mempool.add(each);
          model.set(id, each);
        } else if (!add) {
          mempool.remove(id);
          model.delete(id);
        }
      }
      assert.deepEqual(mempool.ids(), [...model.keys()]);
      assert.equal(mempool.size, model.size);
      assert.equal(mempool.bytes, model.size * 100);
      const sorted = (list: Iterable<Transaction>) => Array.from(list, ({ id }) => id).sort();
      assert.deepEqual(sorted(mempool.select()), sorted(model.values()));
      assert.deepEqual(sorted(mempool.expiredAt(9)), sorted(model.values()));
      for (const each of model.values())
        assert.ok(mempool.affectedBy(pack(repositoryKey(each.account, each.id))).includes(each));
    }),
    { numRuns: 200 },
  );
});

test("a recent map keeps what is used and stays within its limit", () => {
  const map = new RecentMap<number, string>(10);
  for (let i = 0; i < 100; i++) {
    map.set(i, `${i}`);
    assert.equal(map.get(0), "0", `0 was used just before ${i}`);
  }
  const kept = [...Array(100).keys()].filter((i) => map.get(i) !== undefined);
  assert.ok(kept.length <= 10 && kept.includes(99) && kept.includes(0), `${kept.join()}`);
  map.delete(0);
  assert.equal(map.get(0), undefined);
});
