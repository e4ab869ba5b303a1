import { readdirSync, rmdirSync, rmSync } from "node:fs";
import { join } from "node:path";
import { StackFiles } from "../engine/backend/stack-files.ts";
import { Failure } from "./command.ts";
import { runEngine } from "./run-engine.ts";
import type { Session } from "./session.ts";

/** What all stacks of a home share, and what is made again when it is missing. */
const SHARED = ["bundles", "releases"];

/**
 * Deletes the keys, data and state of a stack that is down, and what is shared when no other stack has
 * anything left.
 *
 * @throws Failure when the state cannot be removed; the private keys are deleted after it only
 */
export async function purge(session: Session): Promise<void> {
  const { project, stack, backend } = session;
  const { code } = await runEngine(
    session,
    ["stack", "rm", "--cwd", project.root, "--stack", stack, "--yes"],
    { output: "captured" },
  );
  if (code !== 0)
    throw new Failure(`the state of stack "${stack}" could not be removed from ${backend.url}`);
  rmSync(join(project.home, stack), { recursive: true, force: true });
  rmSync(join(project.home, `.events-${stack}.jsonl`), { force: true }); // left when up was killed
  if (backend.directory !== undefined) removeTraces(backend.directory, project.name, stack);
  if (otherStacks(session).length > 0) return;
  for (const name of SHARED) rmSync(join(project.home, name), { recursive: true, force: true });
  if (backend.own && backend.directory !== undefined)
    rmSync(backend.directory, { recursive: true, force: true });
  try {
    rmdirSync(project.home);
  } catch {
    // Something else of the user is there, such as the figures of benches.
  }
}

/** Removing a stack keeps its backups, which still say what it was. */
function removeTraces(directory: string, project: string, stack: string): void {
  const root = join(directory, ".pulumi");
  for (const path of [`backups/${project}/${stack}`, `locks/organization/${project}/${stack}`])
    rmSync(join(root, path), { recursive: true, force: true });
  const stacks = join(root, "stacks", project);
  for (const file of entries(stacks))
    if (file.startsWith(`${stack}.json`) || file.startsWith(`${stack}.pulumi-tags`))
      rmSync(join(stacks, file), { force: true });
}

/** Stacks with a state or with files in this home. */
function otherStacks({ project, stack, backend }: Session): string[] {
  const states =
    backend.directory === undefined ? [] : new StackFiles(backend.directory).stacks(project.name);
  const folders = entries(project.home).filter((name) =>
    entries(join(project.home, name)).includes("genesis.json"),
  );
  return [...new Set([...states, ...folders])].filter((name) => name !== stack);
}

function entries(directory: string): string[] {
  try {
    return readdirSync(directory);
  } catch {
    return []; // not there, or a file
  }
}
