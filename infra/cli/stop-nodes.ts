import { existsSync, readdirSync } from "node:fs";
import { join } from "node:path";
import { stopProcess } from "../provider/local/processes.ts";
import { CONFIGURATION_FILE, findProcess } from "../provider/local/record.ts";
import type { Project } from "./project.ts";

/** Twice what a node takes to drain. */
const GRACE_MS = 20_000;

/** What became of the nodes of a stack: ids of all that were running, and of those that had to be killed. */
export interface StoppedNodes {
  readonly stopped: readonly string[];
  readonly killed: readonly string[];
}

/**
 * Ends every node process of a stack on this machine. It goes by the nodes' directories and by the
 * process table, so it finds those too that a killed run has left out of the state.
 */
export async function stopNodes(project: Project, stack: string): Promise<StoppedNodes> {
  const network = join(project.home, stack);
  const outcomes = await Promise.all(
    nodeDirectories(network).map(async (id) => {
      const running = await findProcess(join(network, id));
      if (running === undefined) return undefined;
      return { id, clean: await stopProcess(running, GRACE_MS) };
    }),
  );
  const stopped = outcomes.filter((outcome) => outcome !== undefined);
  return {
    stopped: stopped.map(({ id }) => id),
    killed: stopped.filter(({ clean }) => !clean).map(({ id }) => id),
  };
}

function nodeDirectories(network: string): string[] {
  try {
    return readdirSync(network).filter((name) =>
      existsSync(join(network, name, CONFIGURATION_FILE)),
    );
  } catch {
    return []; // the stack has never been up
  }
}
