import { propertyOf, settings as table } from "../formats/configuration.ts";
import { exitCodes } from "../operations/exit.ts";
import { type LoadedSettings, loadSettings } from "../operations/load-settings.ts";
import type { Command } from "./command.ts";
import { type Output, textTable } from "./output.ts";

export const configCheck: Command = {
  name: "config check",
  operands: "[settings]",
  summary: "print all settings and where each value comes from; exit 2 when one is wrong",
  options: {},
  takesSettings: true,
  examples: [
    "guts-node config check --config node.yaml",
    "guts-node config check --api-addr 0.0.0.0:8080",
  ],
  run({ output, environment }, args) {
    const loaded = loadSettings(args, environment);
    output.print(
      textTable([
        ["SETTING", "VALUE", "FROM"],
        ...table.map((setting) => {
          const value = loaded.settings[propertyOf(setting.name)];
          return [setting.name, shown(setting, value), loaded.sources[setting.name]];
        }),
      ]),
    );
    return complainAbout(loaded, output) ? exitCodes.configuration : 0;
  },
};

function shown(setting: (typeof table)[number], value: unknown): string {
  if (value === undefined) return "-";
  if ("secret" in setting) return "[set, not shown]";
  if (setting.type === "duration") return `${String(value)}ms`;
  if (Array.isArray(value)) return value.length === 0 ? "-" : value.join(",");
  return String(value);
}

/** Writes warnings and problems; whether there are problems. */
export function complainAbout({ problems, warnings }: LoadedSettings, output: Output): boolean {
  for (const warning of warnings) output.complain(`guts-node: warning: ${warning}`);
  for (const { name, reason } of problems) output.complain(`guts-node: ${name}: ${reason}`);
  return problems.length > 0;
}
