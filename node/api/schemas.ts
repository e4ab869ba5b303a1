import { type TSchema, Type } from "@sinclair/typebox";

/** Shapes of answers and requests: they validate, serialize and document at once. */

const hex32 = (description: string) => Type.String({ pattern: "^[0-9a-f]{64}$", description });
const height = Type.Integer({ minimum: 0, description: "Height of a block; 0 is genesis" });

export const errorAnswer = Type.Object(
  {
    error: Type.String({ description: "A code of the error reference" }),
    message: Type.String(),
    requestId: Type.String(),
    transaction_id: Type.Optional(Type.String()),
  },
  { title: "Error" },
);

const check = Type.Object({
  status: Type.Union([Type.Literal("up"), Type.Literal("down")]),
  reason: Type.Optional(Type.String()),
});

export const healthAnswer = Type.Object(
  {
    status: Type.Union([Type.Literal("up"), Type.Literal("down")]),
    version: Type.Optional(Type.String()),
    uptime_seconds: Type.Optional(Type.Integer()),
    startup_duration_ms: Type.Optional(Type.Integer()),
    checks: Type.Optional(Type.Record(Type.String(), check)),
    reasons: Type.Optional(Type.Array(Type.String())),
  },
  { title: "Health" },
);

export const repository = Type.Object(
  {
    id: Type.String(),
    owner: Type.String(),
    name: Type.String(),
    description: Type.String(),
    private: Type.Boolean(),
    object_format: Type.Union([Type.Literal("sha1"), Type.Literal("sha256")]),
    default_branch: Type.String(),
    created_at: Type.String({ format: "date-time" }),
    updated_at: Type.String({ format: "date-time" }),
    created_height: height,
  },
  { title: "Repository" },
);

const page = Type.Object(
  {
    items: Type.Array(repository),
    total_count: Type.Integer(),
    page: Type.Integer(),
    per_page: Type.Integer(),
    total_pages: Type.Integer(),
    has_next: Type.Boolean(),
    has_prev: Type.Boolean(),
  },
  { title: "RepositoryPage" },
);

export const repositoryList = Type.Union([Type.Array(repository), page]);

export const newRepository = Type.Object(
  {
    owner: Type.String({ maxLength: 200 }),
    name: Type.String({ maxLength: 200 }),
    description: Type.Optional(Type.String({ maxLength: 4096 })),
    private: Type.Optional(Type.Boolean()),
    object_format: Type.Optional(Type.Union([Type.Literal("sha1"), Type.Literal("sha256")])),
  },
  { title: "NewRepository" },
);

export const pendingWrite = Type.Object(
  { transaction_id: hex32("Identifier of the transaction"), accepted: Type.Boolean() },
  { title: "PendingWrite" },
);

export const batchResult = Type.Object(
  {
    accepted: Type.Integer({ description: "How many were accepted" }),
    results: Type.Array(
      Type.Object({
        transaction_id: Type.Optional(hex32("Absent when the transaction could not be read")),
        accepted: Type.Boolean(),
        error: Type.Optional(Type.String({ description: "Code of the error table" })),
        message: Type.Optional(Type.String()),
      }),
      { description: "In the order of the request" },
    ),
  },
  { title: "BatchResult" },
);

export const block = Type.Object(
  {
    height,
    block_id: hex32("SHA-256 of the block's encoding"),
    parent_id: hex32("The block before"),
    producer: Type.String({ description: "Public key of the leader; empty for genesis" }),
    timestamp: Type.Integer({ description: "Unix time in milliseconds" }),
    time: Type.String({ format: "date-time" }),
    tx_count: Type.Integer(),
    tx_root: hex32("Merkle root of the transactions"),
    state_root: hex32("State root after this block"),
    view: Type.Integer(),
    signature_count: Type.Integer({ description: "Signatures in the stored finalization" }),
    hash: hex32("The same as block_id"),
    parent_hash: hex32("The same as parent_id"),
    proposer: Type.String({ description: "Name of the leader; empty for genesis" }),
    transactions_count: Type.Integer({ description: "The same as tx_count" }),
    size: Type.Integer({ description: "Bytes of the encoding" }),
    transactions: Type.Optional(Type.Array(Type.String())),
  },
  { title: "Block" },
);

