import type { BlockSummary, Repository } from "../chain/ports.ts";
import type { ApiContext } from "./context.ts";

/** How values of the chain are written in JSON: the field names that clients know. */

export function iso(timestampMs: number): string {
  return new Date(timestampMs).toISOString();
}

export function presentRepository(repository: Repository) {
  return {
    id: repository.id,
    owner: repository.owner,
    name: repository.name,
    description: repository.description,
    private: repository.private,
    object_format: repository.objectFormat,
    default_branch: repository.defaultBranch,
    created_at: iso(repository.createdAtMs),
    updated_at: iso(repository.updatedAtMs),
    created_height: repository.createdHeight,
  };
}

export function presentBlock(context: ApiContext, block: BlockSummary) {
  const producer = block.height === 0 ? undefined : context.validators[block.leader];
  const stored = context.chain.certificate(block.height);
  return {
    height: block.height,
    block_id: block.digest,
    parent_id: block.parentDigest,
    producer: producer?.publicKey ?? "",
    timestamp: block.timestampMs,
    time: iso(block.timestampMs),
    tx_count: block.transactionCount,
    tx_root: block.transactionRoot,
    state_root: block.stateRoot,
    view: block.view,
    signature_count: stored ? context.signers(stored.bytes).length : 0,
    hash: block.digest,
    parent_hash: block.parentDigest,
    proposer: producer?.name ?? "",
    transactions_count: block.transactionCount,
    size: block.bytes,
  };
}

export function presentStatus(context: ApiContext) {
  const { chain, validators, identity, settings, health } = context;
  const consensus = context.consensus();
  const tip = chain.tip();
  const pending = chain.mempool().size;
  return {
    enabled: context.votes,
    state: stateOf(context),
    view: consensus.view,
    finalized_height: tip.height,
    current_leader: validators[consensus.leader]?.publicKey ?? null,
    is_leader: consensus.isLeader,
    pending_transactions: pending,
    height: tip.height,
    round: consensus.view,
    phase: consensus.phase,
    synced: !consensus.catchingUp && health.lag() <= settings.readyMaxLag,
    peers_count: context.peers().length,
    validators_count: validators.length,
    mempool_size: pending,
    last_block_time: iso(tip.timestampMs),
    last_block_id: tip.digest,
    epoch: consensus.epoch,
    quorum: consensus.quorum,
    chain_id: chain.genesis.chainId,
    genesis_hash: chain.genesisHash,
    purpose: chain.genesis.purpose,
    block_interval_ms: chain.genesis.consensus.blockIntervalMs,
    role: identity.role,
    public_key: identity.publicKey,
    peer_id: identity.peerId,
    node_version: identity.nodeVersion,
    protocol_version: identity.protocolVersion,
    open_writes: context.openWrites ? "loopback" : "off",
  };
}

/** `active` votes, `recovering` will vote once that is provably safe, `following` never does. */
function stateOf(context: ApiContext): "active" | "recovering" | "following" {
  switch (context.consensus().mode) {
    case "voting":
      return "active";
    case "recovering":
      return "recovering";
    case "observing":
      return "following";
  }
}
