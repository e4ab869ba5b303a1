/** What a user can put right: printed as it is, without a stack. Anything else that is thrown is a bug. */
export class ProviderError extends Error {
  override readonly name = "ProviderError";
}

/** A mistake in one input of a resource. `property` is a path such as `consensus.blockIntervalMs`. */
export interface InputProblem {
  readonly property: string;
  readonly reason: string;
}

/** The code of an error of the operating system, such as ENOENT. */
export function systemCode(error: unknown): string | undefined {
  const code = error instanceof Error ? (error as NodeJS.ErrnoException).code : undefined;
  return typeof code === "string" ? code : undefined;
}

const storageReasons: Record<string, string> = {
  EACCES: "permission denied; give this user write access to it",
  EPERM: "operation not permitted; give this user write access to it",
  EROFS: "the file system is read-only; set GUTS_HOME to a directory that can be written",
  ENOSPC: "no space left on the device; free some or set GUTS_HOME to another disk",
  EDQUOT: "the disk quota is used up; free some or set GUTS_HOME to another disk",
  EMFILE: 'too many open files; raise the limit with "ulimit -n"',
  ENOTDIR: "a part of the path is a file, not a directory; move that file away",
};

/** Turns a failure of the file system into one that says what to do; other errors pass through. */
export function storageError(action: string, path: string, error: unknown): unknown {
  const reason = storageReasons[systemCode(error) ?? ""];
  return reason === undefined ? error : new ProviderError(`cannot ${action} ${path}: ${reason}`);
}
