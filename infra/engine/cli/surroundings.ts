/** What every command needs: the project, its backend and the stack. */
import { existsSync, readFileSync } from "node:fs";
import { homedir } from "node:os";
import { join } from "node:path";
import {
  backendDirectory,
  ORGANIZATION,
  StackFiles,
  type StackName,
} from "../backend/stack-files.ts";
import { EngineError, UsageError } from "../errors.ts";
import { loadProject, type Project } from "../project.ts";
import type { Arguments } from "./arguments.ts";

export function openProject(args: Arguments): { project: Project; files: StackFiles } {
  if (!existsSync(args.cwd)) throw new UsageError(`got --cwd ${args.cwd}, which does not exist`);
  const project = loadProject(args.cwd);
  return {
    project,
    files: new StackFiles(backendDirectory(backendUrl(project, process.env), homedir())),
  };
}

/** PULUMI_BACKEND_URL, then the project's `backend.url`, then the backend that `pulumi login` chose. */
export function backendUrl(project: Project, env: NodeJS.ProcessEnv): string {
  const url = env.PULUMI_BACKEND_URL || project.backendUrl || loggedIn(env);
  if (!url)
    throw new EngineError(
      "no backend: set PULUMI_BACKEND_URL to a file:// URL, such as file:///var/lib/pulumi",
    );
  return url;
}

function loggedIn(env: NodeJS.ProcessEnv): string | undefined {
  const file = join(env.PULUMI_HOME ?? join(homedir(), ".pulumi"), "credentials.json");
  if (!existsSync(file)) return undefined;
  return (JSON.parse(readFileSync(file, "utf8")) as { current?: string }).current;
}

/** The stack that `--stack` or a word of the command names; `organization/<project>/<stack>` is understood too. */
export function stackName(project: Project, given: string | undefined): StackName {
  const text = given ?? process.env.PULUMI_STACK;
  if (!text) throw new UsageError("which stack? pass --stack NAME");
  const parts = text.split("/"),
    [stack = ""] = parts.slice(-1);
  const qualified =
    parts.length === 1 ||
    (parts.length === 2 && parts[0] === ORGANIZATION) ||
    (parts.length === 3 && parts[0] === ORGANIZATION && parts[1] === project.name);
  if (!qualified)
    throw new UsageError(
      `got the stack ${text}, expected NAME or ${ORGANIZATION}/${project.name}/NAME`,
    );
  if (!/^[A-Za-z0-9_.-]{1,100}$/.test(stack))
    throw new UsageError(
      `got the stack name ${JSON.stringify(stack)}, allowed: up to 100 letters, digits, hyphens, underscores and periods`,
    );
  return { project: project.name, stack };
}
