/**
 * Proves: a block has one encoding, written down here byte for byte, and whatever is not exactly
 * that is refused without taking memory for what is not there.
 * Does not prove: that a block is valid on a chain.
 */
import assert from "node:assert/strict";
import { test } from "node:test";
import fc from "fast-check";
import {
  type BlockHeader,
  decodeBlock,
  decodeHeader,
  encodeBlock,
  genesisBlock,
  HEADER_BYTES,
  hasTransactionRoot,
  transactionRoot,
} from "../../../node/chain/block.ts";
import { MAX_TRANSACTION_BYTES } from "../../../node/chain/transaction.ts";
import { DecodeError } from "../../../node/formats/binary.ts";
import { sha256, toHex } from "../../../node/formats/bytes.ts";

const digest = fc.uint8Array({ minLength: 32, maxLength: 32 });
const transactions = fc.array(fc.uint8Array({ maxLength: 200 }), { maxLength: 12 });
const header = fc.record({
  genesisHash: digest,
  epoch: fc.maxSafeNat(),
  view: fc.maxSafeNat(),
  leader: fc.nat(0xffff),
  parentView: fc.maxSafeNat(),
  parentDigest: digest,
  height: fc.maxSafeNat(),
  timestampMs: fc.maxSafeNat(),
  stateRoot: digest,
});

function make(
  fields: Omit<BlockHeader, "transactionRoot" | "transactionCount">,
  list: Uint8Array[],
) {
  const root = transactionRoot(list);
  return encodeBlock({ ...fields, transactionRoot: root, transactionCount: list.length }, list);
}

const fixed = {
  genesisHash: new Uint8Array(32).fill(0xaa),
  epoch: 1,
  view: 2,
  leader: 3,
  parentView: 4,
  parentDigest: new Uint8Array(32).fill(0xbb),
  height: 5,
  timestampMs: 6,
  stateRoot: new Uint8Array(32).fill(0xcc),
};

test("a block comes back from its bytes, and encodes to the same bytes again", () => {
  fc.assert(
    fc.property(header, transactions, (fields, list) => {
      const block = make(fields, list);
      const decoded = decodeBlock(block.bytes);
      assert.deepEqual(decoded, block);
      assert.equal(decoded.id, toHex(sha256(block.bytes)));
      assert.ok(hasTransactionRoot(decoded));
      assert.deepEqual(encodeBlock(decoded.header, decoded.transactions).bytes, block.bytes);
      assert.deepEqual(decodeHeader(block.bytes.subarray(0, HEADER_BYTES)), decoded.header);
    }),
  );
});

test("golden: the encoding of a block", () => {
  const { bytes } = make(fixed, [Uint8Array.of(1, 2), new Uint8Array()]);
  const u64 = (n: number) => n.toString(16).padStart(16, "0");
  const expected = [
    "0001",
    "aa".repeat(32),
    u64(1),
    u64(2),
    "0003",
    u64(4),
    "bb".repeat(32),
    u64(5),
    u64(6),
    toHex(transactionRoot([Uint8Array.of(1, 2), new Uint8Array()])),
    "cc".repeat(32),
    "00000002",
    "00000002" + "0102",
    "00000000",
  ].join("");
  assert.equal(toHex(bytes), expected);
  assert.equal(HEADER_BYTES, 176);
});

test("golden: transaction roots", () => {
  const list = Array.from({ length: 5 }, (_, i) => Uint8Array.of(i));
  // The first is SHA-256 of nothing; the second the leaf hash of an empty entry, RFC 9162.
  assert.deepEqual(
    [[], [new Uint8Array()], list].map((each) => toHex(transactionRoot(each))),
    [
      "e3b0c44298fc1c149afbf4c8996fb92427ae41e4649b934ca495991b7852b855",
      "6e340b9cffb37a989ca544e6bb780a2c78901d3fb33738768511a30617afa01d",
      "b855b42d6c30f5b087e05266783fbd6e394f7b926013ccaa67700a8b0c5a596f",
    ],
  );
});

test("the transaction root tells transactions, their order and their borders apart", () => {
  const root = (...list: string[]) => toHex(transactionRoot(list.map((text) => Buffer.from(text))));
  const roots = [root("a", "b"), root("b", "a"), root("ab"), root("a"), root("a", "b", "b")];
  assert.equal(new Set(roots).size, roots.length);
});

test("every prefix and every longer text is refused", () => {
  const { bytes } = make(fixed, [new Uint8Array(5), new Uint8Array(9)]);
  for (let length = 0; length < bytes.length; length++)
    assert.throws(() => decodeBlock(bytes.subarray(0, length)), DecodeError, `${length}`);
  assert.throws(() => decodeBlock(new Uint8Array([...bytes, 0])), DecodeError);
});

test("random changes give another block or none, never the same digest", () => {
  const block = make(fixed, [new Uint8Array(5), new Uint8Array(9)]);
  fc.assert(
    fc.property(fc.nat(block.bytes.length - 1), fc.integer({ min: 1, max: 255 }), (at, xor) => {
      const changed = block.bytes.slice();
      changed[at] = (changed[at] as number) ^ xor;
      try {
        assert.notEqual(decodeBlock(changed).id, block.id);
      } catch (error) {
        assert.ok(error instanceof DecodeError, String(error));
      }
    }),
  );
});

test("another version, a count that cannot be and a too long transaction are refused", () => {
  const { bytes } = make(fixed, []);
  const version = bytes.slice();
  version[1] = 2;
  assert.throws(() => decodeBlock(version), /block version 2/);
  const count = bytes.slice();
  count.set([0xff, 0xff, 0xff, 0xff], HEADER_BYTES - 4);
  assert.throws(() => decodeBlock(count), /4294967295 transactions/);
  const long = make(fixed, [new Uint8Array(MAX_TRANSACTION_BYTES + 1)]);
  assert.throws(() => decodeBlock(long.bytes), DecodeError);
});

test("the genesis block depends on genesis hash and state root alone", () => {
  const root = new Uint8Array(32).fill(1);
  const block = genesisBlock(fixed.genesisHash, root);
  assert.equal(block.id, genesisBlock(fixed.genesisHash, root).id);
  assert.notEqual(block.id, genesisBlock(fixed.parentDigest, root).id);
  assert.notEqual(block.id, genesisBlock(fixed.genesisHash, fixed.stateRoot).id);
  const { height, view, timestampMs, transactionCount } = decodeBlock(block.bytes).header;
  assert.deepEqual([height, view, timestampMs, transactionCount], [0, 0, 0, 0]);
});
