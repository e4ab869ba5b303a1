import type { Project } from "./project.ts";
import type { Terminal } from "./terminal.ts";

/** One option of a command, for the parser and for the help text alike. */
export interface OptionSpec {
  readonly type: "boolean" | "string";
  readonly short?: string;
  /** What it does, one line. */
  readonly help: string;
  /** How the value is called in the help text, for options of type "string". */
  readonly value?: string;
  /** The values allowed; any when absent. */
  readonly choices?: readonly string[];
}

/** What a command gets: the words of the command line, checked, and the world it acts on. */
export interface Call {
  readonly stack: string;
  readonly options: Options;
  /** Words after the stack name. */
  readonly rest: readonly string[];
  readonly project: Project;
  readonly terminal: Terminal;
}

/** The options given, by name. */
export interface Options {
  flag(name: string): boolean;
  text(name: string): string | undefined;
}

/** Exit codes: 0 done, 1 not done or not healthy, 2 wrong usage or description, 70 a defect. */
export type ExitCode = 0 | 1 | 2 | 70;

/** A command of `guts`. */
export interface Command {
  readonly name: string;
  /** One line for the list of commands. */
  readonly summary: string;
  /** Words after the stack name, such as "[node]"; none when absent. */
  readonly rest?: string;
  /** More lines for `guts <command> --help`. */
  readonly details: readonly string[];
  readonly options: Readonly<Record<string, OptionSpec>>;
  /** Command lines to copy, each with what it does. */
  readonly examples: readonly (readonly [line: string, meaning: string])[];
  run(call: Call): Promise<ExitCode>;
}

/** The words given cannot be followed: nothing was done, exit code 2. */
export class UsageError extends Error {
  override readonly name = "UsageError";
}

/** Something outside this program keeps it from doing what was asked: exit code 1, no stack trace. */
export class Failure extends Error {
  override readonly name = "Failure";
}

/** Options shared by several commands. */
export const shared = {
  json: { type: "boolean", help: "print JSON for machines" },
  yes: { type: "boolean", short: "y", help: "do not preview and ask first" },
  engine: {
    type: "string",
    value: "NAME",
    choices: ["pulumi", "embedded"],
    help: "which engine runs the program (default: pulumi when it is installed)",
  },
} as const satisfies Record<string, OptionSpec>;
