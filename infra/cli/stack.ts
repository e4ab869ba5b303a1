import { existsSync, mkdirSync } from "node:fs";
import { join } from "node:path";
import type { Backend } from "./backend.ts";
import { chooseEngine } from "./engines.ts";
import { Failure } from "./command.ts";
import type { Project } from "./project.ts";
import { runEngine } from "./run-engine.ts";

/** Makes the stack in its backend unless it is there. The stack's own file is not touched. */
export async function ensureStack(
  project: Project,
  backend: Backend,
  stack: string,
  environment: NodeJS.ProcessEnv,
): Promise<void> {
  if (backend.own && backend.directory !== undefined)
    mkdirSync(backend.directory, { recursive: true });
  if (backend.directory === undefined) {
    const engine = chooseEngine(undefined, backend, environment);
    const args = ["stack", "select", "--create", "--stack", stack, "--non-interactive"];
    const { code } = await runEngine({ project, backend, engine, environment }, args, {
      output: "captured",
    });
    if (code !== 0)
      throw new Failure(`pulumi could not make the stack "${stack}" at ${backend.url}`);
    return;
  }
  if (hasStack(project, backend.directory, stack)) return;
  const engine = { name: "embedded", executable: undefined } as const;
  const { code } = await runEngine(
    { project, backend, engine, environment },
    ["stack", "init", "--cwd", project.root, "--stack", stack],
    { output: "captured" },
  );
  if (code !== 0 && !hasStack(project, backend.directory, stack))
    throw new Failure(`the stack "${stack}" could not be made in ${backend.directory}`);
}

/** Path of a stack's checkpoint in a backend of files; Pulumi may have compressed it. */
export function checkpointFile(project: Project, directory: string, stack: string): string {
  return join(directory, ".pulumi", "stacks", project.name, `${stack}.json`);
}

export function hasStack(project: Project, directory: string, stack: string): boolean {
  const file = checkpointFile(project, directory, stack);
  return ["", ".gz", ".zst"].some((suffix) => existsSync(`${file}${suffix}`));
}
