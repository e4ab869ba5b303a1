/**
 * Proves: to whom a transaction is told, that peers who send rubbish are banned, and
 * that own transactions are told again until they settle. Does not prove delivery; the network does.
 */
import assert from "node:assert/strict";
import { suite, test, type TestContext } from "node:test";
import { setImmediate as nextTurn } from "node:timers/promises";
import type { Submission, TransactionStatus } from "../../../node/chain/ports.ts";
import { newBody, signTransaction } from "../../../node/chain/transaction.ts";
import { BinaryReader, BinaryWriter } from "../../../node/formats/binary.ts";
import { fromHex } from "../../../node/formats/bytes.ts";
import { SigningKey } from "../../../node/formats/ed25519.ts";
import type { PeerInfo } from "../../../node/network/ports.ts";
import { TransactionGossip } from "../../../node/operations/gossip.ts";
import { peer } from "../api/fake-node.ts";

const GENESIS = "ab".repeat(32);
const key = new SigningKey(new Uint8Array(32).fill(5));

function transaction(name: string): Uint8Array {
  const payload = {
    kind: "create-repository",
    owner: "alice",
    name,
    description: "",
    private: false,
    objectFormat: "sha1",
    defaultBranch: "main",
  } as const;
  const body = newBody("alice", key.publicKey, payload, { height: 0, lifetimeBlocks: 10 });
  return signTransaction(body, key, fromHex(GENESIS, 32)).bytes;
}

interface Told {
  readonly to: string;
  readonly transactions: readonly Uint8Array[];
}

function setUp(context: TestContext, options: { votes: boolean; peers: PeerInfo[] }) {
  context.mock.timers.enable({ apis: ["setTimeout", "setInterval"] });
  const told: Told[] = [];
  const banned: string[] = [];
  const read = (message: Uint8Array) => {
    const reader = new BinaryReader(message);
    const transactions: Uint8Array[] = [];
    while (reader.remaining > 0) transactions.push(reader.bytes(65_536));
    return transactions;
  };
  let accepted: (bytes: Uint8Array, source: "local" | "peer") => void = () => undefined;
  let heard: (peer: string, message: Uint8Array) => void = () => undefined;
  let changed: (event: { peer: PeerInfo; connected: boolean }) => void = () => undefined;
  const state = { refusal: undefined as Submission | undefined, status: "pending" };
  const gossip = new TransactionGossip({
    votes: options.votes,
    chain: {
      genesisHash: GENESIS,
      submit(bytes, source) {
        if (state.refusal) return state.refusal;
        accepted(bytes, source);
        return { accepted: true, id: "x" };
      },
      onAccepted(listener) {
        accepted = listener;
        return () => undefined;
      },
      transaction: () => ({ status: state.status }) as TransactionStatus,
    },
    network: {
      peers: () => options.peers,
      broadcast: (_, message, audience) => told.push({ to: audience, transactions: read(message) }),
      send: (to, _, message) => told.push({ to, transactions: read(message) }) > 0,
      onMessage: (_, listener) => (heard = listener),
      onPeers: (listener) => (changed = listener),
      ban: (who, reason) => banned.push(`${who} ${reason}`),
    },
  });
  gossip.start();
  const batch = (...transactions: Uint8Array[]) => {
    const writer = new BinaryWriter();
    for (const bytes of transactions) writer.bytes(bytes);
    return writer.finish();
  };
  return {
    told,
    banned,
    state,
    submit: (bytes: Uint8Array) => accepted(bytes, "local"),
    hear: (from: string, ...transactions: Uint8Array[]) => {
      heard(from, batch(...transactions));
      return nextTurn();
    },
    hearRaw: (from: string, bytes: Uint8Array) => {
      heard(from, bytes);
      return nextTurn();
    },
    connect: (who: PeerInfo) => changed({ peer: who, connected: true }),
    tick: (milliseconds: number) => context.mock.timers.tick(milliseconds),
  };
}

const validator = { ...peer, publicKey: "v", role: "validator" } as const;
const full = { ...peer, publicKey: "f", role: "full" } as const;
const [one, two] = [transaction("one"), transaction("two")];

