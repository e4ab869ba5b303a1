/** An error that is told to the user as it is, without a stack. */
export class EngineError extends Error {
  readonly exitCode: number;
  constructor(message: string, exitCode = 1) {
    super(message);
    this.name = "EngineError";
    this.exitCode = exitCode;
  }
}

/** The command line is wrong: exit code 2. */
export class UsageError extends EngineError {
  constructor(message: string) {
    super(message, 2);
    this.name = "UsageError";
  }
}

/** Something Pulumi can do and this engine does not: refused by name. */
export function unsupported(what: string, instead = "use the pulumi CLI for it"): EngineError {
  return new EngineError(`${what} is not supported by the embedded engine; ${instead}`);
}

/** The run has failed and its diagnostics are already out: nothing more is to be said. */
export class AlreadyReported extends Error {}

export function messageOf(error: unknown): string {
  return error instanceof Error ? error.message : String(error);
}
