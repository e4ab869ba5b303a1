import { apiErrors, renderErrorPage } from "../api/errors.ts";
import {
  environmentNameOf,
  type SettingDefinition,
  settings as table,
} from "../formats/configuration.ts";
import { exitCodes, exitMeanings } from "../operations/exit.ts";
import { createMetrics } from "../operations/metrics.ts";
import { type Command, operand } from "./command.ts";
import { defaultOf } from "./help.ts";
import { UsageError } from "./output.ts";

const GROUPS: Readonly<Record<SettingDefinition["group"], string>> = {
  addresses: "Addresses",
  identity: "Identity and data",
  chain: "Chain and writes",
  limits: "Limits",
  logs: "Logs",
};

/** @param commands all commands of the program, this one among them */
export function referenceCommand(commands: () => readonly Command[]): Command {
  const reference: Command = {
    name: "reference",
    operands: "node|errors",
    summary: "print a reference page as Markdown: commands, settings and metrics, or API errors",
    options: {},
    examples: ["guts-node reference node", "guts-node reference errors"],
    async run(invocation) {
      const page = operand(reference, invocation);
      if (page === "errors") invocation.output.print(renderErrorPage(apiErrors).trimEnd());
      else if (page === "node")
        invocation.output.print((await renderNodePage(commands())).trimEnd());
      else throw new UsageError(`got the page ${page}, allowed: node, errors`);
      return 0;
    },
  };
  return reference;
}

/** The reference page of the node, as Markdown. */
export async function renderNodePage(commands: readonly Command[]): Promise<string> {
  return `# Reference of guts-node

<!-- Made by \`guts-node reference node\`. -->

## Commands

${markdownTable([
  ["command", "what it does"],
  ...commands.map(({ name, operands, summary }) => [
    `\`guts-node ${name}${operands && ` ${operands}`}\``,
    summary,
  ]),
])}

\`guts-node help <command>\` shows options and examples. Exit codes:

${markdownTable([
  ["code", "meaning"],
  ...Object.entries(exitCodes).map(([reason, code]) => [
    String(code),
    exitMeanings[reason as keyof typeof exitCodes],
  ]),
])}

## Settings

A setting is a flag, an environment variable, and a key of the YAML file that \`--config\` or \`GUTS_CONFIG\` names: \`api-addr\` is \`--api-addr\`,
\`${environmentNameOf("api-addr")}\` and \`api-addr:\`. A flag beats the environment, which beats the file, which beats the default. In the environment, the
parts of a list are separated by commas. Relative paths start at the working directory of the process.
\`guts-node config check\` prints all values and where each comes from.

${Object.entries(GROUPS).map(settingSection).join("\n\n")}

## Metrics

\`GET /metrics\` on the internal address answers in the Prometheus text format. Counters start at 0 with the process.

${await metricTable()}
`;
}

function settingSection([group, title]: [string, string]): string {
  const rows = (table as readonly SettingDefinition[])
    .filter((setting) => setting.group === group)
    .map((setting) => [
      `\`${setting.name}\``,
      text(allowedOf(setting)),
      setting.default === undefined ? "-" : `\`${defaultOf(setting)}\``,
      `${text(setting.help)}; example: \`${setting.example}\``,
    ]);
  return `### ${title}\n\n${markdownTable([["setting", "value", "default", ""], ...rows])}`;
}

/** Angle brackets would be read as HTML. */
function text(plain: string): string {
  return plain.replaceAll("<", "\\<");
}

function allowedOf({ type, choices, minimum, maximum, pattern }: SettingDefinition): string {
  if (choices) return choices.map((choice) => `\`${choice}\``).join(", ");
  if (pattern) return pattern.meaning;
  switch (type) {
    case "address":
      return "host:port";
    case "boolean":
      return "`true`, `false`";
    case "integer":
      return `${minimum} to ${maximum}`;
    case "duration":
      return `${minimum}ms to ${maximum}ms, as \`500ms\`, \`2s\` or \`1m\``;
    case "list":
    case "choice":
    case "text":
      return type;
  }
}

async function metricTable(): Promise<string> {
  const metrics = createMetrics();
  try {
    const nothing = { height: () => 0, view: () => 0, eventStreams: () => 0, peers: () => [] };
    metrics.watch({ ...nothing, mempool: () => ({ size: 0, bytes: 0 }) });
    const rows = (await metrics.describe()).map(({ name, type, help }) => [
      `\`${name}\``,
      type,
      help,
    ]);
    return markdownTable([["metric", "type", "meaning"], ...rows]);
  } finally {
    metrics.stop();
  }
}

function markdownTable([head = [], ...rows]: readonly (readonly string[])[]): string {
  const line = (cells: readonly string[]) =>
    `| ${cells.map((cell) => cell.replaceAll("|", "\\|")).join(" | ")} |`;
  return [line(head), line(head.map(() => "---")), ...rows.map(line)].join("\n");
}
