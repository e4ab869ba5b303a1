/**
 * Proves: a stored chain that is whole passes, and each kind of damage to it is found and placed.
 * Does not prove: certificates, whose check is handed in; here it is a comparison of texts.
 */
import assert from "node:assert/strict";
import { join } from "node:path";
import { type TestContext, test } from "node:test";
import Database from "better-sqlite3";
import { type CertifiedBlock, VerificationError, verifyChain } from "../../../node/chain/verify.ts";
import { toHex } from "../../../node/formats/bytes.ts";
import { openStoredChain } from "../../../node/storage/open.ts";
import { createRepository, keys, temporaryDirectory, TestChain } from "./support/chain.ts";

/** A stand-in for a certificate: it names what it is for. */
const certificateFor = ({ epoch, view, parentView, digest }: CertifiedBlock) =>
  Buffer.from(`${epoch} ${view} ${parentView} ${toHex(digest)}`);
const verifyCertificate = (bytes: Uint8Array, block: CertifiedBlock) =>
  Buffer.compare(bytes, certificateFor(block)) === 0 ? undefined : "it is for another block";

/** A chain of five blocks; the third is covered by the fourth's certificate. */
async function storedChain(t: TestContext) {
  const directory = temporaryDirectory();
  t.after(() => directory[Symbol.dispose]());
  using node = new TestChain(directory.path);
  const proposals = [];
  let parent: Uint8Array | undefined;
  for (let i = 0; i < 5; i++) {
    for (const name of [`a${i}`, `b${i}`])
      node.chain.submit(
        node.sign("alice", keys.alice, createRepository("alice", name)).bytes,
        "local",
      );
    const block = await node.propose(parent);
    await node.chain.certify(block.context, block.digest);
    proposals.push(block);
    parent = block.digest;
  }
  for (const [i, { digest, bytes }] of proposals.entries()) {
    const by = proposals[i === 2 ? 3 : i] as (typeof proposals)[number];
    const certificate = certificateFor({ ...by.context, digest: by.digest });
    await node.chain.finalize({ digest, bytes, certificate, certifies: by.digest });
  }
  const damage = (sql: string) => {
    const database = new Database(join(directory.path, "chain.db"));
    database.exec(sql);
    database.close();
  };
  const verify = async () => {
    using stored = openStoredChain(directory.path);
    return await verifyChain({ store: stored.chain, genesis: node.genesis, verifyCertificate });
  };
  return { damage, verify, tip: node.chain.tip() };
}

test("a whole chain passes, with what was counted", async (t) => {
  const { verify, tip } = await storedChain(t);
  assert.deepEqual(await verify(), {
    height: 5,
    digest: tip.digest,
    stateRoot: tip.stateRoot,
    transactions: 10,
    entries: 13,
  });
});

const damages: [what: string, sql: string, height: number, reason: RegExp][] = [
  ["a missing block", "DELETE FROM blocks WHERE height = 3", 3, /missing/],
  [
    "a changed byte",
    "UPDATE blocks SET bytes = CAST(bytes || x'00' AS BLOB) WHERE height = 2",
    2,
    /digest/,
  ],
  [
    "another header beside the block",
    "UPDATE blocks SET header = (SELECT header FROM blocks WHERE height = 1) WHERE height = 2",
    2,
    /header/,
  ],
  [
    "a wrong certificate",
    "UPDATE blocks SET certificate = x'00' WHERE height = 4",
    4,
    /another block/,
  ],
  [
    "a certificate of a block below",
    "UPDATE blocks SET certifies = (SELECT digest FROM blocks WHERE height = 1) WHERE height = 2",
    2,
    /no stored certificate covers it/,
  ],
  [
    "a certificate of an unknown block",
    "UPDATE blocks SET certifies = zeroblob(32) WHERE height = 5",
    5,
    /no stored certificate covers it/,
  ],
  [
    "a lost entry of the state",
    "DELETE FROM state WHERE key = CAST(x'01' || 'bob' AS BLOB)",
    5,
    /entries/,
  ],
  [
    "a changed entry of the state",
    "UPDATE state SET value = CAST(value || x'00' AS BLOB) WHERE key = CAST(x'01' || 'bob' AS BLOB)",
    5,
    /state entry/,
  ],
  ["an entry too many", "INSERT INTO state VALUES (x'0100', x'00')", 5, /state entry/],
  ["a lost index entry", "DELETE FROM transactions WHERE height = 2 AND position = 1", 2, /index/],
  ["a wrong index entry", "UPDATE transactions SET position = 9 WHERE height = 4", 4, /index/],
  ["an index entry too many", "INSERT INTO transactions VALUES (zeroblob(32), 1, 0)", 5, /index/],
  ["nothing at all", "DELETE FROM blocks", 0, /nothing is stored/],
];

for (const [what, sql, height, reason] of damages)
  test(`${what} is found at height ${height}`, async (t) => {
    const { damage, verify } = await storedChain(t);
    damage(sql);
    await assert.rejects(verify(), (error) => {
      assert.ok(error instanceof VerificationError, String(error));
      assert.equal(error.height, height, error.message);
      assert.match(error.reason, reason);
      return true;
    });
  });

test("a whole chain of another genesis is found at height 0", async (t) => {
  const { damage, verify } = await storedChain(t);
  damage(`UPDATE blocks SET digest = zeroblob(32) WHERE height = 0`);
  await assert.rejects(verify(), /block 0: its bytes do not have its digest/);
});

test("verification can be stopped", async (t) => {
  const directory = temporaryDirectory();
  t.after(() => directory[Symbol.dispose]());
  using node = new TestChain(directory.path);
  await node.advance();
  const signal = AbortSignal.abort(new Error("stop"));
  const options = { store: node.storage.chain, genesis: node.genesis, verifyCertificate, signal };
  await assert.rejects(verifyChain(options), /stop/);
});
