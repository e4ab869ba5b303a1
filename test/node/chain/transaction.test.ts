/**
 * Proves: a transaction has one encoding, its id covers all that is signed and nothing else, and
 * malformed input is refused.
 * Does not prove: what a transaction does to the state.
 */
import assert from "node:assert/strict";
import { test } from "node:test";
import fc from "fast-check";
import { SignatureChecker } from "../../../node/chain/signatures.ts";
import {
  decodeTransaction,
  MAX_TRANSACTION_BYTES,
  newBody,
  type Payload,
  signTransaction,
  type TransactionBody,
} from "../../../node/chain/transaction.ts";
import { DecodeError } from "../../../node/formats/binary.ts";
import { sha256, toHex } from "../../../node/formats/bytes.ts";
import { keys } from "./support/chain.ts";

const chainA = sha256("chain a");
const chainB = sha256("chain b");
const bytes32 = fc.uint8Array({ minLength: 32, maxLength: 32 });
const name = fc.stringMatching(/^[a-z0-9][a-z0-9-]{0,38}$/);
const text = fc.string({ maxLength: 60 });
const payload: fc.Arbitrary<Payload> = fc.oneof(
  fc.record({ kind: fc.constant("create-account" as const), name, publicKey: bytes32 }),
  fc.record({ kind: fc.constantFrom("add-key" as const, "remove-key"), publicKey: bytes32 }),
  fc.record({
    kind: fc.constant("create-repository" as const),
    owner: name,
    name,
    description: text,
    private: fc.boolean(),
    objectFormat: fc.constantFrom("sha1" as const, "sha256"),
    defaultBranch: text,
  }),
  fc
    .record(
      {
        kind: fc.constant("set-repository" as const),
        owner: name,
        name,
        description: text,
        private: fc.boolean(),
        defaultBranch: text,
      },
      { requiredKeys: ["kind", "owner", "name"] },
    )
    .filter((p) => Object.keys(p).length > 3),
);
const body: fc.Arbitrary<TransactionBody> = fc.record({
  account: name,
  publicKey: fc.constant(keys.alice.publicKey),
  nonce: fc.uint8Array({ minLength: 16, maxLength: 16 }),
  expiryHeight: fc.maxSafeNat(),
  payload,
});

const fixed: TransactionBody = {
  account: "alice",
  publicKey: keys.alice.publicKey,
  nonce: new Uint8Array(16).fill(7),
  expiryHeight: 258,
  payload: {
    kind: "create-repository",
    owner: "alice",
    name: "notes",
    description: "é",
    private: true,
    objectFormat: "sha256",
    defaultBranch: "main",
  },
};

test("a transaction comes back from its bytes and is well signed", () => {
  const signatures = new SignatureChecker();
  fc.assert(
    fc.property(body, (each) => {
      const transaction = signTransaction(each, keys.alice, chainA);
      const { account, publicKey, nonce, expiryHeight } = transaction;
      const decoded = { account, publicKey, nonce, expiryHeight, payload: transaction.payload };
      assert.deepEqual(decoded, { ...each, payload: { ...each.payload } });
      assert.deepEqual(decodeTransaction(transaction.bytes, chainA), transaction);
      assert.ok(signatures.verify(transaction));
    }),
    { numRuns: 50 },
  );
});

test("golden: bytes and id of a transaction", () => {
  const { bytes, id } = signTransaction(fixed, keys.alice, chainA);
  const expected = [
    "0104",
    toHex(chainA.subarray(0, 4)),
    "00000005" + toHex(Buffer.from("alice")),
    toHex(keys.alice.publicKey),
    "07".repeat(16),
    "0000000000000102",
    "00000005" + toHex(Buffer.from("alice")),
    "00000005" + toHex(Buffer.from("notes")),
    "00000002" + "c3a9",
    "01",
    "02",
    "00000004" + toHex(Buffer.from("main")),
  ].join("");
  assert.equal(toHex(bytes.subarray(0, bytes.length - 64)), expected);
  const signed = Buffer.concat([
    Uint8Array.of(19),
    Buffer.from("guts/transaction/v1"),
    chainA,
    Buffer.from(expected, "hex"),
  ]);
  assert.equal(id, toHex(sha256(signed)));
  assert.equal(toHex(keys.alice.sign(signed)), toHex(bytes.subarray(bytes.length - 64)));
});

