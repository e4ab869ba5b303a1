import { findProcess } from "../provider/local/record.ts";
import { askStatus, type NodeStatus } from "../provider/observe/api.ts";
import { observeNetwork } from "../provider/observe/network.ts";
import { residentBytes } from "./processes.ts";
import type { RecordedNode } from "./recorded.ts";

/** A node that does not answer within this time is called not answering. */
const ANSWER_MS = 2_000;

/** What one look at a node showed. */
export interface NodeView {
  readonly node: RecordedNode;
  readonly state: "running" | "down" | "not answering";
  /** Why it is not running. */
  readonly reason?: string;
  readonly pid?: number;
  readonly residentBytes?: number;
  readonly status?: NodeStatus;
}

/** What one look at a network showed. */
export interface NetworkView {
  readonly nodes: readonly NodeView[];
  /** The highest block that all nodes that answer have, if they agree about it. */
  readonly common?: { readonly height: number; readonly blockId: string };
  /** What keeps the network from being healthy, a line each; none when it is healthy. */
  readonly problems: readonly string[];
}

/** Looks at every node at the same time, and at what those that answer have in common. */
export async function lookAtNetwork(
  nodes: readonly RecordedNode[],
  genesisHash: string | undefined,
): Promise<NetworkView> {
  const views = await Promise.all(nodes.map(lookAtNode));
  const problems = views.flatMap(({ node, state, reason }) =>
    state === "running" ? [] : [`${node.id} is ${state}: ${reason}`],
  );
  const answering = views.filter(({ state }) => state === "running");
  if (answering.length === 0 || genesisHash === undefined) return { nodes: views, problems };
  const finding = await observeNetwork(
    // As full nodes: that those which are down are not connected to the others goes without saying.
    answering.map(({ node: { id, apiUrl } }) => ({ name: id, role: "full" as const, apiUrl })),
    { genesisHash, signal: new AbortController().signal, timeoutMs: ANSWER_MS },
  );
  const { height, blockId } = finding;
  return {
    nodes: views,
    ...(height !== undefined && blockId !== undefined && { common: { height, blockId } }),
    problems: [
      ...problems,
      ...finding.nodes.flatMap((node) => node.problems.map((problem) => `${node.name} ${problem}`)),
    ],
  };
}

async function lookAtNode(node: RecordedNode): Promise<NodeView> {
  const [found, answer] = await Promise.all([
    findProcess(node.directory),
    askStatus(node.apiUrl, AbortSignal.timeout(ANSWER_MS)),
  ]);
  if (found === undefined) return { node, state: "down", reason: "its process is gone" };
  const { pid } = found;
  const resident = residentBytes(pid);
  const process = { pid, ...(resident !== undefined && { residentBytes: resident }) };
  if ("status" in answer) return { node, state: "running", ...process, status: answer.status };
  const reason = `its process ${pid} runs, and ${node.apiUrl} ${answer.problem}`;
  return { node, state: "not answering", reason, ...process };
}
