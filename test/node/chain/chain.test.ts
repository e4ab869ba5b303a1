/**
 * Proves: which blocks the chain proposes, takes, certifies and finalizes, and that forks, missing
 * parents and wrong times are told apart from invalid blocks.
 * Does not prove: that the validators agree; the blocks are finalized here without certificates.
 */
import assert from "node:assert/strict";
import { type TestContext, test } from "node:test";
import {
  type BlockHeader,
  decodeBlock,
  encodeBlock,
  transactionRoot,
} from "../../../node/chain/block.ts";
import { ChainError } from "../../../node/chain/errors.ts";
import { accountKey, repositoryKey } from "../../../node/chain/entries.ts";
import { MAX_KEY_REGISTRATIONS } from "../../../node/chain/execute.ts";
import { verifyStateProof } from "../../../node/chain/proof.ts";
import type { BlockContext } from "../../../node/consensus/ports.ts";
import { equalBytes, toHex } from "../../../node/formats/bytes.ts";
import {
  createRepository,
  JumpingClock,
  keyOf,
  keys,
  ManualClock,
  temporaryDirectory,
  TestChain,
  testGenesis,
} from "./support/chain.ts";

function open(t: TestContext, ...options: [genesis?: TestChain["genesis"], options?: object]) {
  const directory = temporaryDirectory();
  const node = new TestChain(directory.path, ...options);
  t.after(() => {
    node.storage.close();
    directory[Symbol.dispose]();
  });
  return node;
}

/** The same block with a changed header, or other transactions. */
function altered(
  bytes: Uint8Array,
  header: Partial<BlockHeader>,
  transactions?: readonly Uint8Array[],
) {
  const block = decodeBlock(bytes);
  const list = transactions ?? block.transactions;
  return encodeBlock(
    {
      ...block.header,
      transactionRoot: transactionRoot(list),
      transactionCount: list.length,
      ...header,
    },
    list,
  );
}

test("a new chain stands at its genesis, which every node has alike", (t) => {
  const [a, b] = [open(t), open(t)];
  assert.deepEqual(a.chain.genesisDigest, b.chain.genesisDigest);
  assert.equal(a.chain.tip().height, 0);
  assert.equal(a.chain.tip().timestampMs, 0);
  assert.deepEqual(a.chain.applied, { height: 0, digest: a.chain.genesisDigest });
  assert.equal(a.chain.account("devnet")?.role, "devnet");
  assert.equal(a.chain.certificate(0), undefined);
  const other = open(t, testGenesis({ blockIntervalMs: 51 }));
  assert.notDeepEqual(other.chain.genesisDigest, a.chain.genesisDigest);
});

test("empty blocks are proposed, verified and certified by others, and finalized", async (t) => {
  const [a, b] = [open(t), open(t)];
  for (let height = 1; height <= 3; height++) {
    const proposal = await a.propose();
    assert.deepEqual(b.chain.receive(proposal.bytes), proposal.digest);
    for (const { chain } of [a, b]) {
      assert.deepEqual(await chain.verify(proposal.context, proposal.digest), { status: "valid" });
      assert.deepEqual(await chain.certify(proposal.context, proposal.digest), { status: "valid" });
    }
    await a.finalize(proposal);
    await b.finalize(proposal);
    assert.equal(a.chain.tip().height, height);
    assert.deepEqual(b.chain.tip(), a.chain.tip());
  }
  const [first, second] = [a.chain.block(1), a.chain.block(2)];
  assert.equal(second?.parentDigest, first?.digest);
  assert.ok((second?.timestampMs ?? 0) >= (first?.timestampMs ?? 0) + 50);
  assert.deepEqual(a.chain.blockByDigest(first?.digest ?? ""), first);
  assert.deepEqual([...(a.chain.certificate(2)?.bytes ?? [])], [1, 2, 3]);
  assert.equal(a.chain.certificate(2)?.certifies, second?.digest);
});

