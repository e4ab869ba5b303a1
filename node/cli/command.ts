import { parseArgs, type ParseArgsOptionsConfig } from "node:util";
import { type Output, UsageError } from "./output.ts";

/** An option of a command that is no setting of the node. */
export interface CommandOption {
  readonly type: "string" | "boolean";
  readonly multiple?: boolean;
  readonly default?: string | boolean;
  readonly help: string;
}

export interface Invocation {
  readonly positionals: readonly string[];
  readonly output: Output;
  readonly environment: Readonly<Record<string, string | undefined>>;
  /** @throws UsageError when it was not given */
  required(name: string): string;
  text(name: string): string | undefined;
  list(name: string): readonly string[];
  given(name: string): boolean;
}

export interface Command {
  /** As it is typed: `genesis create`. */
  readonly name: string;
  /** What follows the name, such as `<file>`. */
  readonly operands: string;
  readonly summary: string;
  readonly options: Readonly<Record<string, CommandOption>>;
  /** Takes the settings of the node instead of options of its own. */
  readonly takesSettings?: true;
  readonly examples: readonly string[];
  /** @returns the exit code */
  run(invocation: Invocation, args: readonly string[]): Promise<number> | number;
}

/** @throws UsageError for options that the command does not have */
export function invocationOf(
  command: Command,
  args: readonly string[],
  output: Output,
  environment: Invocation["environment"],
): Invocation {
  const options: ParseArgsOptionsConfig = Object.fromEntries(
    Object.entries(command.options).map(([name, { type, multiple, default: fallback }]) => [
      name,
      { type, ...(multiple && { multiple }), ...(fallback !== undefined && { default: fallback }) },
    ]),
  );
  try {
    const { values, positionals } = parseArgs({
      args: command.takesSettings ? [] : [...args],
      options,
      allowPositionals: true,
    });
    const text = (name: string) => {
      const value = values[name];
      return typeof value === "string" ? value : undefined;
    };
    return {
      positionals,
      output,
      environment,
      text,
      required(name) {
        const value = text(name);
        if (value === undefined) throw new UsageError(`--${name} is needed; ${hint(command)}`);
        return value;
      },
      list: (name) => (values[name] as string[] | undefined) ?? [],
      given: (name) => values[name] === true,
    };
  } catch (error) {
    if (error instanceof UsageError) throw error;
    throw new UsageError(`${(error as Error).message}; ${hint(command)}`);
  }
}

/** The one operand of a command. @throws UsageError for none or several */
export function operand(command: Command, { positionals }: Invocation): string {
  const [only, ...others] = positionals;
  if (only === undefined || others.length > 0)
    throw new UsageError(
      `got ${positionals.length} operands, allowed: one, ${command.operands}; ${hint(command)}`,
    );
  return only;
}

function hint({ name }: Command): string {
  return `see guts-node help ${name}`;
}
