import type { Command, OptionSpec } from "./command.ts";

/** The text of `guts --help`. */
export function overview(commands: readonly Command[]): string[] {
  const width = Math.max(...commands.map(({ name }) => name.length));
  return [
    "guts: a whole validator network with one command",
    "",
    "usage: guts <command> [stack] [options]     (the stack is `local` when none is named)",
    "",
    ...commands.map(({ name, summary }) => `  ${name.padEnd(width)}  ${summary}`),
    "",
    "guts <command> --help shows its options and examples",
  ];
}

/** The text of `guts <command> --help`. */
export function commandHelp(command: Command): string[] {
  const options = Object.entries(command.options).map(
    ([name, spec]) => [optionName(name, spec), spec.help] as const,
  );
  const optionWidth = Math.max(0, ...options.map(([name]) => name.length));
  const exampleWidth = Math.max(...command.examples.map(([line]) => line.length));
  return [
    `guts ${command.name}: ${command.summary}`,
    "",
    `usage: guts ${command.name} [stack]${command.rest === undefined ? "" : ` ${command.rest}`} [options]`,
    ...(command.details.length > 0 ? ["", ...command.details] : []),
    ...(options.length > 0 ? ["", "options:"] : []),
    ...options.map(([name, help]) => `  ${name.padEnd(optionWidth)}  ${help}`),
    "",
    "examples:",
    ...command.examples.map(([line, meaning]) => `  ${line.padEnd(exampleWidth)}  ${meaning}`),
  ];
}

function optionName(name: string, { short, value, choices }: OptionSpec): string {
  const parameter = choices?.join("|") ?? value;
  return `${short === undefined ? "    " : `-${short}, `}--${name}${parameter === undefined ? "" : ` ${parameter}`}`;
}
