/** Exit codes of `guts-node`. */
export const exitCodes = {
  /** Asked to stop. */
  stopped: 0,
  configuration: 2,
  /** Data directory locked, of another chain, of a newer format or damaged. */
  dataDirectory: 3,
  /** Key missing, readable by others or not the one the genesis names. */
  key: 4,
  /** A write did not reach the disk. */
  storage: 5,
  bug: 70,
} as const;

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
    if (typeof reason === "string" && reason in exitCodes) return reason as ExitReason;
  }
  return "bug";
}
