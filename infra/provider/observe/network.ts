import { setTimeout as delay } from "node:timers/promises";
import { askBlockId, askStatus, askValidators, isFinalizing, type NodeStatus } from "./api.ts";

export interface ObservedNode {
  /** Its name in the genesis, for a validator. */
  readonly name: string;
  readonly role: "validator" | "full";
  /** Base URL of its public API. */
  readonly apiUrl: string;
}

/** What one node showed. Everything but `name` and `problems` is absent when it did not answer. */
export interface NodeFinding {
  readonly name: string;
  readonly height?: number;
  /** Id of its block at the common height of all nodes. */
  readonly blockId?: string;
  readonly genesisHash?: string;
  readonly peers?: number;
  readonly version?: string;
  /** What is wrong with this node; empty for a good one. */
  readonly problems: readonly string[];
}

/** One look at the whole network. */
export interface NetworkFinding {
  readonly nodes: readonly NodeFinding[];
  /** The highest block every node that answered has. */
  readonly height?: number;
  /** Its id, when all agree. */
  readonly blockId?: string;
  readonly healthy: boolean;
}

export interface ObserveOptions {
  /** The chain all of them must be of. */
  readonly genesisHash: string;
  readonly signal: AbortSignal;
  /** For each question to each node. @default 2000 */
  readonly timeoutMs?: number;
}

/**
 * Asks every node: same genesis, every validator connected to every other, the same block at the same
 * finalized height, newest block recent. Throws nothing: what is wrong is what it finds.
 */
export async function observeNetwork(
  nodes: readonly ObservedNode[],
  options: ObserveOptions,
): Promise<NetworkFinding> {
  const { genesisHash, signal, timeoutMs = 2_000 } = options;
  const limited = () => AbortSignal.any([signal, AbortSignal.timeout(timeoutMs)]);
  const statuses = await Promise.all(nodes.map(({ apiUrl }) => askStatus(apiUrl, limited())));
  const heights = statuses.flatMap((answer) => ("status" in answer ? [answer.status.height] : []));
  const height = heights.length > 0 ? Math.min(...heights) : undefined;
  const validators = nodes.filter(({ role }) => role === "validator").map(({ name }) => name);
  const findings = await Promise.all(
    nodes.map(async (node, i): Promise<NodeFinding> => {
      const answer = statuses[i] as (typeof statuses)[number];
      if ("problem" in answer) return { name: node.name, problems: [answer.problem] };
      const { status } = answer;
      const [block, connections] = await Promise.all([
        askBlockId(node.apiUrl, height ?? 0, limited()),
        node.role === "validator" ? missingPeers(node, validators, limited()) : [],
      ]);
      return {
        name: node.name,
        height: status.height,
        genesisHash: status.genesisHash,
        peers: status.peers,
        version: status.version,
        ...("blockId" in block && { blockId: block.blockId }),
        problems: [
          ...statusProblems(status, genesisHash),
          ...connections,
          ...("problem" in block ? [block.problem] : []),
        ],
      };
    }),
  );
  return conclude(withDisagreement(findings, height), height);
}

function statusProblems(status: NodeStatus, genesisHash: string): string[] {
  const problems: string[] = [];
  if (status.genesisHash !== genesisHash)
    problems.push(`is on another chain: genesis ${status.genesisHash.slice(0, 12)}`);
  if (status.height === 0) problems.push("has finalized nothing yet");
  else if (!isFinalizing(status, Date.now()))
    problems.push(`has no new block since ${new Date(status.lastBlockTimeMs).toISOString()}`);
  return problems;
}

async function missingPeers(
  { apiUrl }: ObservedNode,
  validators: readonly string[],
  signal: AbortSignal,
): Promise<string[]> {
  const answer = await askValidators(apiUrl, signal);
  if ("problem" in answer) return [answer.problem];
  const connected = new Set(
    answer.validators.filter((validator) => validator.connected).map(({ name }) => name),
  );
  const missing = validators.filter((name) => !connected.has(name));
  return missing.length > 0 ? [`is not connected to ${missing.join(", ")}`] : [];
}

/** Names whoever differs from the block most nodes have; without a majority, everybody. */
function withDisagreement(
  findings: readonly NodeFinding[],
  height: number | undefined,
): NodeFinding[] {
  const counts = new Map<string, number>();
  for (const { blockId } of findings)
    if (blockId !== undefined) counts.set(blockId, (counts.get(blockId) ?? 0) + 1);
  if (counts.size < 2) return [...findings];
  const [[first, most] = ["", 0]] = [...counts].sort(([, a], [, b]) => b - a);
  const agreed = most > findings.length / 2 ? first : undefined;
  return findings.map((finding) => {
    if (finding.blockId === undefined || finding.blockId === agreed) return finding;
    const problem = `has another block at height ${height}: ${finding.blockId.slice(0, 12)}`;
    return { ...finding, problems: [...finding.problems, problem] };
  });
}

function conclude(nodes: readonly NodeFinding[], height: number | undefined): NetworkFinding {
  const [blockId, ...others] = new Set(nodes.map((node) => node.blockId));
  return {
    nodes,
    ...(height !== undefined && { height }),
    ...(blockId !== undefined && others.length === 0 && { blockId }),
    healthy: nodes.length > 0 && nodes.every(({ problems }) => problems.length === 0),
  };
}

/** The words of a finding for people, one line per node. */
export function describeFinding({ nodes }: Pick<NetworkFinding, "nodes">): string[] {
  const width = Math.max(0, ...nodes.map(({ name }) => name.length));
  return nodes.map(({ name, height, problems }) => {
    const at = height === undefined ? [] : [`height ${height}`];
    const words = problems.length > 0 ? problems : ["good"];
    return `${name.padEnd(width)}  ${[...at, ...words].join(", ")}`;
  });
}

export interface FinalityOptions extends ObserveOptions {
  readonly limitMs: number;
  /** Gets every finding that is not the last one. */
  onFinding?(finding: NetworkFinding): void;
}

export interface Finality {
  readonly finding: NetworkFinding;
  /** Whether all is well and the height was seen to move. */
  readonly reached: boolean;
  readonly durationMs: number;
}

const POLL_MS = 200;

/** Watches until every node is good and a block more is final on all of them than at first. */
export async function observeFinality(
  nodes: readonly ObservedNode[],
  options: FinalityOptions,
): Promise<Finality> {
  const { limitMs, signal, onFinding } = options;
  const start = performance.now();
  let first: number | undefined;
  for (;;) {
    const finding = await observeNetwork(nodes, options);
    signal.throwIfAborted();
    first ??= finding.height;
    const moved = first !== undefined && finding.height !== undefined && finding.height > first;
    const durationMs = Math.round(performance.now() - start);
    if (finding.healthy && moved) return { finding, reached: true, durationMs };
    if (durationMs >= limitMs) return { finding, reached: false, durationMs };
    onFinding?.(finding);
    await delay(POLL_MS, undefined, { signal });
  }
}
