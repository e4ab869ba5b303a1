/**
 * Proves: what each kind of transaction does, who may do it, and with which code it is refused; a
 * refused one changes nothing.
 * Does not prove: signatures, which are checked before execution.
 */
import assert from "node:assert/strict";
import { test } from "node:test";
import { execute } from "../../../node/chain/execute.ts";
import type { TransactionProblemCode } from "../../../node/chain/ports.ts";
import { genesisEntries, repositoryIn, State, treeOf } from "../../../node/chain/state.ts";
import { pack } from "../../../node/chain/hash.ts";
import { repositoryKey } from "../../../node/chain/entries.ts";
import {
  MAX_LIFETIME_BLOCKS,
  newBody,
  type Payload,
  signTransaction,
  type Transaction,
} from "../../../node/chain/transaction.ts";
import { sha256, toHex } from "../../../node/formats/bytes.ts";
import type { SigningKey } from "../../../node/formats/ed25519.ts";
import { createRepository, keyOf, keys, testGenesis } from "./support/chain.ts";

const HEIGHT = 11;
const TIME = 1_800_000_000_000;
const chain = sha256("the chain");

function sign(
  account: string,
  key: SigningKey,
  payload: Payload,
  options = { height: HEIGHT, lifetimeBlocks: 10 },
): Transaction {
  return signTransaction(newBody(account, key.publicKey, payload, options), key, chain);
}

/** The state of the test genesis at a height below the one under test. */
function start() {
  const entries = genesisEntries(testGenesis());
  const stored = new Map(entries.map(([key, value]) => [pack(key), value]));
  const base = { get: (key: string) => stored.get(key), includes: () => false };
  return new State({ height: HEIGHT - 1, tree: treeOf(entries), base }).draft();
}

type Draft = ReturnType<typeof start>;

function ok(draft: Draft, transaction: Transaction, time = TIME): void {
  assert.equal(execute(draft, transaction, time), undefined);
}

function refused(draft: Draft, transaction: Transaction, code: TransactionProblemCode): void {
  const before = toHex(draft.finish().root);
  assert.equal(execute(draft, transaction, TIME)?.code, code);
  assert.equal(toHex(draft.finish().root), before, "a refused transaction changes nothing");
  assert.equal(draft.includes(transaction.id), false);
}

const carol = keyOf("carol");
const newAccount = (name: string, key: SigningKey): Payload => ({
  kind: "create-account",
  name,
  publicKey: key.publicKey,
});

test("an account is created by its own key", () => {
  const draft = start();
  ok(draft, sign("carol", carol, newAccount("carol", carol)));
  assert.deepEqual(draft.account("carol"), {
    name: "carol",
    role: "user",
    publicKeys: [toHex(carol.publicKey)],
  });
  ok(draft, sign("carol", carol, createRepository("carol", "first")));
});

test("an account is created by an account of a devnet, and is no devnet account", () => {
  const draft = start();
  ok(draft, sign("devnet", keys.devnet, newAccount("carol", carol)));
  assert.equal(draft.account("carol")?.role, "user");
  refused(draft, sign("carol", carol, createRepository("other", "x")), "not-permitted");
});

test("nobody else creates an account", () => {
  const draft = start();
  refused(draft, sign("alice", keys.alice, newAccount("carol", carol)), "not-permitted");
  refused(draft, sign("carol", keys.stranger, newAccount("carol", carol)), "not-permitted");
  refused(draft, sign("dave", carol, newAccount("carol", carol)), "unknown-account");
  refused(draft, sign("alice", keys.alice, newAccount("alice", keys.alice)), "account-exists");
  refused(draft, sign("devnet", keys.devnet, newAccount("alice", carol)), "account-exists");
  refused(draft, sign("Carol", carol, newAccount("Carol", carol)), "invalid-name");
});

test("a key that is no good point is never registered", () => {
  const draft = start();
  const publicKey = new Uint8Array(32);
  const account = { kind: "create-account", name: "carol", publicKey } as const;
  refused(draft, sign("devnet", keys.devnet, account), "invalid-value");
  refused(draft, sign("alice", keys.alice, { kind: "add-key", publicKey }), "invalid-value");
});