test("transactions are executed alike on the proposer and the others", async (t) => {
  const [a, b] = [open(t), open(t)];
  const wishes = [
    a.sign("alice", keys.alice, createRepository("alice", "one")),
    a.sign("devnet", keys.devnet, createRepository("somebody", "two")),
  ];
  for (const { bytes } of wishes) assert.equal(a.chain.submit(bytes, "local").accepted, true);
  const proposal = await a.propose();
  await b.chain.receive(proposal.bytes);
  assert.equal((await b.chain.verify(proposal.context, proposal.digest)).status, "valid");
  await a.finalize(proposal);
  await b.finalize(proposal);
  for (const { chain } of [a, b]) {
    assert.equal(chain.repository("alice", "ONE")?.createdHeight, 1);
    assert.deepEqual(chain.blockTransactions(1).toSorted(), wishes.map(({ id }) => id).toSorted());
    assert.deepEqual(chain.transaction(wishes[0]?.id ?? ""), {
      status: "finalized",
      height: 1,
      index: chain.blockTransactions(1).indexOf(wishes[0]?.id ?? ""),
    });
    const { items, total } = chain.repositories({ offset: 0, limit: 10 });
    assert.deepEqual(
      items.map(({ owner, name }) => `${owner}/${name}`),
      ["alice/one", "somebody/two"],
    );
    assert.equal(total, 2);
    assert.equal(chain.repositories({ owner: "somebody", offset: 0, limit: 10 }).total, 1);
    assert.equal(chain.repositories({ owner: "some", offset: 0, limit: 10 }).items.length, 0);
    assert.equal(chain.mempool().size, 0);
  }
  assert.equal(a.chain.tip().stateRoot, b.chain.tip().stateRoot);
});

test("the state root in a block proves entries and their absence", async (t) => {
  const node = open(t);
  node.chain.submit(
    node.sign("alice", keys.alice, createRepository("alice", "one")).bytes,
    "local",
  );
  await node.advance();
  for (const [key, present] of [
    [repositoryKey("alice", "one"), true],
    [repositoryKey("alice", "two"), false],
    [accountKey("bob"), true],
  ] as const) {
    const proof = node.chain.prove(key);
    assert.equal(proof.stateRoot, node.chain.tip().stateRoot);
    assert.equal(proof.height, 1);
    assert.equal(proof.value !== undefined, present);
    assert.equal(verifyStateProof(proof), true);
  }
});

test("a block is not proposed before its time, and an abort ends the waiting", async (t) => {
  const clock = new ManualClock();
  const node = open(t, testGenesis(), { clock });
  await node.advance();
  const context = node.context();
  let done = false;
  const waiting = node.chain.propose(context, new AbortController().signal).finally(() => {
    done = true;
  });
  await new Promise(setImmediate);
  clock.advance(49);
  await new Promise(setImmediate);
  assert.equal(done, false);
  clock.advance(1);
  const proposal = await waiting;
  assert.ok(proposal);
  await node.finalize(proposal);
  const abort = new AbortController();
  const aborted = node.chain.propose(node.context(), abort.signal);
  await new Promise(setImmediate);
  abort.abort();
  assert.equal(await aborted, undefined);
  assert.equal(clock.sleepers, 0);
});

test("a block from the near future is held, from the far future pending, never invalid", async (t) => {
  const clock = new ManualClock();
  const [ahead, node] = [open(t), open(t, testGenesis(), { clock })];
  const proposal = await ahead.propose();
  const future = (ms: number) => {
    const block = altered(proposal.bytes, { timestampMs: clock.now() + ms });
    node.chain.receive(block.bytes);
    return block.digest;
  };
  assert.equal((await node.chain.verify(proposal.context, future(500))).status, "valid");
  assert.equal((await node.chain.verify(proposal.context, future(1501))).status, "pending");
  const held = node.chain.verify(proposal.context, future(501));
  while (clock.sleepers === 0) await new Promise(setImmediate);
  clock.advance(1);
  assert.equal((await held).status, "valid");
  // Certification does not look at the clock: all honest nodes come to the same result.
  assert.equal((await node.chain.certify(proposal.context, future(1e9))).status, "valid");
  const closing = node.chain.verify(proposal.context, future(900));
  while (clock.sleepers === 0) await new Promise(setImmediate);
  await node.chain.close();
  assert.equal((await closing).status, "pending");
});

test("what is missing is named and asked for, and the block is valid once it is there", async (t) => {
  const [a, b] = [open(t), open(t)];
  const first = await a.propose();
  const second = await a.propose(first.digest);
  const lost = await b.chain.verify(second.context, second.digest);
  assert.equal(lost.status, "pending");
  assert.equal(toHex(lost.missing ?? new Uint8Array()), toHex(second.digest));
  b.chain.receive(second.bytes);
  const orphan = await b.chain.verify(second.context, second.digest);
  assert.equal(orphan.status, "pending");
  assert.equal(toHex(orphan.missing ?? new Uint8Array()), toHex(first.digest));
  assert.equal((await b.chain.certify(second.context, second.digest)).status, "pending");
  b.chain.receive(first.bytes);
  assert.equal((await b.chain.verify(second.context, second.digest)).status, "valid");
  assert.equal((await b.chain.certify(second.context, second.digest)).status, "valid");
});