test("the id is of what is signed: the signature does not change it, the chain does", () => {
  const { bytes, id } = signTransaction(fixed, keys.alice, chainA);
  const other = bytes.slice();
  other[other.length - 1] = (other.at(-1) as number) ^ 1;
  const resigned = decodeTransaction(other, chainA);
  assert.equal(resigned.id, id);
  assert.equal(new SignatureChecker().verify(resigned), false);
  const elsewhere = decodeTransaction(bytes, chainB);
  assert.notEqual(elsewhere.id, id);
  assert.equal(elsewhere.ofThisChain, false);
  assert.equal(new SignatureChecker().verify(elsewhere), false);
});

test("a change of any byte of the body is not well signed", () => {
  const { bytes } = signTransaction(fixed, keys.alice, chainA);
  const signatures = new SignatureChecker();
  for (let at = 0; at < bytes.length - 64; at++) {
    const changed = bytes.slice();
    changed[at] = (changed[at] as number) ^ 1;
    try {
      assert.equal(signatures.verify(decodeTransaction(changed, chainA)), false, `byte ${at}`);
    } catch (error) {
      assert.ok(error instanceof DecodeError, String(error));
    }
  }
});

test("all signatures of a list must be good", async () => {
  const signatures = new SignatureChecker();
  const good = [1, 2, 3].map((i) =>
    signTransaction({ ...fixed, expiryHeight: i }, keys.alice, chainA),
  );
  assert.equal(await signatures.verifyAll(good), true);
  assert.equal(await signatures.verifyAll([]), true);
  const bad = signTransaction({ ...fixed, publicKey: keys.bob.publicKey }, keys.alice, chainA);
  assert.equal(await signatures.verifyAll([...good, bad]), false);
  const smallOrder = { ...fixed, publicKey: new Uint8Array(32) };
  assert.equal(await signatures.verifyAll([signTransaction(smallOrder, keys.bob, chainA)]), false);
});

test("every prefix and every longer text is refused", () => {
  fc.assert(
    fc.property(body, fc.nat(), (each, cut) => {
      const { bytes } = signTransaction(each, keys.alice, chainA);
      const length = cut % bytes.length;
      assert.throws(() => decodeTransaction(bytes.subarray(0, length), chainA), DecodeError);
      assert.throws(() => decodeTransaction(new Uint8Array([...bytes, 0]), chainA), DecodeError);
    }),
    { numRuns: 100 },
  );
});

test("random bytes are refused with a DecodeError and nothing else", () => {
  fc.assert(
    fc.property(fc.uint8Array({ maxLength: 300 }), fc.constantFrom(1, 2, 3, 4, 5), (tail, kind) => {
      try {
        decodeTransaction(new Uint8Array([1, kind, ...tail]), chainA);
      } catch (error) {
        assert.ok(error instanceof DecodeError, String(error));
      }
    }),
    { numRuns: 2000 },
  );
});

test("unknown versions, kinds, flags, formats and changes are refused", () => {
  const { bytes } = signTransaction(fixed, keys.alice, chainA);
  const change = (at: number, value: number) => {
    const changed = bytes.slice();
    changed[at] = value;
    return () => decodeTransaction(changed, chainA);
  };
  const end = bytes.length - 64;
  assert.throws(change(0, 2), /transaction version 2/);
  assert.throws(change(1, 0), /unknown kind/);
  assert.throws(change(1, 6), /unknown kind/);
  assert.throws(change(end - 10, 2), /flag 2/);
  assert.throws(change(end - 9, 3), /object format 3/);
  const set: Payload = { kind: "set-repository", owner: "a", name: "b", private: true };
  const settings = signTransaction({ ...fixed, payload: set }, keys.alice, chainA).bytes.slice();
  for (const wrong of [0, 8]) {
    settings[settings.length - 66] = wrong;
    assert.throws(() => decodeTransaction(settings, chainA), /got the change/);
  }
});

test("a longer transaction than any can be is refused at once", () => {
  assert.throws(
    () => decodeTransaction(new Uint8Array(MAX_TRANSACTION_BYTES + 1), chainA),
    /allowed: up to 4096/,
  );
});

test("bodies that do not fit the encoding are not signed", () => {
  for (const wrong of [
    { ...fixed, nonce: new Uint8Array(15) },
    { ...fixed, publicKey: new Uint8Array(31) },
    { ...fixed, expiryHeight: -1 },
  ])
    assert.throws(() => signTransaction(wrong, keys.alice, chainA), RangeError);
});

test("two bodies with equal wishes have different ids", () => {
  const options = { height: 5, lifetimeBlocks: 10 };
  const [a, b] = [1, 2].map(() => newBody("alice", keys.alice.publicKey, fixed.payload, options));
  assert.ok(a && b);
  assert.equal(a.expiryHeight, 15);
  assert.notEqual(toHex(a.nonce), toHex(b.nonce));
});
