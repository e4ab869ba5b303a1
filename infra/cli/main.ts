import { dirname } from "node:path";
import { type Command, UsageError, type ExitCode, Failure } from "./command.ts";
import { doctor } from "./commands/doctor.ts";
import { env } from "./commands/env.ts";
import { plan } from "./commands/plan.ts";
import { commandHelp, overview } from "./help.ts";
import { nearest } from "../topology/problem.ts";
import { parseWords } from "./parse.ts";
import { openProject } from "./project.ts";
import { processTerminal, type Terminal } from "./terminal.ts";

const commands: readonly Command[] = [plan, doctor, env];

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

const terminal = processTerminal();
try {
  process.exitCode = await guts(process.argv.slice(2), terminal);
} catch (error) {
  if (error instanceof UsageError || error instanceof Failure) {
    terminal.note(`guts: ${error.message}`);
    process.exitCode = error instanceof UsageError ? 2 : 1;
  } else {
    terminal.note(`guts: this is a defect, please report it: ${(error as Error)?.stack ?? error}`);
    process.exitCode = 70;
  }
}