export const certificate = Type.Object(
  {
    height,
    block_id: hex32("The block that was asked for"),
    certifies: hex32("The block that was voted on: this one or a descendant"),
    signers: Type.Array(Type.Integer(), {
      description: "Indices of the signers among the validators sorted by public key",
    }),
    bitmap: Type.String({ description: "The same as a text of 0 and 1, validator 0 first" }),
    signature_count: Type.Integer(),
    certificate: Type.String({ description: "The encoded finalization, in hexadecimal" }),
  },
  { title: "Certificate" },
);

export const status = Type.Object(
  {
    enabled: Type.Boolean(),
    state: Type.String(),
    view: Type.Integer(),
    finalized_height: height,
    current_leader: Type.Union([Type.String(), Type.Null()]),
    is_leader: Type.Boolean(),
    pending_transactions: Type.Integer(),
    height,
    round: Type.Integer({ description: "The same as view" }),
    phase: Type.String(),
    synced: Type.Boolean(),
    peers_count: Type.Integer(),
    validators_count: Type.Integer(),
    mempool_size: Type.Integer(),
    last_block_time: Type.String({ format: "date-time" }),
    last_block_id: hex32("Block at finalized_height"),
    epoch: Type.Integer(),
    quorum: Type.Integer(),
    chain_id: Type.String(),
    genesis_hash: hex32("Identity of the chain"),
    purpose: Type.String(),
    block_interval_ms: Type.Integer(),
    role: Type.String(),
    public_key: hex32("Key of this node"),
    peer_id: Type.String(),
    node_version: Type.String(),
    protocol_version: Type.Integer(),
    open_writes: Type.String(),
  },
  { title: "ConsensusStatus" },
);

export const validatorSet = Type.Object(
  {
    epoch: Type.Integer(),
    total_weight: Type.Integer(),
    quorum_weight: Type.Integer(),
    validator_count: Type.Integer(),
    validators: Type.Array(
      Type.Object({
        name: Type.String(),
        pubkey: hex32("Public key"),
        weight: Type.Integer(),
        addr: Type.String(),
        active: Type.Boolean({ description: "Connected to this node, or this node itself" }),
        last_seen: Type.Union([Type.String({ format: "date-time" }), Type.Null()], {
          description: "Time of the newest block whose finalization it signed, since the start",
        }),
      }),
    ),
  },
  { title: "ValidatorSet" },
);

export const mempool = Type.Object(
  {
    transaction_count: Type.Integer(),
    bytes: Type.Integer(),
    transactions: Type.Array(Type.String(), { description: "At most 100 identifiers" }),
  },
  { title: "Mempool" },
);

export const transactionStatus = Type.Object(
  {
    transaction_id: Type.String(),
    status: Type.Union([
      Type.Literal("pending"),
      Type.Literal("rejected"),
      Type.Literal("finalized"),
    ]),
    height: Type.Optional(height),
    index: Type.Optional(Type.Integer()),
    problem: Type.Optional(Type.Object({ code: Type.String(), detail: Type.String() })),
  },
  { title: "TransactionStatus" },
);

export const evidence = Type.Object(
  {
    items: Type.Array(
      Type.Object({
        kind: Type.String(),
        signer: hex32("Public key of the validator"),
        name: Type.String(),
        view: Type.Integer(),
        evidence: Type.String({ description: "Both signed votes, in hexadecimal" }),
      }),
    ),
  },
  { title: "Evidence" },
);

export const peers = Type.Array(
  Type.Object({
    public_key: hex32("Key of the peer"),
    peer_id: Type.String(),
    name: Type.Union([Type.String(), Type.Null()]),
    role: Type.String(),
    node_version: Type.String(),
    protocol_version: Type.Integer(),
    height,
    transport: Type.String(),
    direction: Type.String(),
    round_trip_ms: Type.Union([Type.Number(), Type.Null()]),
    connected_at: Type.String({ format: "date-time" }),
  }),
  { title: "Peers" },
);

/** The answers of a route: its own, and errors of the one form. */
export function answers(own: Readonly<Record<number, TSchema>>): Record<string, TSchema> {
  return { ...own, "4xx": errorAnswer, "5xx": errorAnswer };
}
