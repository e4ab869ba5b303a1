import { spawn } from "node:child_process";
import { constants } from "node:os";
import { join } from "node:path";
import { type Backend, engineVariables } from "./backend.ts";
import type { EngineChoice } from "./engines.ts";
import type { Project } from "./project.ts";

/** How an engine has ended. */
export interface EngineResult {
  /** Exit code; 130 and the like when a signal ended it, as shells count. */
  readonly code: number;
  /** What it wrote to standard output, if that was asked for. */
  readonly output: string;
}

/** An engine and the checkout it runs on. */
export interface EngineRun {
  readonly project: Project;
  readonly backend: Backend;
  readonly engine: Pick<EngineChoice, "name" | "executable">;
  readonly environment: NodeJS.ProcessEnv;
}

/** Where the standard output of an engine goes. */
export type OutputPlace = keyof typeof places;
const places = { terminal: "inherit", stderr: process.stderr.fd, captured: "pipe" } as const;

export type Operation = "up" | "preview" | "refresh" | "destroy";

/** The words both engines understand for an operation that asks nothing. */
export function engineArguments(
  operation: Operation,
  { project, stack }: { readonly project: Project; readonly stack: string },
): string[] {
  const words = [operation, "--cwd", project.root, "--stack", stack];
  return operation === "preview" ? words : [...words, "--yes", "--skip-preview"];
}

/**
 * Runs an engine and waits for its end. Its standard output goes where `output` says.
 */
export async function runEngine(
  { project, backend, engine, environment }: EngineRun,
  args: readonly string[],
  { output = "terminal" }: { readonly output?: OutputPlace } = {},
): Promise<EngineResult> {
  const [command, first] =
    engine.executable === undefined
      ? [process.execPath, [join(project.root, "infra", "engine", "main.ts")]]
      : [engine.executable, []];
  const child = spawn(command, [...first, ...args], {
    cwd: project.root,
    env: { ...environment, ...engineVariables(project, backend, environment) },
    stdio: ["inherit", places[output], "inherit"],
  });
  // The terminal sends its signals to the engine as well: it ends in good order, and then so do we.
  const forward = (signal: NodeJS.Signals) => void child.kill(signal);
  const wait = () => {};
  process.on("SIGINT", wait).on("SIGTERM", forward);
  try {
    return await new Promise<EngineResult>((resolve, reject) => {
      let text = "";
      child.stdout?.setEncoding("utf8").on("data", (chunk: string) => (text += chunk));
      child.once("error", reject);
      child.once("close", (code, signal) =>
        resolve({
          code: code ?? 128 + (signal === null ? 0 : constants.signals[signal]),
          output: text,
        }),
      );
    });
  } finally {
    process.off("SIGINT", wait).off("SIGTERM", forward);
  }
}
