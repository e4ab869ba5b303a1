import { GenesisError } from "../formats/genesis.ts";
import { exitCodes, exitReasonOf } from "../operations/exit.ts";
import { loadSettings } from "../operations/load-settings.ts";
import { nearest } from "../operations/suggest.ts";
import { type Command, invocationOf } from "./command.ts";
import { complainAbout, configCheck } from "./config.ts";
import { genesisCommands } from "./genesis.ts";
import { commandHelp, overview } from "./help.ts";
import { journalCommands } from "./journal.ts";
import { keygen } from "./keygen.ts";
import { type Output, UsageError } from "./output.ts";
import { referenceCommand } from "./reference.ts";
import { remoteCommands } from "./remote.ts";
import { verify } from "./verify.ts";
import { version } from "./version.ts";

const run: Command = {
  name: "run",
  operands: "[settings]",
  summary: "run the node until it is asked to stop; the default command",
  options: {},
  takesSettings: true,
  examples: [
    "guts-node --api-addr 0.0.0.0:8080 --p2p-addr 0.0.0.0:9000 --genesis-file genesis.json",
    "guts-node run --config node.yaml",
    "guts-node --api-addr 0.0.0.0:8080 --p2p-addr 0.0.0.0:9000 --private-key-file node.key --consensus-enabled --genesis-file genesis.json",
  ],
  async run({ output, environment }, args) {
    const loaded = loadSettings(args, environment);
    if (loaded.problems.length > 0) {
      complainAbout(loaded, output);
      return exitCodes.configuration;
    }
    const { runNode } = await import("./run.ts");
    return runNode(loaded);
  },
};

/** Every command, in the order of the overview. */
export const commands: readonly Command[] = [
  run,
  keygen,
  ...genesisCommands,
  configCheck,
  ...remoteCommands,
  verify,
  ...journalCommands,
  version,
  referenceCommand(() => commands),
];

/**
 * Runs one command line of `guts-node`.
 *
 * @param args what follows the program name
 * @returns the exit code
 */
export async function commandLine(
  args: readonly string[],
  output: Output,
  environment: Readonly<Record<string, string | undefined>>,
): Promise<number> {
  try {
    const [first] = args;
    if (first === "help" || args.includes("--help") || args.includes("-h"))
      return help(
        args.filter((arg) => !["help", "--help", "-h"].includes(arg)),
        output,
      );
    const { command, rest } = find(args);
    const invocation = invocationOf(command, rest, output, environment);
    return await command.run(invocation, rest);
  } catch (error) {
    return explain(error, output);
  }
}

/** Without a command the settings of run follow. */
function find(args: readonly string[]): { command: Command; rest: readonly string[] } {
  const [first] = args;
  if (first === undefined || first.startsWith("-")) return { command: run, rest: args };
  for (const words of [2, 1]) {
    const command = commands.find(({ name }) => name === args.slice(0, words).join(" "));
    if (command) return { command, rest: args.slice(words) };
  }
  throw unknownCommand(args);
}

function help(args: readonly string[], output: Output): number {
  const words = args.filter((arg) => !arg.startsWith("-"));
  if (words.length === 0) output.print(overview(commands));
  else {
    const wanted = words.join(" ");
    const found = commands.filter(({ name }) => name === wanted || name.startsWith(`${wanted} `));
    if (found.length === 0) throw unknownCommand(words);
    output.print(found.map(commandHelp).join("\n\n"));
  }
  return 0;
}

function unknownCommand(args: readonly string[]): UsageError {
  const names = commands.map(({ name }) => name);
  const got = args.slice(0, 2).join(" ");
  const near = nearest(got, names) ?? nearest(args[0] ?? "", names);
  const hint = near ? `did you mean ${near}?` : `allowed: ${names.join(", ")}`;
  return new UsageError(`unknown command ${args[0]}; ${hint}`);
}

/** A user's mistake is told without a stack; anything else is a bug. */
function explain(error: unknown, output: Output): number {
  const reason = error instanceof GenesisError ? "configuration" : exitReasonOf(error);
  const { message, stack } = error instanceof Error ? error : new Error(String(error));
  output.complain(`guts-node: ${reason === "bug" ? (stack ?? message) : message}`);
  return exitCodes[reason];
}
