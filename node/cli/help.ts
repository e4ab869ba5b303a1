import {
  environmentNameOf,
  type SettingDefinition,
  settings as table,
} from "../formats/configuration.ts";
import { nodeVersion } from "../formats/release.ts";
import type { Command } from "./command.ts";
import { textTable } from "./output.ts";

const settings: readonly SettingDefinition[] = table;

/** The text of `guts-node help`. */
export function overview(commands: readonly Command[]): string {
  const rows = commands.map((command) => [`  ${title(command)}`, command.summary]);
  return `guts-node ${nodeVersion.node}: a node of a Guts network

Usage: guts-node [command] [options]

${textTable(rows)}

guts-node help <command> shows its options and examples. Every setting of run is a flag, an environment
variable (${environmentNameOf("api-addr")} for --api-addr) and a key of the file in --config; a flag beats the environment,
which beats the file.`;
}

/** The text of `guts-node help <command>`. */
export function commandHelp(command: Command): string {
  const options = Object.entries(command.options).map(([name, { type, help, default: value }]) => [
    `  --${name}${type === "string" ? " <text>" : ""}`,
    value === undefined ? help : `${help} (default ${String(value)})`,
  ]);
  const parts = [
    `guts-node ${title(command)}\n\n${sentence(command.summary)}`,
    command.takesSettings
      ? settingsHelp()
      : options.length > 0
        ? `Options:\n${textTable(options)}`
        : undefined,
    `Examples:\n${command.examples.map((example) => `  ${example}`).join("\n")}`,
  ];
  return parts.filter((part) => part !== undefined).join("\n\n");
}

function settingsHelp(): string {
  const rows = settings.map((setting) => [
    `  --${setting.name}${setting.type === "boolean" ? "" : ` <${placeholder(setting)}>`}`,
    setting.help + (setting.default === undefined ? "" : ` (default ${defaultOf(setting)})`),
  ]);
  return `Settings:\n${textTable([["  --config <file>", "YAML file with settings by name"], ...rows])}`;
}

function placeholder({ type, choices }: SettingDefinition): string {
  return choices ? choices.join("|") : type === "address" ? "host:port" : type;
}

/** A default as it is written in a file. */
export function defaultOf({ type, default: value }: SettingDefinition): string {
  if (value === undefined) return "-";
  if (Array.isArray(value)) return value.length === 0 ? "none" : value.join(",");
  if (type !== "duration") return String(value);
  const milliseconds = value as number;
  return milliseconds % 1000 === 0 ? `${milliseconds / 1000}s` : `${milliseconds}ms`;
}

function title({ name, operands }: Command): string {
  return operands === "" ? name : `${name} ${operands}`;
}

function sentence(text: string): string {
  return `${text.charAt(0).toUpperCase()}${text.slice(1)}.`;
}
