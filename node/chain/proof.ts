import { BinaryReader, BinaryWriter, DecodeError } from "../formats/binary.ts";
import { DIGEST_BYTES, equalBytes, fromHex, toHex } from "../formats/bytes.ts";
import { pack, type PackedDigest, packedHash, unpack } from "./hash.ts";
import type { StateProof } from "./ports.ts";
import { bitOf, branchHash, leafHash, rootOf, type Tree } from "./tree.ts";

/** A step from the root: the bit that decides, and the digest of the side not taken. */
interface Step {
  readonly bit: number;
  readonly sibling: PackedDigest;
}

/** Deepest tree: one branch for each bit of a path. */
const MAX_STEPS = 256;

/**
 * The encoded path of a key in a tree: the number of steps u16; bit u8 and sibling digest of each,
 * from the root; then 0 for an empty tree, or 1 with path and value hash of the leaf at its end.
 * That leaf is the key's own, or the one that stands where the key would be.
 */
export function proveKey(tree: Tree, key: Uint8Array): Uint8Array {
  const path = packedHash(key);
  const steps: Step[] = [];
  let node = tree;
  while (node !== undefined && node.bit !== undefined) {
    const one = bitOf(path, node.bit) === 1;
    steps.push({ bit: node.bit, sibling: one ? node.zero.hash : node.one.hash });
    node = one ? node.one : node.zero;
  }
  const writer = new BinaryWriter(67 + steps.length * 33).u16(steps.length);
  for (const { bit, sibling } of steps) writer.u8(bit).raw(unpack(sibling));
  if (node === undefined) return writer.u8(0).finish();
  return writer.u8(1).raw(unpack(node.path)).raw(unpack(node.valueHash)).finish();
}

/**
 * Checks that a state root, which a finalization certificate vouches for through the block that
 * carries it, holds this value for the key, or nothing when the proof has no value.
 */
export function verifyStateProof(proof: Omit<StateProof, "height">): boolean {
  try {
    const key = fromHex(proof.key, proof.key.length / 2);
    const stateRoot = fromHex(proof.stateRoot, DIGEST_BYTES);
    const value =
      proof.value === undefined ? undefined : fromHex(proof.value, proof.value.length / 2);
    return holds(stateRoot, key, value, fromHex(proof.proof, proof.proof.length / 2));
  } catch (error) {
    if (error instanceof DecodeError || error instanceof RangeError) return false;
    throw error;
  }
}

function holds(
  stateRoot: Uint8Array,
  key: Uint8Array,
  value: Uint8Array | undefined,
  encoded: Uint8Array,
): boolean {
  const path = packedHash(key);
  const { steps, leaf } = decodeProof(encoded);
  if (leaf === undefined)
    return (
      value === undefined && steps.length === 0 && equalBytes(unpack(rootOf(undefined)), stateRoot)
    );
  if (leaf.path === path) {
    if (value === undefined || packedHash(value) !== leaf.valueHash) return false;
  } else if (value !== undefined) {
    return false;
  }
  let hash = leafHash(leaf.path, leaf.valueHash);
  let below = MAX_STEPS;
  for (const { bit, sibling } of steps.reverse()) {
    // Bits grow on the way down, and the leaf must lie on the side on which the key is looked for:
    // otherwise another part of the tree could pass for the place of the key.
    if (bit >= below || bitOf(leaf.path, bit) !== bitOf(path, bit)) return false;
    below = bit;
    hash = bitOf(path, bit) === 1 ? branchHash(bit, sibling, hash) : branchHash(bit, hash, sibling);
  }
  return equalBytes(unpack(hash), stateRoot);
}

function decodeProof(encoded: Uint8Array): {
  steps: Step[];
  leaf: { path: PackedDigest; valueHash: PackedDigest } | undefined;
} {
  const reader = new BinaryReader(encoded);
  const count = reader.u16();
  if (count > MAX_STEPS) throw new DecodeError(`got ${count} steps, allowed: up to ${MAX_STEPS}`);
  const steps: Step[] = [];
  for (let i = 0; i < count; i++)
    steps.push({ bit: reader.u8(), sibling: pack(reader.raw(DIGEST_BYTES)) });
  const kind = reader.u8();
  if (kind > 1) throw new DecodeError(`got the ending ${kind}, allowed: 0 or 1`);
  const leaf =
    kind === 0
      ? undefined
      : { path: pack(reader.raw(DIGEST_BYTES)), valueHash: pack(reader.raw(DIGEST_BYTES)) };
  reader.finish();
  return { steps, leaf };
}

/** A proof as the API gives it. */
export function stateProof(
  at: { readonly height: number; readonly tree: Tree },
  key: Uint8Array,
  value: Uint8Array | undefined,
): StateProof {
  return {
    height: at.height,
    stateRoot: toHex(unpack(rootOf(at.tree))),
    key: toHex(key),
    ...(value !== undefined && { value: toHex(value) }),
    proof: toHex(proveKey(at.tree, key)),
  };
}
