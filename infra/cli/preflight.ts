import type { NodePlan } from "../plan/types.ts";
import { ProviderError } from "../provider/errors.ts";
import { requireFreePorts } from "../provider/local/ports.ts";
import { findProcess } from "../provider/local/record.ts";
import { Failure } from "./command.ts";
import type { RecordedNode } from "./recorded.ts";

/** Ids of the nodes whose processes run. */
export async function runningNodes(nodes: readonly RecordedNode[]): Promise<Set<string>> {
  const found = await Promise.all(nodes.map(({ directory }) => findProcess(directory)));
  return new Set(nodes.filter((_, index) => found[index] !== undefined).map(({ id }) => id));
}

/** Which ports of these nodes other programs hold, and what to do about it; undefined when none. */
export async function takenPorts(
  nodes: readonly NodePlan[],
): Promise<{ readonly detail: string; readonly remedy: string } | undefined> {
  const wanted = nodes.flatMap(({ id, api, p2p, internal }) => [
    { use: `API of ${id}`, protocol: "tcp" as const, ...api },
    { use: `peers of ${id}`, protocol: "tcp" as const, ...p2p },
    { use: `peers of ${id}`, protocol: "udp" as const, ...p2p },
    { use: `metrics of ${id}`, protocol: "tcp" as const, ...internal },
  ]);
  try {
    await requireFreePorts(wanted);
    return undefined;
  } catch (error) {
    if (!(error instanceof ProviderError)) throw error;
    const lines = error.message.split("\n");
    return { detail: lines.slice(0, -1).join("\n"), remedy: lines.at(-1) ?? "" };
  }
}

/**
 * Looks at the ports before anything is made, so that a network that cannot start leaves nothing.
 *
 * @throws Failure that names the ports and who holds them
 */
export async function requirePorts(
  planned: readonly NodePlan[],
  recorded: readonly RecordedNode[],
): Promise<void> {
  const running = await runningNodes(recorded);
  const taken = await takenPorts(planned.filter(({ id }) => !running.has(id)));
  if (taken !== undefined) throw new Failure(`${taken.detail}\n${taken.remedy}`);
}
