/** Exit codes of `guts-node`. */
export const exitCodes = {
  stopped: 0,
  configuration: 2,
  dataDirectory: 3,
  key: 4,
  storage: 5,
  bug: 70,
} as const;

/** What each exit code says, for the reference. */
export const exitMeanings: Readonly<Record<ExitReason, string>> = {
  stopped: "asked to stop, or the command is done",
  configuration: "a setting, the command line or the genesis is wrong, or an address is taken",
  dataDirectory: "data directory locked, of another chain or key, of a newer format, or damaged",
  key: "key missing, readable by others, or not one of the genesis",
  storage: "a write did not reach the disk, or the disk is full",
  bug: "a bug; the log has the details",
};

export type ExitReason = keyof typeof exitCodes;

/** A condition that ends the process with a message for the operator and no stack. */
export class ExitError extends Error {
  override readonly name = "ExitError";
  readonly reason: ExitReason;

  constructor(reason: ExitReason, message: string, options?: ErrorOptions) {
    super(message, options);
    this.reason = reason;
  }

  get exitCode(): number {
    return exitCodes[this.reason];
  }
}

/**
 * The exit an error calls for: the reason that it or one of its causes carries, as storage errors
 * do, and otherwise a bug.
 */
export function exitReasonOf(error: unknown): ExitReason {
  for (let cause = error; cause instanceof Error; cause = cause.cause) {
    const { reason } = cause as { reason?: unknown };
    if (typeof reason === "string" && Object.hasOwn(exitCodes, reason)) return reason as ExitReason;
  }
  return "bug";
}
