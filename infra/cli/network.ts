import { planNetwork } from "../plan/network.ts";
import type { NetworkPlan } from "../plan/types.ts";
import { parseNetwork } from "../topology/parse.ts";
import { formatProblems } from "../topology/problem.ts";
import { UsageError } from "./command.ts";
import { type Project, stackFile, stackSettings } from "./project.ts";

const KEY = "guts:network";

/**
 * The plan of the network a stack describes.
 *
 * @param warn gets what is allowed and unwise, one line each
 * @throws UsageError with every mistake in the description: nothing has been made yet
 */
export function readPlan(
  project: Project,
  stack: string,
  warn: (line: string) => void = () => {},
): NetworkPlan {
  const file = stackFile(project, stack);
  const settings = stackSettings(project, stack);
  if (settings[KEY] === undefined)
    throw new UsageError(`${file}: got no "${KEY}" under "config", allowed: a network description`);
  const today = new Date().toISOString().slice(0, 10);
  const result = parseNetwork(settings[KEY], { today });
  if ("problems" in result)
    throw new UsageError(
      `${file} describes no network that can be built:\n${indent(formatProblems(result.problems))}`,
    );
  for (const { path, reason } of result.warnings) warn(`warning: ${path}: ${reason}`);
  return planNetwork(result.network);
}

function indent(text: string): string {
  return text.replaceAll(/^/gm, "  ");
}
