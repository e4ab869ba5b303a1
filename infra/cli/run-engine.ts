import { type ChildProcess, spawn } from "node:child_process";
import { constants } from "node:os";
import { delimiter, join } from "node:path";
import { type Backend, engineVariables, toolDirectory } from "./backend.ts";
import type { EngineChoice } from "./engines.ts";
import { watchLauncher } from "./launcher.ts";
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

/** How an engine is run. */
interface RunOptions {
  readonly output?: OutputPlace;
  /** File for the events of the run, a line of JSON each. */
  readonly eventLog?: string;
}

/** Runs an engine and waits for its end. Its standard output goes where `output` says. */
export async function runEngine(
  run: EngineRun,
  args: readonly string[],
  options: RunOptions = {},
): Promise<EngineResult> {
  const child = startEngine(run, args, options);
  const kill = () => {
    child.kill("SIGKILL");
    process.kill(process.pid, "SIGKILL");
  };
  // The terminal sends its signals to the engine as well: it ends in good order, and then so do we.
  const wait = () => {};
  const forward = (signal: NodeJS.Signals) => void child.kill(signal);
  process.on("SIGINT", wait).on("SIGTERM", forward);
  const unwatch = watchLauncher(run.environment, kill);
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
    unwatch();
    process.off("SIGINT", wait).off("SIGTERM", forward);
  }
}

function startEngine(
  { project, backend, engine, environment }: EngineRun,
  args: readonly string[],
  { output = "terminal", eventLog }: RunOptions,
): ChildProcess {
  const env = {
    ...environment,
    ...engineVariables(project, backend, environment),
    PATH: [toolDirectory(project), environment["PATH"] ?? ""].join(delimiter),
    // Without it the pulumi command does not know the option for the event log.
    ...(eventLog !== undefined && { PULUMI_DEBUG_COMMANDS: "true" }),
  };
  const words = [...args, ...(eventLog === undefined ? [] : ["--event-log", eventLog])];
  const cwd = project.root;
  if (engine.executable !== undefined)
    return spawn(engine.executable, words, {
      cwd,
      env,
      stdio: ["inherit", places[output], "inherit"],
    });
  const script = join(project.root, "infra", "engine", "main.ts");
  const watch = import.meta.resolve("./end-with-parent.ts");
  return spawn(process.execPath, ["--import", watch, script, ...words], {
    cwd,
    env,
    stdio: ["inherit", places[output], "inherit", "ipc"],
  });
}
