import { fromHex, sha256 } from "../../node/formats/bytes.ts";
import { formatAddress } from "../../node/formats/configuration.ts";
import { PUBLIC_KEY_BYTES } from "../../node/formats/ed25519.ts";
import { peerIdOf } from "../../node/formats/keys.ts";
import type { NodeRole } from "../topology/nodes.ts";
import type { NetworkPlan, NodePlan } from "./types.ts";

/** Enough for a full node to get in while several are down; it learns the others from these. */
const FULL_NODE_PEERS = 8;

/**
 * The validators a node starts from, by name. A validator starts from all others, because consensus needs
 * them. A full node starts from a few, which ones depends on its own name alone: so the load is spread,
 * and a new node changes nothing for the others.
 *
 * @param validators names of all of them, in the order of the genesis plan
 */
export function planBootstrap(
  validators: readonly string[],
  { id, role }: { readonly id: string; readonly role: NodeRole },
): string[] {
  const others = validators.filter((name) => name !== id);
  if (role === "validator" || others.length <= FULL_NODE_PEERS) return others;
  const [high = 0, low = 0] = sha256(id);
  const start = (high * 256 + low) % others.length;
  return [...others.slice(start), ...others.slice(0, start)].slice(0, FULL_NODE_PEERS);
}

/** Public keys in hexadecimal by key id, see `KeyPlan`. */
export type PublicKeys = Readonly<Record<string, string>>;

/**
 * The value of the setting `bootstrap` of a node, once the keys are made.
 *
 * @returns `<public key>@<host>:<port>`, or a multiaddr for a validator of another organisation
 * @throws RangeError when a public key is missing
 */
export function bootstrapSetting(
  { nodes, external }: Pick<NetworkPlan, "nodes" | "external">,
  node: Pick<NodePlan, "bootstrap">,
  publicKeys: PublicKeys,
): string[] {
  return node.bootstrap.map((name) => {
    const outside = external.find((candidate) => candidate.name === name);
    if (outside) {
      const peerId = peerIdOf(fromHex(outside.publicKey, PUBLIC_KEY_BYTES));
      return `${outside.p2pAddress}/p2p/${peerId}`;
    }
    const peer = nodes.find((candidate) => candidate.id === name);
    if (!peer) throw new RangeError(`got the peer ${name}, allowed: a validator of the plan`);
    return `${publicKeyOf(publicKeys, name)}@${formatAddress(peer.p2p)}`;
  });
}

/** @throws RangeError when it is missing */
export function publicKeyOf(publicKeys: PublicKeys, id: string): string {
  const publicKey = Object.hasOwn(publicKeys, id) ? publicKeys[id] : undefined;
  if (publicKey === undefined)
    throw new RangeError(`got no public key for ${id}, allowed: one for every key of the plan`);
  return publicKey;
}