test("bytes that are no block of this chain are not taken", async (t) => {
  const [a, other] = [open(t), open(t, testGenesis({ blockIntervalMs: 51 }))];
  const { bytes } = await a.propose();
  assert.equal(other.chain.receive(bytes), undefined);
  assert.equal(a.chain.receive(bytes.subarray(1)), undefined);
  assert.equal(a.chain.receive(new Uint8Array()), undefined);
  assert.equal(a.chain.receive(new Uint8Array(2_000_000)), undefined);
  assert.equal(a.chain.receive(altered(bytes, {}, [Uint8Array.of(1)]).bytes), undefined);
});

test("what was received is a copy", async (t) => {
  const [a, b] = [open(t), open(t)];
  const { bytes, digest } = await a.propose();
  const buffer = Buffer.from(bytes);
  b.chain.receive(buffer);
  buffer.fill(0);
  assert.deepEqual(b.chain.read(digest), bytes);
});

const wrongContexts: [string, (context: BlockContext) => BlockContext][] = [
  ["epoch", (context) => ({ ...context, epoch: 1 })],
  ["view", (context) => ({ ...context, view: context.view + 1 })],
  ["leader", (context) => ({ ...context, leader: 1 })],
  ["parent view", (context) => ({ ...context, parentView: context.parentView + 1 })],
  ["parent", (context) => ({ ...context, parentDigest: new Uint8Array(32) })],
];

for (const [what, change] of wrongContexts)
  test(`a block for another ${what} is invalid, and the block stays good for its own`, async (t) => {
    const [a, b] = [open(t), open(t)];
    const { context, bytes, digest } = await a.propose();
    b.chain.receive(bytes);
    for (const judge of ["verify", "certify"] as const)
      assert.equal((await b.chain[judge](change(context), digest)).status, "invalid");
    assert.equal((await b.chain.verify(context, digest)).status, "valid");
  });

test("blocks that break a rule are invalid, for the vote and for certification", async (t) => {
  const [a, b] = [open(t), open(t)];
  for (const node of [a, b]) node.view = 0;
  const first = await a.advance();
  await b.finalize(first);
  const repository = a.sign("alice", keys.alice, createRepository("alice", "one"));
  a.chain.submit(repository.bytes, "local");
  const { bytes, context } = await a.propose();
  const { header } = decodeBlock(bytes);
  const forged = repository.bytes.slice();
  forged[forged.length - 40] = (forged.at(-40) as number) ^ 1;
  const unknown = a.sign("stranger", keys.stranger, createRepository("stranger", "x"));
  const registrations = Array.from(
    { length: MAX_KEY_REGISTRATIONS + 1 },
    (_, i) =>
      a.sign("devnet", keys.devnet, {
        kind: "create-account",
        name: `new-${i}`,
        publicKey: keyOf("somebody").publicKey,
      }).bytes,
  );
  const cases: [RegExp, Partial<BlockHeader>, Uint8Array[]?][] = [
    [/height 3/, { height: 3 }],
    [/height 1/, { height: 1 }],
    [/timestamp/, { timestampMs: header.timestampMs - 1_000_000 }],
    [/timestamp/, { timestampMs: (a.chain.block(1)?.timestampMs ?? 0) + 49 }],
    [/transaction root/, { transactionRoot: new Uint8Array(32) }],
    [/state root/, { stateRoot: new Uint8Array(32) }],
    [/state root/, {}, []],
    [/bad signature/, {}, [forged]],
    [/unknown-account/, {}, [unknown.bytes]],
    [/duplicate/, {}, [repository.bytes, repository.bytes]],
    [/65 transactions that register keys/, {}, registrations],
  ];
  for (const [reason, changes, transactions] of cases) {
    const block = altered(bytes, changes, transactions);
    assert.ok(b.chain.receive(block.bytes), String(reason));
    for (const judge of ["verify", "certify"] as const) {
      const verdict = await b.chain[judge](context, block.digest);
      assert.equal(verdict.status, "invalid", `${judge} ${reason}`);
      assert.match(verdict.reason ?? "", reason);
    }
    if (changes.height === 1) continue;
    // A child of it is no better.
    const child = altered(block.bytes, {
      parentDigest: block.digest,
      parentView: context.view,
      view: context.view + 1,
      height: (changes.height ?? 2) + 1,
    });
    b.chain.receive(child.bytes);
    const onTop = { ...context, view: context.view + 1, parentView: context.view };
    const verdict = await b.chain.verify({ ...onTop, parentDigest: block.digest }, child.digest);
    assert.equal(verdict.status, "invalid");
  }
});

