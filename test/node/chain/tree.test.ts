/**
 * Proves: the state root depends on the entries alone and not on how they came about, and a proof
 * shows what the root holds and nothing else.
 * Does not prove: that SHA-256 has no collisions, or that a root was made by honest validators; an
 * absence proof takes the root to be that of a well-formed tree.
 */
import assert from "node:assert/strict";
import { createHash } from "node:crypto";
import { test } from "node:test";
import fc from "fast-check";
import { packedHash, unpack } from "../../../node/chain/hash.ts";
import { stateProof, verifyStateProof } from "../../../node/chain/proof.ts";
import { treeOf } from "../../../node/chain/state.ts";
import {
  bitOf,
  hasPath,
  rootOf,
  type Tree,
  type TreeNode,
  treeChange,
  updateTree,
} from "../../../node/chain/tree.ts";
import { sha256, toHex } from "../../../node/formats/bytes.ts";

type Model = Map<number, number>;
const keyOf = (n: number) => Buffer.from(`key ${n}`);
const valueOf = (n: number) => Buffer.from(`value ${n}`);
const fresh = (model: Model) =>
  treeOf(Array.from(model, ([key, value]) => [keyOf(key), valueOf(value)] as const));
const root = (tree: Tree) => toHex(unpack(rootOf(tree)));

/** Batches of changes; undefined removes. */
const batches = fc.array(
  fc.dictionary(fc.nat(60).map(String), fc.option(fc.nat(5), { nil: undefined }), { maxKeys: 20 }),
  { maxLength: 12 },
);

function change(tree: Tree, model: Model, batch: Record<string, number | undefined>): Tree {
  const entries = Object.entries(batch);
  for (const [key, value] of entries)
    if (value === undefined) model.delete(Number(key));
    else model.set(Number(key), value);
  return updateTree(
    tree,
    entries.map(([key, value]) =>
      treeChange(keyOf(Number(key)), value === undefined ? undefined : valueOf(value)),
    ),
  );
}

/** Checks the shape: bits grow downwards, and every leaf lies where its path says. */
function checkShape(tree: Tree): number {
  const walk = (node: TreeNode, bits: readonly (readonly [number, 0 | 1])[]): number => {
    if (node.bit === undefined) {
      for (const [bit, side] of bits) assert.equal(bitOf(node.path, bit), side);
      return 1;
    }
    const { bit, zero, one } = node;
    assert.ok(bits.every(([above]) => above < bit));
    return walk(zero, [...bits, [bit, 0]]) + walk(one, [...bits, [bit, 1]]);
  };
  return tree === undefined ? 0 : walk(tree, []);
}

test("any sequence of changes gives the tree of the entries that are left", () => {
  fc.assert(
    fc.property(batches, (list) => {
      const model: Model = new Map();
      let tree: Tree;
      for (const batch of list) {
        const before = root(tree);
        const next = change(tree, model, batch);
        assert.equal(root(tree), before, "the tree before stays as it was");
        tree = next;
        assert.equal(root(tree), root(fresh(model)));
        assert.equal(checkShape(tree), model.size);
      }
      for (let n = 0; n <= 60; n++) assert.equal(hasPath(tree, packedHash(keyOf(n))), model.has(n));
    }),
    { numRuns: 300 },
  );
});

test("the order in which entries are set does not matter", () => {
  fc.assert(
    fc.property(fc.shuffledSubarray([...Array(40).keys()], { minLength: 40 }), (order) => {
      let tree: Tree;
      for (const n of order) tree = updateTree(tree, [treeChange(keyOf(n), valueOf(n))]);
      assert.equal(root(tree), root(fresh(new Map(order.map((n) => [n, n])))));
    }),
    { numRuns: 30 },
  );
});

test("what does not change the entries does not change the tree", () => {
  const tree = fresh(new Map([...Array(30).keys()].map((n) => [n, n])));
  assert.equal(updateTree(tree, []), tree);
  assert.equal(root(updateTree(tree, [treeChange(keyOf(99), undefined)])), root(tree));
});

test("different entries have different roots", () => {
  const maps: Model[] = [
    new Map(),
    new Map([[1, 1]]),
    new Map([[1, 2]]),
    new Map([[2, 1]]),
    new Map([[1, 1], [2, 2]]), // prettier-ignore
    new Map([[1, 2], [2, 1]]), // prettier-ignore
  ];
  assert.equal(new Set(maps.map((map) => root(fresh(map)))).size, maps.length);
});

