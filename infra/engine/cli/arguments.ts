/** The command line. Flags have the names and meanings they have in Pulumi. */
import { availableParallelism } from "node:os";
import { parseArgs } from "node:util";
import { UsageError, unsupported } from "../errors.ts";

export const COMMANDS = ["up", "preview", "refresh", "destroy", "stack", "cancel", "help"] as const;
export type Command = (typeof COMMANDS)[number];

export interface Arguments {
  readonly command: Command;
  /** Words after the command: `stack output url` has `output` and `url`. */
  readonly words: readonly string[];
  readonly cwd: string;
  readonly stack: string | undefined;
  readonly configFile: string | undefined;
  readonly yes: boolean;
  readonly skipPreview: boolean;
  readonly previewOnly: boolean;
  readonly create: boolean;
  readonly parallel: number;
  readonly targets: readonly string[];
  readonly targetDependents: boolean;
  readonly targetReplace: readonly string[];
  readonly replace: readonly string[];
  readonly exclude: readonly string[];
  readonly excludeDependents: boolean;
  readonly excludeProtected: boolean;
  readonly ignoreProtect: boolean;
  readonly expectNoChanges: boolean;
  readonly continueOnError: boolean;
  readonly clearPendingCreates: boolean;
  readonly runProgram: boolean;
  readonly refresh: boolean | undefined;
  readonly json: boolean;
  readonly showSecrets: boolean;
  readonly force: boolean;
  readonly eventLog: string | undefined;
  readonly color: "auto" | "always" | "never";
  readonly message: string;
  readonly suppressOutputs: boolean;
}

const OPTIONS = {
  stack: { type: "string", short: "s" },
  cwd: { type: "string", short: "C" },
  yes: { type: "boolean", short: "y" },
  "skip-preview": { type: "boolean", short: "f" },
  "preview-only": { type: "boolean" },
  create: { type: "boolean" },
  parallel: { type: "string", short: "p" },
  target: { type: "string", short: "t", multiple: true },
  "target-dependents": { type: "boolean" },
  "target-replace": { type: "string", multiple: true },
  replace: { type: "string", multiple: true },
  exclude: { type: "string", multiple: true },
  "exclude-dependents": { type: "boolean" },
  "exclude-protected": { type: "boolean" },
  "ignore-protect": { type: "boolean" },
  "expect-no-changes": { type: "boolean" },
  "continue-on-error": { type: "boolean" },
  "clear-pending-creates": { type: "boolean" },
  "run-program": { type: "boolean" },
  refresh: { type: "boolean", short: "r" },
  json: { type: "boolean", short: "j" },
  "show-secrets": { type: "boolean" },
  force: { type: "boolean" },
  "event-log": { type: "string" },
  color: { type: "string" },
  message: { type: "string", short: "m" },
  "config-file": { type: "string" },
  "non-interactive": { type: "boolean" },
  "secrets-provider": { type: "string" },
  help: { type: "boolean", short: "h" },
  "suppress-progress": { type: "boolean" },
  "suppress-outputs": { type: "boolean" },
} as const;

/** Flags of Pulumi that this engine does not do, and what to do instead. */
const REFUSED: readonly string[] = [
  "plan",
  "save-plan",
  "policy-pack",
  "policy-pack-config",
  "import-file",
  "import-pending-creates",
  "attach-debugger",
  "config",
  "config-path",
  "remote",
  "tracing",
  "profiling",
  "debug",
  "skip-pending-creates",
  "refresh-only",
  "neo",
  "show-config",
  "show-reads",
  "show-replacement-steps",
  "show-sames",
  "suppress-permalink",
  "emoji",
  "profile",
  "diff",
  "logtostderr",
  "verbose",
];

/** A step waits for the network more than for the processor. */
const STEPS_PER_CORE = 4;

/**
 * @throws UsageError naming the flag or word that is wrong
 */
export function parseArguments(argv: readonly string[]): Arguments {
  for (const argument of argv) {
    const flag = /^--([a-z-]+)/.exec(argument)?.[1];
    if (flag && REFUSED.includes(flag)) throw unsupported(`the flag --${flag}`);
  }
  const { values: v, positionals } = parse(normalizeBooleans(argv));
  const [command = "help", ...words] = positionals;
  if (v.help) return parseArguments(["help"]);
  if (!(COMMANDS as readonly string[]).includes(command))
    throw new UsageError(
      `unknown command ${JSON.stringify(command)}, expected one of ${COMMANDS.join(", ")}`,
    );
  const color = v.color ?? "auto";
  if (color !== "auto" && color !== "always" && color !== "never" && color !== "raw")
    throw new UsageError(`got --color ${color}, allowed: always, never, auto`);
  if (
    v["secrets-provider"] &&
    v["secrets-provider"] !== "passphrase" &&
    v["secrets-provider"] !== "default"
  )
    throw unsupported(`the secrets provider ${v["secrets-provider"]}`);
  const flag = (name: keyof typeof v): boolean => v[name] === true;
  return {
    command: command as Command,
    words,
    cwd: v.cwd ?? process.cwd(),
    stack: v.stack,
    configFile: v["config-file"],
    yes: flag("yes"),
    skipPreview: flag("skip-preview"),
    previewOnly: flag("preview-only"),
    create: flag("create"),
    parallel: parallelism(v.parallel),
    targets: v.target ?? [],
    targetDependents: flag("target-dependents"),
    targetReplace: v["target-replace"] ?? [],
    replace: v.replace ?? [],
    exclude: v.exclude ?? [],
    excludeDependents: flag("exclude-dependents"),
    excludeProtected: flag("exclude-protected"),
    ignoreProtect: flag("ignore-protect"),
    expectNoChanges: flag("expect-no-changes"),
    continueOnError: flag("continue-on-error"),
    clearPendingCreates: flag("clear-pending-creates"),
    runProgram: flag("run-program"),
    refresh: v.refresh,
    json: flag("json"),
    showSecrets: flag("show-secrets"),
    force: flag("force"),
    eventLog: v["event-log"],
    color: color === "raw" ? "never" : color,
    message: v.message ?? "",
    suppressOutputs: flag("suppress-outputs"),
  };
}

function parse(argv: string[]) {
  try {
    return parseArgs({ args: argv, options: OPTIONS, allowPositionals: true, allowNegative: true });
  } catch (error) {
    throw new UsageError((error as Error).message);
  }
}

/** `--refresh=false` and `--yes=true` are allowed too. */
function normalizeBooleans(argv: readonly string[]): string[] {
  return argv.map((argument) => {
    const match = /^--([a-z-]+)=(true|false)$/.exec(argument),
      name = match?.[1];
    if (!name || !(name in OPTIONS) || OPTIONS[name as keyof typeof OPTIONS].type !== "boolean")
      return argument;
    return match[2] === "true" ? `--${name}` : `--no-${name}`;
  });
}

function parallelism(given: string | undefined): number {
  const text = given ?? process.env.PULUMI_PARALLEL;
  if (text === undefined || text === "") return STEPS_PER_CORE * availableParallelism();
  const count = Number(text);
  if (!Number.isInteger(count))
    throw new UsageError(`got --parallel ${text}, expected a whole number`);
  // As with Pulumi, nothing below 1 means one at a time.
  return Math.max(1, count);
}