test("a transaction is in the chain once, also when its block is not finalized yet", async (t) => {
  const node = open(t);
  const { bytes } = node.sign("alice", keys.alice, createRepository("alice", "one"));
  node.chain.submit(bytes, "local");
  const first = await node.propose();
  const second = await node.propose(first.digest);
  assert.equal(decodeBlock(first.bytes).transactions.length, 1);
  assert.equal(decodeBlock(second.bytes).transactions.length, 0);
  const again = altered(second.bytes, {}, [bytes]);
  node.chain.receive(again.bytes);
  const verdict = await node.chain.verify(second.context, again.digest);
  assert.match(verdict.reason ?? "", /duplicate/);
  await node.finalize(first);
  assert.equal(node.chain.submit(bytes, "peer").accepted, false);
});

test("of two siblings one is finalized, and the other leaves no trace", async (t) => {
  const node = open(t);
  const [x, y] = ["x", "y"].map((name) =>
    node.sign("alice", keys.alice, createRepository("alice", name)),
  );
  assert.ok(x && y);
  node.chain.submit(x.bytes, "local");
  const left = await node.propose();
  node.chain.submit(y.bytes, "local");
  const right = await node.propose();
  const onLeft = await node.propose(left.digest);
  for (const each of [left, right, onLeft])
    assert.equal((await node.chain.certify(each.context, each.digest)).status, "valid");
  await node.finalize(right);
  assert.equal(node.chain.repositories({ offset: 0, limit: 9 }).total, 2);
  // The dead branch is neither valid nor invalid any more.
  const late = await node.chain.verify(onLeft.context, onLeft.digest);
  assert.equal(late.status, "pending");
  node.chain.prune(right.context.view);
  const next = await node.advance();
  assert.equal(decodeBlock(next.bytes).transactions.length, 0);
  assert.equal(node.chain.read(left.digest), undefined);
  assert.ok(node.chain.read(right.digest));
});

test("a longer branch is finalized block by block, each with its own state", async (t) => {
  const node = open(t);
  let parent: Uint8Array | undefined;
  const branch = [];
  for (let i = 0; i < 6; i++) {
    node.chain.submit(
      node.sign("alice", keys.alice, createRepository("alice", `r${i}`)).bytes,
      "local",
    );
    const block = await node.propose(parent);
    await node.chain.certify(block.context, block.digest);
    branch.push(block);
    parent = block.digest;
  }
  for (const [i, block] of branch.entries()) {
    await node.finalize(block);
    assert.equal(node.chain.repositories({ offset: 0, limit: 9 }).total, i + 1);
    assert.equal(toHex(node.chain.applied.digest), toHex(block.digest));
  }
});

test("finalizing again is ignored; gaps, strangers and contradictions are errors", async (t) => {
  const [a, b] = [open(t), open(t)];
  const first = await a.advance();
  const second = await a.advance();
  const rejects = (action: Promise<void>, code: string) =>
    assert.rejects(action, (e) => e instanceof ChainError && e.problem.code === code);
  await rejects(b.finalize(second), "height-gap");
  await rejects(b.finalize({ ...first, digest: new Uint8Array(32) }), "invalid-finalization");
  await b.finalize(first);
  await b.finalize(first);
  const other = altered(first.bytes, { timestampMs: 1 });
  await rejects(b.finalize(other), "conflicting-finalization");
  const elsewhere = altered(second.bytes, { parentDigest: other.digest });
  await rejects(b.finalize(elsewhere), "conflicting-finalization");
  const wrongRoot = altered(second.bytes, { stateRoot: new Uint8Array(32) });
  await rejects(b.finalize(wrongRoot), "invalid-finalization");
  await b.finalize(second);
  assert.deepEqual(b.chain.tip(), a.chain.tip());
});

test("finalizations that overlap are done one after the other", async (t) => {
  const [a, b] = [open(t), open(t)];
  const blocks = [];
  for (let i = 0; i < 5; i++) blocks.push(await a.advance());
  const heights: number[] = [];
  b.chain.onFinalized(({ height }) => heights.push(height));
  await Promise.all(blocks.map((block) => b.finalize(block)));
  assert.deepEqual(heights, [1, 2, 3, 4, 5]);
});