suite("transactions are told", () => {
  test("own ones to everybody, in one message", (context) => {
    const { told, submit, tick } = setUp(context, { votes: true, peers: [validator] });
    submit(one);
    submit(two);
    assert.equal(told.length, 0);
    tick(5);
    assert.deepEqual(told, [{ to: "everyone", transactions: [one, two] }]);
  });

  test("those of a validator to nobody, those of a full node to validators", async (context) => {
    const { told, hear, tick } = setUp(context, { votes: true, peers: [validator, full] });
    await hear("v", one);
    tick(5);
    assert.deepEqual(told, []);
    await hear("f", two);
    tick(5);
    assert.deepEqual(told, [{ to: "validators", transactions: [two] }]);
  });

  test("a full node without a validator passes everything on", async (context) => {
    const { told, hear, tick } = setUp(context, { votes: false, peers: [full] });
    await hear("f", one);
    tick(5);
    assert.deepEqual(told, [{ to: "everyone", transactions: [one] }]);
  });

  test("again every few seconds until they settle", (context) => {
    const now = context.mock.method(performance, "now", () => 0);
    const { told, submit, tick, state } = setUp(context, { votes: false, peers: [validator] });
    submit(one);
    tick(5);
    now.mock.mockImplementation(() => 6000);
    tick(5000);
    tick(5);
    assert.equal(told.length, 2);
    state.status = "finalized";
    now.mock.mockImplementation(() => 20_000);
    tick(5000);
    tick(5);
    assert.equal(told.length, 2);
  });

  test("by a full node to a peer that comes later", (context) => {
    const { told, submit, connect, tick } = setUp(context, { votes: false, peers: [] });
    submit(one);
    tick(5);
    connect(validator);
    tick(5);
    assert.deepEqual(told.at(-1), { to: "v", transactions: [one] });
  });

  test("in messages of a bounded size", (context) => {
    const { told, submit, tick } = setUp(context, { votes: true, peers: [] });
    const many = Array.from({ length: 600 }, (_, i) => transaction(`r${i}`));
    for (const bytes of many) submit(bytes);
    tick(5);
    assert.ok(told.length > 1);
    assert.equal(told.flatMap(({ transactions }) => transactions).length, 600);
    for (const { transactions } of told)
      assert.ok(transactions.reduce((sum, { length }) => sum + length + 4, 0) <= 60 * 1024);
  });
});

suite("a peer is banned", () => {
  test("for what no honest node passes on", async (context) => {
    const { hear, hearRaw, state, banned } = setUp(context, { votes: true, peers: [validator] });
    for (const code of ["malformed", "bad-signature", "wrong-chain"] as const) {
      state.refusal = { accepted: false, problem: { code, detail: "x" } };
      await hear("v", one, two);
      assert.equal(banned.pop(), `v sent a transaction that is ${code}: x`);
      assert.equal(banned.length, 0, "the rest of its message is not looked at");
    }
    await hearRaw("v", Uint8Array.of(0, 0, 0, 9, 1));
    await hearRaw("v", Uint8Array.of(255, 255, 255, 255));
    assert.equal(banned.length, 2);
  });

  test("not for what an honest node may pass on too late", async (context) => {
    const { hear, state, banned } = setUp(context, { votes: true, peers: [validator] });
    for (const code of ["duplicate", "expired", "mempool-full", "repository-exists"] as const) {
      state.refusal = { accepted: false, problem: { code, detail: "x" } };
      await hear("v", one);
    }
    assert.deepEqual(banned, []);
  });
});

test("transactions of peers are taken in turns of the event loop", async (context) => {
  const { hear, told, tick } = setUp(context, { votes: true, peers: [validator, full] });
  let clock = 0;
  context.mock.method(performance, "now", () => (clock += 2));
  await hear("f", ...Array.from({ length: 9 }, (_, i) => transaction(`r${i}`)));
  tick(5);
  const first = told.flatMap(({ transactions }) => transactions).length;
  assert.ok(first > 0 && first < 9, `${first} in the first turn`);
  for (let turn = 0; turn < 9; turn += 1) await nextTurn();
  tick(5);
  assert.equal(told.flatMap(({ transactions }) => transactions).length, 9);
});