test("keys are added and removed by any key of the account, but never the last", () => {
  const draft = start();
  const add = (key: SigningKey): Payload => ({ kind: "add-key", publicKey: key.publicKey });
  const remove = (key: SigningKey): Payload => ({ kind: "remove-key", publicKey: key.publicKey });
  refused(draft, sign("alice", keys.alice, remove(keys.alice)), "last-key");
  ok(draft, sign("alice", keys.alice, add(carol)));
  refused(draft, sign("alice", keys.alice, add(carol)), "key-exists");
  ok(draft, sign("alice", carol, remove(keys.alice)));
  refused(draft, sign("alice", keys.alice, add(keys.alice)), "unknown-key");
  refused(draft, sign("alice", carol, remove(keys.alice)), "unknown-key");
  assert.deepEqual(draft.account("alice")?.publicKeys, [toHex(carol.publicKey)]);
  for (let i = 1; i < 16; i++) ok(draft, sign("alice", carol, add(keyOf(`extra ${i}`))));
  refused(draft, sign("alice", carol, add(keyOf("one too many"))), "invalid-value");
});

test("a repository is created by its owner, or for every owner on a devnet", () => {
  const draft = start();
  const own = sign("alice", keys.alice, createRepository("alice", "Notes"));
  ok(draft, own);
  ok(draft, sign("devnet", keys.devnet, createRepository("nobody-yet", "x")));
  refused(draft, sign("alice", keys.alice, createRepository("bob", "x")), "not-permitted");
  assert.deepEqual(repositoryIn(draft.get(repositoryKey("alice", "notes"))), {
    id: own.id.slice(0, 32),
    owner: "alice",
    name: "Notes",
    description: "a repository of a test",
    private: false,
    objectFormat: "sha1",
    defaultBranch: "main",
    createdAtMs: TIME,
    updatedAtMs: TIME,
    createdHeight: HEIGHT,
  });
});

test("a repository's name is taken once, in upper or lower case", () => {
  const draft = start();
  ok(draft, sign("alice", keys.alice, createRepository("alice", "notes")));
  refused(
    draft,
    sign("alice", keys.alice, createRepository("alice", "Notes")),
    "repository-exists",
  );
  ok(draft, sign("bob", keys.bob, createRepository("bob", "notes")));
});

test("names and texts of a repository are checked", () => {
  const draft = start();
  const good = createRepository("alice", "x") as Extract<Payload, { kind: "create-repository" }>;
  const create = (changes: Partial<typeof good>) =>
    sign("devnet", keys.devnet, { ...good, ...changes });
  refused(draft, create({ name: "x.git" }), "invalid-name");
  refused(draft, create({ owner: "Not A Name" }), "invalid-name");
  refused(draft, create({ description: "two\nlines" }), "invalid-value");
  refused(draft, create({ defaultBranch: "a..b" }), "invalid-value");
});

test("settings of a repository change one by one", () => {
  const draft = start();
  const set = (changes: object): Payload => ({
    kind: "set-repository",
    owner: "alice",
    name: "notes",
    ...changes,
  });
  refused(draft, sign("alice", keys.alice, set({ private: true })), "repository-not-found");
  ok(draft, sign("alice", keys.alice, createRepository("alice", "notes")));
  ok(draft, sign("alice", keys.alice, set({ private: true })), TIME + 1);
  ok(draft, sign("devnet", keys.devnet, set({ description: "new" })), TIME + 2);
  ok(draft, sign("alice", keys.alice, set({ defaultBranch: "trunk" })), TIME + 3);
  refused(draft, sign("bob", keys.bob, set({ private: false })), "not-permitted");
  refused(draft, sign("alice", keys.alice, set({ defaultBranch: "" })), "invalid-value");
  const repository = repositoryIn(draft.get(repositoryKey("alice", "notes")));
  assert.equal(repository?.private, true);
  assert.equal(repository?.description, "new");
  assert.equal(repository?.defaultBranch, "trunk");
  assert.equal(repository?.createdAtMs, TIME);
  assert.equal(repository?.updatedAtMs, TIME + 3);
});

test("a transaction counts once, in its time, on its chain, with a key of its account", () => {
  const draft = start();
  const payload = createRepository("alice", "x");
  const lifetime = (height: number, lifetimeBlocks: number) =>
    sign("alice", keys.alice, payload, { height, lifetimeBlocks });
  refused(draft, lifetime(HEIGHT - 2, 1), "expired");
  refused(draft, lifetime(HEIGHT, MAX_LIFETIME_BLOCKS + 1), "invalid-value");
  refused(draft, sign("alice", keys.bob, payload), "unknown-key");
  refused(draft, sign("nobody", keys.bob, payload), "unknown-account");
  refused(draft, { ...lifetime(HEIGHT, 1), ofThisChain: false }, "wrong-chain");
  const last = lifetime(HEIGHT - 1, 1);
  ok(draft, last);
  assert.equal(execute(draft, last, TIME)?.code, "duplicate");
  ok(draft, sign("bob", keys.bob, createRepository("bob", "x"), { height: HEIGHT, lifetimeBlocks: MAX_LIFETIME_BLOCKS })); // prettier-ignore
});
