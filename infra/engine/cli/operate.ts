/** The commands that run something: up, preview, refresh, destroy. */
import { appendFileSync, writeFileSync } from "node:fs";
import type { EngineEvent } from "../display/events.ts";
import { jsonDisplay } from "../display/json.ts";
import { terminalDisplay } from "../display/terminal.ts";
import { unsupported, UsageError } from "../errors.ts";
import { loadSettings, type Project } from "../project.ts";
import type { StackFiles, StackName } from "../backend/stack-files.ts";
import { passphraseOf } from "../secrets.ts";
import type { Operation, OperationKind } from "../session.ts";
import { acquireLock } from "../locks.ts";
import type { Arguments } from "./arguments.ts";
import { createStack } from "./stack-commands.ts";
import { openProject, stackName } from "./surroundings.ts";

/** Exit code of a run that changed something although `--expect-no-changes` was given. */
const CHANGED = 7;

/** What shows a run. */
export interface Display {
  begin(kind: OperationKind, preview: boolean, stack: string): void;
  event(event: EngineEvent): void;
  print(line: string, stream: "stdout" | "stderr"): void;
  end(): void;
}

export async function operate(args: Arguments): Promise<number> {
  const { project, files } = openProject(args),
    name = stackName(project, args.stack);
  const kind: OperationKind = args.command === "preview" ? "up" : (args.command as OperationKind);
  checkFlags(args);
  const operation = operationOf(args, kind, project.refreshAlways);
  const passphrase = passphraseOf(process.env);
  if (args.create && kind === "up" && operation.execute && !files.exists(name))
    await createStack(project, files, name, passphrase, args.configFile);
  // Taken first of all: a second run must be told so before it costs anything.
  const release = operation.execute ? acquireLock(files, name) : () => undefined;
  try {
    return await runOperation(args, operation, { project, files, name, passphrase });
  } finally {
    release();
  }
}

interface Place {
  readonly project: Project;
  readonly files: StackFiles;
  readonly name: StackName;
  readonly passphrase: string;
}

async function runOperation(
  args: Arguments,
  operation: Operation,
  { project, files, name, passphrase }: Place,
): Promise<number> {
  const { kind } = operation;
  const display = args.json ? jsonDisplay() : terminalDisplay(args);
  if (args.eventLog) writeFileSync(args.eventLog, "");
  const interruption = onInterrupt(display);
  let logged = false;
  const { Session } = await import("../session.ts");
  const session = new Session({
    project,
    files,
    name,
    passphrase,
    env: process.env,
    settings: loadSettings(project, name.stack, args.configFile),
    signal: interruption.signal,
    begin: (preview) => {
      // The log is of the operation itself; a preview that only precedes it is not part of it.
      logged = !preview || !operation.execute;
      display.begin(kind, preview, name.stack);
    },
    listener: (event) => {
      if (args.eventLog && logged) appendFileSync(args.eventLog, `${JSON.stringify(event)}\n`);
      display.event(event);
    },
    print: (line, stream) => display.print(line, stream),
  });
  try {
    const { succeeded, changed, problem } = await session.operate(operation);
    display.end();
    if (problem) process.stderr.write(`error: ${problem}\n`);
    if (!succeeded || interruption.signal.aborted) return 1;
    if (args.expectNoChanges && changed) {
      const what = operation.execute
        ? kind === "up"
          ? "update"
          : kind
        : kind === "up"
          ? "preview"
          : kind;
      process.stderr.write(
        `error: no changes were expected for ${what} but changes were proposed\n`,
      );
      return CHANGED;
    }
    return 0;
  } finally {
    interruption.stop();
  }
}

function checkFlags(args: Arguments): void {
  const previewing = args.command === "preview" || args.previewOnly;
  if (args.previewOnly && args.yes)
    throw new UsageError("--yes and --preview-only exclude each other");
  if (!previewing && !args.yes)
    throw new UsageError(
      "--yes must be passed: this engine does not ask (or use preview to see what would happen)",
    );
  if (args.targets.length && args.exclude.length)
    throw new UsageError("--target and --exclude exclude each other");
  if (args.runProgram && args.command !== "destroy")
    throw unsupported(`--run-program with ${args.command}`);
}

function operationOf(args: Arguments, kind: OperationKind, refreshAlways: boolean): Operation {
  const previewOnly = args.command === "preview" || args.previewOnly,
    refresh = kind === "refresh" || (args.refresh ?? refreshAlways);
  return {
    kind,
    preview: previewOnly || !args.skipPreview,
    execute: !previewOnly,
    message: args.message,
    clearPendingCreates: args.clearPendingCreates,
    options: {
      parallel: args.parallel,
      targets: new Set([...args.targets, ...args.targetReplace]),
      targetDependents: args.targetDependents,
      excludes: new Set(args.exclude),
      excludeDependents: args.excludeDependents,
      excludeProtected: args.excludeProtected,
      replaceTargets: new Set([...args.replace, ...args.targetReplace]),
      ignoreProtect: args.ignoreProtect,
      continueOnError: args.continueOnError,
      refresh,
      refreshOnly: kind === "refresh",
      destroyProgram: kind === "destroy" && args.runProgram,
    },
  };
}

/** The first interrupt lets steps in flight finish; the second one ends the engine. */
function onInterrupt(display: Display): { signal: AbortSignal; stop(): void } {
  const controller = new AbortController();
  const interrupt = (): void => {
    if (controller.signal.aborted) process.exit(130);
    display.print(
      "interrupted: waiting for what is under way to finish; a second interrupt ends at once and may leave operations pending",
      "stderr",
    );
    controller.abort();
  };
  process.on("SIGINT", interrupt);
  process.on("SIGTERM", interrupt);
  return {
    signal: controller.signal,
    stop: () => {
      process.off("SIGINT", interrupt);
      process.off("SIGTERM", interrupt);
    },
  };
}
