import { type Static, type TSchema, Type } from "@sinclair/typebox";
import { Value } from "@sinclair/typebox/value";

/** What is used of `GET /api/consensus/status`; more fields are fine. */
const statusAnswer = Type.Object({
  finalized_height: Type.Integer({ minimum: 0 }),
  view: Type.Integer(),
  last_block_time: Type.String(),
  block_interval_ms: Type.Integer({ minimum: 1 }),
  peers_count: Type.Integer(),
  chain_id: Type.String(),
  genesis_hash: Type.String(),
  role: Type.String(),
  public_key: Type.String(),
  node_version: Type.String(),
});

const blockAnswer = Type.Object({ height: Type.Integer(), block_id: Type.String() });

const validatorsAnswer = Type.Object({
  validators: Type.Array(
    Type.Object({ name: Type.String(), pubkey: Type.String(), active: Type.Boolean() }),
  ),
});

/** Where consensus stands, as one node says. */
export interface NodeStatus {
  readonly height: number;
  readonly view: number;
  /** Timestamp of the newest finalized block, Unix time. */
  readonly lastBlockTimeMs: number;
  readonly blockIntervalMs: number;
  readonly peers: number;
  readonly chainId: string;
  readonly genesisHash: string;
  readonly role: string;
  readonly publicKey: string;
  readonly version: string;
}

/** Age of the newest block from which on a network is not finalizing: ten intervals, at least 5 s. */
export function stallLimitMs({ blockIntervalMs }: Pick<NodeStatus, "blockIntervalMs">): number {
  return Math.max(5_000, 10 * blockIntervalMs);
}

/** @param now Unix time in milliseconds */
export function isFinalizing(status: NodeStatus, now: number): boolean {
  return status.height > 0 && now - status.lastBlockTimeMs <= stallLimitMs(status);
}

export interface ValidatorSeen {
  readonly name: string;
  readonly publicKey: string;
  /** Connected to the node that was asked, or that node itself. */
  readonly connected: boolean;
}

/** A node that does not answer, or not as expected, is a finding and not an error. */
export interface Unanswered {
  readonly problem: string;
}

export async function askStatus(
  apiUrl: string,
  signal: AbortSignal,
): Promise<{ readonly status: NodeStatus } | Unanswered> {
  const answer = await ask(apiUrl, "/api/consensus/status", statusAnswer, signal);
  if ("problem" in answer) return answer;
  const { value } = answer;
  return {
    status: {
      height: value.finalized_height,
      view: value.view,
      lastBlockTimeMs: Date.parse(value.last_block_time),
      blockIntervalMs: value.block_interval_ms,
      peers: value.peers_count,
      chainId: value.chain_id,
      genesisHash: value.genesis_hash,
      role: value.role,
      publicKey: value.public_key,
      version: value.node_version,
    },
  };
}

/** The id of the finalized block at a height. */
export async function askBlockId(
  apiUrl: string,
  height: number,
  signal: AbortSignal,
): Promise<{ readonly blockId: string } | Unanswered> {
  const answer = await ask(apiUrl, `/api/consensus/blocks/${height}`, blockAnswer, signal);
  return "problem" in answer ? answer : { blockId: answer.value.block_id };
}

export async function askValidators(
  apiUrl: string,
  signal: AbortSignal,
): Promise<{ readonly validators: readonly ValidatorSeen[] } | Unanswered> {
  const answer = await ask(apiUrl, "/api/consensus/validators", validatorsAnswer, signal);
  if ("problem" in answer) return answer;
  return {
    validators: answer.value.validators.map(({ name, pubkey, active }) => ({
      name,
      publicKey: pubkey,
      connected: active,
    })),
  };
}

async function ask<T extends TSchema>(
  apiUrl: string,
  path: string,
  schema: T,
  signal: AbortSignal,
): Promise<{ readonly value: Static<T> } | Unanswered> {
  try {
    const response = await fetch(`${apiUrl}${path}`, { signal });
    if (!response.ok) return { problem: `${path} answered ${response.status}` };
    const value: unknown = await response.json();
    if (Value.Check(schema, value)) return { value };
    const first = Value.Errors(schema, value).First();
    return { problem: `${path} answered something else: ${first?.path} ${first?.message}` };
  } catch (error) {
    return { problem: describe(error) };
  }
}

function describe(error: unknown): string {
  if (!(error instanceof Error)) return String(error);
  if (error.name === "TimeoutError") return "did not answer in time";
  const cause = error.cause instanceof Error ? error.cause : error;
  const { code } = cause as NodeJS.ErrnoException;
  return code === "ECONNREFUSED" ? "nobody listens" : cause.message;
}
