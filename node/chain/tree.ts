import { hashPair, type PackedDigest, packedHash } from "./hash.ts";

/**
 * A compressed binary radix tree over the SHA-256 of the keys, with a digest at every node. Nodes
 * never change: an update shares all it does not touch with the tree before it, so that every block
 * has its own tree at little cost. The shape depends on the entries only, not on their order in time.
 */
export type Tree = TreeNode | undefined;
export type TreeNode = Leaf | Branch;

export interface Leaf {
  readonly bit: undefined;
  /** SHA-256 of the key. */
  readonly path: PackedDigest;
  /** SHA-256 of the value. */
  readonly valueHash: PackedDigest;
  readonly hash: PackedDigest;
}

export interface Branch {
  /** The first bit, from the most significant, in which the paths below differ. */
  readonly bit: number;
  /** Path of some leaf that is or was below: its bits before `bit` are those of every leaf. */
  readonly path: PackedDigest;
  readonly zero: TreeNode;
  readonly one: TreeNode;
  readonly hash: PackedDigest;
}

/** An entry to set, or to remove when there is no leaf. */
export interface TreeChange {
  readonly path: PackedDigest;
  readonly leaf: Leaf | undefined;
}

const LEAF = 0;
const BRANCH = 1;
const EMPTY = packedHash(Uint8Array.of(2));

export function rootOf(tree: Tree): PackedDigest {
  return tree === undefined ? EMPTY : tree.hash;
}

export function leafHash(path: PackedDigest, valueHash: PackedDigest): PackedDigest {
  return hashPair([LEAF], path, valueHash);
}

export function branchHash(bit: number, zero: PackedDigest, one: PackedDigest): PackedDigest {
  return hashPair([BRANCH, bit], zero, one);
}

/** The bit of a path at a position, 0 to 255 from the most significant. */
export function bitOf(path: PackedDigest, position: number): 0 | 1 {
  return ((path.charCodeAt(position >> 3) >> (7 - (position & 7))) & 1) as 0 | 1;
}

/** Whether a tree has an entry, by the SHA-256 of its key. */
export function hasPath(tree: Tree, path: PackedDigest): boolean {
  let node = tree;
  while (node !== undefined && node.bit !== undefined)
    node = bitOf(path, node.bit) === 1 ? node.one : node.zero;
  return node?.path === path;
}

/** @param value the new value of the key, undefined to remove it */
export function treeChange(key: Uint8Array, value: Uint8Array | undefined): TreeChange {
  const path = packedHash(key);
  if (value === undefined) return { path, leaf: undefined };
  const valueHash = packedHash(value);
  return { path, leaf: { bit: undefined, path, valueHash, hash: leafHash(path, valueHash) } };
}

/** The tree after some changes, at most one for a path, in any order. */
export function updateTree(tree: Tree, changes: readonly TreeChange[]): Tree {
  const sorted = [...changes].sort((a, b) => (a.path < b.path ? -1 : a.path > b.path ? 1 : 0));
  return update(tree, sorted, 0, sorted.length);
}

function update(tree: Tree, changes: readonly TreeChange[], from: number, to: number): Tree {
  if (from === to) return tree;
  if (tree === undefined) return build(changes.slice(from, to));
  if (tree.bit === undefined) return build(withLeaf(changes.slice(from, to), tree));
  const { bit, zero, one, path } = tree;
  const first = (changes[from] as TreeChange).path;
  const last = (changes[to - 1] as TreeChange).path;
  const common = Math.min(firstDifference(path, first), firstDifference(path, last));
  if (common >= bit) {
    const middle = split(changes, from, to, bit);
    const nextZero = update(zero, changes, from, middle);
    const nextOne = update(one, changes, middle, to);
    return nextZero === zero && nextOne === one ? tree : join(bit, nextZero, nextOne);
  }
  // Some changes leave the common path of this branch: the branch moves below a new one.
  const middle = split(changes, from, to, common);
  return bitOf(path, common) === 0
    ? join(common, update(tree, changes, from, middle), build(changes.slice(middle, to)))
    : join(common, build(changes.slice(from, middle)), update(tree, changes, middle, to));
}

function withLeaf(changes: TreeChange[], leaf: Leaf): TreeChange[] {
  const at = changes.findIndex(({ path }) => path >= leaf.path);
  if (at >= 0 && changes[at]?.path === leaf.path) return changes;
  changes.splice(at < 0 ? changes.length : at, 0, { path: leaf.path, leaf });
  return changes;
}

/** A tree of sorted changes alone. */
function build(changes: readonly TreeChange[]): Tree {
  const leaves = changes.flatMap(({ leaf }) => leaf ?? []);
  return leaves.length === 0 ? undefined : buildLeaves(leaves, 0, leaves.length);
}

function buildLeaves(leaves: readonly Leaf[], from: number, to: number): TreeNode {
  const first = leaves[from] as Leaf;
  if (to - from === 1) return first;
  const bit = firstDifference(first.path, (leaves[to - 1] as Leaf).path);
  const middle = split(leaves, from, to, bit);
  return branch(bit, buildLeaves(leaves, from, middle), buildLeaves(leaves, middle, to));
}

/** Index of the first of sorted paths with a one at a bit, given that all agree before it. */
function split(
  sorted: readonly { readonly path: PackedDigest }[],
  from: number,
  to: number,
  bit: number,
): number {
  let low = from;
  let high = to;
  while (low < high) {
    const middle = (low + high) >>> 1;
    if (bitOf((sorted[middle] as { path: PackedDigest }).path, bit) === 0) low = middle + 1;
    else high = middle;
  }
  return low;
}

function join(bit: number, zero: Tree, one: Tree): Tree {
  if (zero === undefined) return one;
  return one === undefined ? zero : branch(bit, zero, one);
}

function branch(bit: number, zero: TreeNode, one: TreeNode): Branch {
  return { bit, path: zero.path, zero, one, hash: branchHash(bit, zero.hash, one.hash) };
}

/** Position of the first bit in which two paths differ; 256 when they are equal. */
function firstDifference(a: PackedDigest, b: PackedDigest): number {
  for (let i = 0; i < a.length; i++) {
    const difference = a.charCodeAt(i) ^ b.charCodeAt(i);
    if (difference !== 0) return i * 8 + Math.clz32(difference) - 24;
  }
  return a.length * 8;
}