test("headers and blocks are found in memory and on disk", async (t) => {
  const node = open(t);
  const first = await node.advance();
  const second = await node.propose();
  await node.chain.certify(second.context, second.digest);
  const check = () => {
    for (const [block, height] of [
      [first, 1],
      [second, 2],
    ] as const) {
      // prettier-ignore
      const { view, parentView, parentDigest } = block.context;
      const header = node.chain.header(block.digest);
      assert.deepEqual(header && { ...header, parentDigest: toHex(header.parentDigest) }, {
        parentDigest: toHex(parentDigest),
        height,
        view,
        parentView,
      });
      assert.ok(equalBytes(node.chain.read(block.digest) ?? new Uint8Array(), block.bytes));
    }
  };
  check();
  node.reopen();
  check();
  assert.equal(node.chain.header(node.chain.genesisDigest)?.height, 0);
  assert.equal(node.chain.header(new Uint8Array(32)), undefined);
  assert.equal(node.chain.read(new Uint8Array(32)), undefined);
  assert.equal(node.chain.readFinalized(2), undefined);
  const stored = node.chain.readFinalized(1);
  assert.ok(stored && equalBytes(stored.bytes, first.bytes));
  assert.ok(stored && equalBytes(stored.digest, first.digest));
});

test("blocks are filled up to their limits, fairly", async (t) => {
  const node = open(t, testGenesis({ maxBlockTransactions: 5 }));
  for (let i = 0; i < 8; i++)
    node.chain.submit(
      node.sign("alice", keys.alice, createRepository("alice", `a${i}`)).bytes,
      "local",
    );
  node.chain.submit(node.sign("bob", keys.bob, createRepository("bob", "b")).bytes, "local");
  await node.advance();
  assert.equal(node.chain.tip().transactionCount, 5);
  assert.ok(node.chain.repository("bob", "b"), "bob did not wait for all of alice's");
  await node.advance();
  assert.equal(node.chain.tip().transactionCount, 4);
});

test("a block stays within the byte limit of the genesis", async (t) => {
  const node = open(t, testGenesis({ maxBlockBytes: 65_536 }));
  for (let i = 0; i < 100; i++) {
    const payload = { ...createRepository("alice", `r${i}`), description: "x".repeat(1000) };
    node.chain.submit(node.sign("alice", keys.alice, payload).bytes, "local");
  }
  const { bytes } = await node.advance();
  assert.ok(bytes.length <= 65_536 && bytes.length > 60_000, `${bytes.length}`);
  while (node.chain.mempool().size > 0) await node.advance();
  assert.equal(node.chain.repositories({ offset: 0, limit: 1 }).total, 100);
});

test("a block is closed when building it has taken its share of the interval", async () => {
  const clock = new HurryingClock();
  using directory = temporaryDirectory();
  using node = new TestChain(directory.path, testGenesis(), { clock });
  for (let i = 0; i < 400; i++)
    node.chain.submit(
      node.sign("devnet", keys.devnet, createRepository("a", `r${i}`)).bytes,
      "local",
    );
  clock.stepMs = 4;
  await node.advance();
  clock.stepMs = 0;
  const { transactionCount } = node.chain.tip();
  assert.ok(transactionCount > 0 && transactionCount < 100, `${transactionCount} of 400`);
});

/** Time goes on at every look. */
class HurryingClock extends JumpingClock {
  stepMs = 0;
  #ahead = 0;

  override now(): number {
    this.#ahead += this.stepMs;
    return super.now() + this.#ahead;
  }
}

test("at most so many keys are registered in one block", async (t) => {
  const node = open(t);
  for (let i = 0; i < MAX_KEY_REGISTRATIONS + 3; i++) {
    const key = keyOf(`new ${i}`);
    const payload = { kind: "create-account", name: `new-${i}`, publicKey: key.publicKey } as const;
    assert.ok(node.chain.submit(node.sign("devnet", keys.devnet, payload).bytes, "local").accepted);
  }
  await node.advance();
  assert.equal(node.chain.tip().transactionCount, MAX_KEY_REGISTRATIONS);
  await node.advance();
  assert.equal(node.chain.tip().transactionCount, 3);
});

test("however many blocks are received, a bounded number stays in memory", async (t) => {
  const [a, b] = [open(t), open(t)];
  const { bytes } = await a.propose();
  const digests = Array.from({ length: 600 }, (_, i) => {
    const block = altered(bytes, { timestampMs: i + 1 });
    assert.ok(b.chain.receive(block.bytes));
    return block.digest;
  });
  const kept = digests.filter((digest) => b.chain.read(digest) !== undefined);
  assert.equal(kept.length, 512);
  assert.ok(kept.includes(digests.at(-1) as Uint8Array), "the newest is among them");
});
