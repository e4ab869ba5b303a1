/** The commands about stacks: init, ls, output, rm; and cancel. */
import { encodeCheckpoint } from "../backend/checkpoint.ts";
import { ORGANIZATION, type StackFiles, type StackName } from "../backend/stack-files.ts";
import { EngineError, UsageError } from "../errors.ts";
import { acquireLock, readLocks, removeLock } from "../locks.ts";
import { loadSettings, writeSalt, type Project } from "../project.ts";
import { newCrypter, openCrypter, passphraseOf } from "../secrets.ts";
import { plainOutputs, readStackState } from "../stack-state.ts";
import { ROOT_STACK_TYPE } from "../urn.ts";
import type { Arguments } from "./arguments.ts";
import { openProject, stackName } from "./surroundings.ts";

const SUBCOMMANDS = "init, ls, output, rm";

export async function stackCommand(args: Arguments): Promise<number> {
  const [subcommand, word] = args.words;
  switch (subcommand) {
    case "init":
      return init(args, word);
    case "ls":
      return list(args);
    case "output":
      return output(args, word);
    case "rm":
      return remove(args, word);
    default:
      throw new UsageError(
        `got stack ${subcommand ?? "without a subcommand"}, allowed: ${SUBCOMMANDS}`,
      );
  }
}

/**
 * Makes a stack: an empty checkpoint, and the salt of its secrets in the settings.
 */
export async function createStack(
  project: Project,
  files: StackFiles,
  name: StackName,
  passphrase: string,
  configFile?: string,
): Promise<void> {
  if (files.exists(name))
    throw new EngineError(`stack '${ORGANIZATION}/${name.project}/${name.stack}' already exists`);
  const settings = loadSettings(project, name.stack, configFile);
  const crypter = settings.salt
    ? await openCrypter(passphrase, settings.salt)
    : await newCrypter(passphrase);
  if (!settings.salt) writeSalt(settings, crypter.salt);
  files.write(
    name,
    encodeCheckpoint({
      stack: `${ORGANIZATION}/${name.project}/${name.stack}`,
      resources: [],
      pendingOperations: [],
      crypter,
    }),
  );
}

async function init(args: Arguments, word: string | undefined): Promise<number> {
  const { project, files } = openProject(args),
    name = stackName(project, word ?? args.stack);
  await createStack(project, files, name, passphraseOf(process.env), args.configFile);
  process.stdout.write(`Created stack '${name.stack}'\n`);
  return 0;
}

async function list(args: Arguments): Promise<number> {
  const { project, files } = openProject(args),
    rows: { name: string; resourceCount: number; updateInProgress: boolean }[] = [];
  for (const stack of files.stacks(project.name)) {
    const name = { project: project.name, stack },
      state = await readStackState(files, name);
    rows.push({
      name: stack,
      resourceCount: state?.resources.length ?? 0,
      updateInProgress: readLocks(files, name).length > 0,
    });
  }
  if (args.json) process.stdout.write(`${JSON.stringify(rows, undefined, 2)}\n`);
  else
    for (const { name, resourceCount, updateInProgress } of rows)
      process.stdout.write(
        `${name}  ${resourceCount} resources${updateInProgress ? "  locked" : ""}\n`,
      );
  return 0;
}

async function output(args: Arguments, key: string | undefined): Promise<number> {
  const { project, files } = openProject(args),
    name = stackName(project, args.stack);
  const state = await readStackState(
    files,
    name,
    args.showSecrets ? passphraseOf(process.env) : undefined,
  );
  if (!state) throw new EngineError(`no stack named '${name.stack}' found`);
  const outputs = plainOutputs(state.outputs, args.showSecrets),
    shown = (value: unknown): string => (typeof value === "string" ? value : JSON.stringify(value));
  if (key !== undefined) {
    if (!(key in outputs))
      throw new EngineError(
        `current stack does not have output property '${key}', it has: ${Object.keys(outputs).join(", ") || "none"}`,
      );
    process.stdout.write(
      `${args.json ? JSON.stringify(outputs[key], undefined, 2) : shown(outputs[key])}\n`,
    );
  } else if (args.json) process.stdout.write(`${JSON.stringify(outputs, undefined, 2)}\n`);
  else
    for (const [label, value] of Object.entries(outputs))
      process.stdout.write(`${label}: ${shown(value)}\n`);
  return 0;
}

async function remove(args: Arguments, word: string | undefined): Promise<number> {
  const { project, files } = openProject(args),
    name = stackName(project, word ?? args.stack);
  if (!args.yes)
    throw new UsageError("--yes must be passed to remove a stack: this engine does not ask");
  const state = await readStackState(files, name);
  if (!state) throw new EngineError(`no stack named '${name.stack}' found`);
  const left = state.resources.filter((r) => r.type !== ROOT_STACK_TYPE);
  if (left.length && !args.force)
    throw new EngineError(
      `'${name.stack}' still has ${left.length} resources: destroy it first, or pass --force to forget them`,
    );
  const release = acquireLock(files, name);
  try {
    files.remove(name);
  } finally {
    release();
  }
  process.stdout.write(`Stack '${name.stack}' has been removed\n`);
  return 0;
}

/** Removes every lock of a stack, whoever holds it. */
export function cancel(args: Arguments): number {
  const { project, files } = openProject(args),
    name = stackName(project, args.words[0] ?? args.stack);
  if (!args.yes)
    throw new UsageError(
      "--yes must be passed to cancel: a run that is still alive loses its lock",
    );
  const locks = readLocks(files, name);
  for (const lock of locks) removeLock(lock);
  process.stdout.write(
    `Removed ${locks.length} lock${locks.length === 1 ? "" : "s"} of stack '${name.stack}'\n`,
  );
  return 0;
}
