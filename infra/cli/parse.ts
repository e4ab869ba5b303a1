import { parseArgs } from "node:util";
import { type Command, type OptionSpec, type Options, UsageError } from "./command.ts";
import { nearest } from "../topology/problem.ts";

/** The stack a command acts on when none is named. */
export const DEFAULT_STACK = "local";

/** Words of a command line in their roles. */
export interface ParsedWords {
  readonly help: boolean;
  readonly stack: string;
  readonly rest: readonly string[];
  readonly options: Options;
}

/**
 * Reads the words after the command's name.
 *
 * @throws UsageError that names the word, what is allowed and where to read more
 */
export function parseWords(command: Command, words: readonly string[]): ParsedWords {
  const specs: Record<string, OptionSpec> = {
    ...command.options,
    help: { type: "boolean", short: "h", help: "show this text" },
  };
  const { values, positionals, tokens } = parseArgs({
    args: [...words],
    options: Object.fromEntries(
      Object.entries(specs).map(([name, { type, short }]) => [
        name,
        short === undefined ? { type } : { type, short },
      ]),
    ),
    allowPositionals: true,
    strict: false, // the messages of the strict mode do not say what is allowed
    tokens: true,
  });
  for (const token of tokens)
    if (token.kind === "option")
      checkOption(command, specs, token.name, token.rawName, token.value);
  const [stack = DEFAULT_STACK, ...rest] = positionals;
  if (rest.length > 0 && command.rest === undefined)
    throw new UsageError(
      `got "${rest[0]}" after the stack name, allowed: options only, see guts ${command.name} --help`,
    );
  return {
    help: values["help"] === true,
    stack,
    rest,
    options: {
      flag: (name) => values[name] === true,
      text: (name) => (typeof values[name] === "string" ? values[name] : undefined),
    },
  };
}

function checkOption(
  command: Command,
  specs: Readonly<Record<string, OptionSpec>>,
  name: string,
  rawName: string,
  value: string | undefined,
): void {
  const more = `see guts ${command.name} --help`;
  const spec = Object.hasOwn(specs, name) ? specs[name] : undefined;
  if (spec === undefined) {
    const near = nearest(name, Object.keys(specs));
    throw new UsageError(
      `unknown option ${rawName}${near === undefined ? "" : `, did you mean --${near}?`}; ${more}`,
    );
  }
  if (spec.type === "boolean" && value !== undefined)
    throw new UsageError(`got "${value}" for --${name}, allowed: no value, ${more}`);
  if (spec.type === "boolean") return;
  if (value === undefined || value === "")
    throw new UsageError(`got no value for --${name}, allowed: ${allowed(spec)}, ${more}`);
  if (spec.choices !== undefined && !spec.choices.includes(value))
    throw new UsageError(`got "${value}" for --${name}, allowed: ${allowed(spec)}, ${more}`);
}

function allowed(spec: OptionSpec): string {
  return spec.choices?.join(" or ") ?? spec.value ?? "any text";
}