test("golden: roots of nothing, of one entry and of many", () => {
  assert.equal(root(undefined), toHex(sha256(Uint8Array.of(2))));
  const leaf = Buffer.concat([Uint8Array.of(0), sha256(keyOf(1)), sha256(valueOf(1))]);
  assert.equal(root(fresh(new Map([[1, 1]]))), toHex(sha256(leaf)));
  const many = fresh(new Map([...Array(100).keys()].map((n) => [n, n])));
  assert.equal(root(many), "072aecc075bf0dd7b2bd1bffee6592778323133cd80a190b7cd77ec5c04c7ce8");
});

test("the root is that of a second, naive definition of the tree", () => {
  const hash = (...parts: Uint8Array[]) =>
    createHash("sha256").update(Buffer.concat(parts)).digest();
  const bitAt = (path: Uint8Array, bit: number) =>
    ((path[bit >> 3] as number) >> (7 - (bit % 8))) & 1;
  const naive = (leaves: { path: Uint8Array; hash: Uint8Array }[], bit = 0): Uint8Array => {
    if (leaves.length === 1) return leaves[0]?.hash ?? new Uint8Array();
    const [zero, one] = [0, 1].map((side) =>
      leaves.filter(({ path }) => bitAt(path, bit) === side),
    );
    if (!zero?.length || !one?.length) return naive(leaves, bit + 1);
    return hash(Uint8Array.of(1, bit), naive(zero, bit + 1), naive(one, bit + 1));
  };
  const entries = [...Array(100).keys()].map((n) => [keyOf(n), valueOf(n)] as const);
  const leaves = entries.map(([key, value]) => {
    const path = hash(key);
    return { path, hash: hash(Uint8Array.of(0), path, hash(value)) };
  });
  assert.equal(root(treeOf(entries)), toHex(naive(leaves)));
});

test("proofs show what is there and what is not", () => {
  fc.assert(
    fc.property(fc.uniqueArray(fc.nat(200), { maxLength: 80 }), fc.nat(220), (numbers, n) => {
      const tree = fresh(new Map(numbers.map((each) => [each, each])));
      const value = numbers.includes(n) ? valueOf(n) : undefined;
      const proof = stateProof({ height: 1, tree }, keyOf(n), value);
      assert.equal(verifyStateProof(proof), true);
      // The opposite of the truth has no proof.
      const { value: _, ...absent } = proof;
      const lie = value === undefined ? { ...proof, value: "00" } : absent;
      assert.equal(verifyStateProof(lie), false);
      assert.equal(verifyStateProof({ ...proof, value: toHex(valueOf(n + 1)) }), false);
    }),
    { numRuns: 200 },
  );
});

test("a proof with any bit changed is refused", () => {
  const tree = fresh(new Map([...Array(20).keys()].map((n) => [n, n])));
  for (const [n, value] of [
    [3, valueOf(3)],
    [99, undefined],
  ] as const) {
    // prettier-ignore
    const proof = stateProof({ height: 1, tree }, keyOf(n), value);
    const bytes = Buffer.from(proof.proof, "hex");
    for (let bit = 0; bit < bytes.length * 8; bit++) {
      const changed = Buffer.from(bytes);
      changed[bit >> 3] = (changed[bit >> 3] as number) ^ (1 << (bit & 7));
      assert.equal(verifyStateProof({ ...proof, proof: toHex(changed) }), false, `${n}: ${bit}`);
    }
    assert.equal(verifyStateProof({ ...proof, proof: `${proof.proof}00` }), false);
    assert.equal(verifyStateProof({ ...proof, proof: proof.proof.slice(2) }), false);
    assert.equal(verifyStateProof({ ...proof, proof: "zz" }), false);
    assert.equal(verifyStateProof({ ...proof, proof: "0" }), false);
    assert.equal(verifyStateProof({ ...proof, stateRoot: toHex(sha256("other")) }), false);
    assert.equal(verifyStateProof({ ...proof, key: toHex(keyOf(n + 1)) }), false);
  }
});

test("the proof of one key's absence does not pass for another's", () => {
  const numbers = [...Array(50).keys()];
  const tree = fresh(new Map(numbers.map((n) => [n, n])));
  const absent = stateProof({ height: 1, tree }, keyOf(1000), undefined);
  for (const n of numbers)
    assert.equal(verifyStateProof({ ...absent, key: toHex(keyOf(n)) }), false, `${n}`);
});
