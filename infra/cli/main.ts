import { dirname } from "node:path";
import { type Command, UsageError, type ExitCode, Failure } from "./command.ts";
import { doctor } from "./commands/doctor.ts";
import { down } from "./commands/down.ts";
import { env } from "./commands/env.ts";
import { logs } from "./commands/logs.ts";
import { outputs } from "./commands/outputs.ts";
import { plan } from "./commands/plan.ts";
import { preview } from "./commands/preview.ts";
import { refresh } from "./commands/refresh.ts";
import { status } from "./commands/status.ts";
import { stop } from "./commands/stop.ts";
import { start, up } from "./commands/up.ts";
import { verify } from "./commands/verify.ts";
import { EngineError } from "../engine/errors.ts";
import { ProviderError } from "../provider/errors.ts";
import { commandHelp, overview } from "./help.ts";
import { nearest } from "../topology/problem.ts";
import { parseWords } from "./parse.ts";
import { openProject } from "./project.ts";
import { processTerminal, type Terminal } from "./terminal.ts";

const commands: readonly Command[] = [
  up,
  preview,
  refresh,
  down,
  start,
  stop,
  plan,
  status,
  verify,
  outputs,
  logs,
  doctor,
  env,
];

/** Runs one command line. */
async function guts(words: readonly string[], terminal: Terminal): Promise<ExitCode> {
  const [name, ...rest] = words;
  if (name === undefined || name === "help" || name === "--help" || name === "-h") {
    const topic = commands.find((command) => command.name === rest[0]);
    (topic === undefined ? overview(commands) : commandHelp(topic)).forEach(terminal.line);
    return name === undefined ? 2 : 0;
  }
  const command = commands.find((candidate) => candidate.name === name);
  if (command === undefined) {
    const near = nearest(
      name,
      commands.map((candidate) => candidate.name),
    );
    throw new UsageError(
      `unknown command "${name}"${near === undefined ? "" : `, did you mean "${near}"?`}; ` +
        `allowed: ${commands.map((candidate) => candidate.name).join(", ")}`,
    );
  }
  const { help, stack, rest: more, options } = parseWords(command, rest);
  if (help) {
    commandHelp(command).forEach(terminal.line);
    return 0;
  }
  const project = openProject(dirname(dirname(import.meta.dirname)), process.env);
  return command.run({ stack, options, rest: more, project, terminal });
}

/** What the engine and the provider know to be no defect of theirs. */
function isOfUser(error: unknown): error is Error {
  return error instanceof EngineError || error instanceof ProviderError;
}

const terminal = processTerminal();
try {
  process.exitCode = await guts(process.argv.slice(2), terminal);
} catch (error) {
  if (error instanceof UsageError || error instanceof Failure || isOfUser(error)) {
    terminal.note(`guts: ${error.message}`);
    process.exitCode = error instanceof UsageError ? 2 : 1;
  } else {
    terminal.note(`guts: this is a defect, please report it: ${(error as Error)?.stack ?? error}`);
    process.exitCode = 70;
  }
}
