/** Runs a command and turns what becomes of it into an exit code. */
import { EngineError, messageOf } from "../errors.ts";
import { parseArguments } from "./arguments.ts";
import { HELP } from "./help.ts";
import { operate } from "./operate.ts";
import { cancel, stackCommand } from "./stack-commands.ts";

/**
 * @returns the exit code: 0 done, 1 failed, 2 the command line is wrong, 7 changes with `--expect-no-changes`
 */
export async function main(argv: readonly string[]): Promise<number> {
  try {
    const args = parseArguments(argv);
    switch (args.command) {
      case "help":
        process.stdout.write(HELP);
        return 0;
      case "stack":
        return await stackCommand(args);
      case "cancel":
        return cancel(args);
      default:
        return await operate(args);
    }
  } catch (error) {
    // What the system refuses (no space, no permission) says enough by itself.
    const known = error instanceof EngineError || "syscall" in (error as object);
    const text = known ? messageOf(error) : ((error as Error).stack ?? messageOf(error));
    process.stderr.write(`error: ${text}\n`);
    return error instanceof EngineError ? error.exitCode : 1;
  }
}
