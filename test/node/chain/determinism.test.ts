/**
 * Proves: the same blocks give the same state, executed twice, in another order of arrival and in
 * another process; random transactions, good and bad, never make two nodes differ.
 * Does not prove: equality across versions of the node or of Node.js.
 */
import assert from "node:assert/strict";
import { execFileSync } from "node:child_process";
import { writeFileSync } from "node:fs";
import { join } from "node:path";
import { test } from "node:test";
import fc from "fast-check";
import type { Payload } from "../../../node/chain/transaction.ts";
import { keyOf, keys, temporaryDirectory, TestChain } from "./support/chain.ts";

const account = fc.constantFrom("alice", "bob", "devnet", "carol");
const signer = fc.constantFrom("alice", "bob", "devnet", "carol", "second");
const name = fc.constantFrom("one", "Two", "three", "bad.git");
const publicKey = signer.map((label) => keyNamed(label).publicKey);
const payload: fc.Arbitrary<Payload> = fc.oneof(
  fc.record({ kind: fc.constant("create-account" as const), name: account, publicKey }),
  fc.record({ kind: fc.constantFrom("add-key" as const, "remove-key"), publicKey }),
  fc.record({
    kind: fc.constant("create-repository" as const),
    owner: account,
    name,
    description: fc.constantFrom("", "text"),
    private: fc.boolean(),
    objectFormat: fc.constantFrom("sha1" as const, "sha256"),
    defaultBranch: fc.constantFrom("main", ".."),
  }),
  fc.record({
    kind: fc.constant("set-repository" as const),
    owner: account,
    name,
    private: fc.boolean(),
  }),
);
const wish = fc.record({ account, signer, payload });

function keyNamed(label: string) {
  return label in keys ? keys[label as keyof typeof keys] : keyOf(label);
}

/** Makes a chain of random transactions and gives its blocks and state roots. */
async function makeChain(
  blocks: readonly (readonly { account: string; signer: string; payload: Payload }[])[],
) {
  using directory = temporaryDirectory();
  using node = new TestChain(directory.path);
  const bytes: Uint8Array[] = [];
  const roots: string[] = [];
  for (const wishes of blocks) {
    for (const { account: name, signer: label, payload: each } of wishes)
      node.chain.submit(node.sign(name, keyNamed(label), each).bytes, "local");
    const block = await node.advance();
    bytes.push(block.bytes);
    roots.push(node.chain.tip().stateRoot);
  }
  return { bytes, roots };
}

/** Executes blocks on a new node, in one of two ways. */
async function execute(blocks: readonly Uint8Array[], reverse: boolean): Promise<string[]> {
  using directory = temporaryDirectory();
  using node = new TestChain(directory.path);
  if (reverse) for (const bytes of blocks.toReversed()) node.chain.receive(bytes);
  const roots: string[] = [];
  for (const bytes of blocks) {
    const digest = node.chain.receive(bytes);
    assert.ok(digest);
    await node.finalize({ digest, bytes });
    roots.push(node.chain.tip().stateRoot);
  }
  return roots;
}

test("random transactions leave all nodes with the same state", async () => {
  await fc.assert(
    fc.asyncProperty(
      fc.array(fc.array(wish, { maxLength: 12 }), { minLength: 1, maxLength: 4 }),
      async (blocks) => {
        const { bytes, roots } = await makeChain(blocks);
        assert.deepEqual(await execute(bytes, false), roots);
        assert.deepEqual(await execute(bytes, true), roots);
      },
    ),
    { numRuns: 12, seed: 2 },
  );
});

test("another process comes to the same state roots", async () => {
  const wishes = fc.sample(wish, { numRuns: 120, seed: 7 });
  const { bytes, roots } = await makeChain([0, 1, 2].map((i) => wishes.slice(i * 40, i * 40 + 40)));
  assert.equal(new Set(roots).size, roots.length, "every block changed something");
  using directory = temporaryDirectory();
  const file = join(directory.path, "blocks.json");
  writeFileSync(file, JSON.stringify(bytes.map((block) => Buffer.from(block).toString("base64"))));
  const program = join(import.meta.dirname, "support/replay.ts");
  const output = execFileSync(process.execPath, [program, join(directory.path, "data"), file], {
    encoding: "utf8",
    timeout: 60_000,
  });
  assert.deepEqual(output.trim().split("\n"), roots);
});
