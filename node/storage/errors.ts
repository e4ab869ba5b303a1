/** Why a data directory or a database cannot be used: stable codes. */
export type StorageProblem =
  | { readonly code: "locked"; readonly path: string; readonly pid?: number }
  | {
      readonly code: "other-chain";
      readonly path: string;
      readonly got: string;
      readonly expected: string;
    }
  | {
      readonly code: "other-key";
      readonly path: string;
      readonly got: string;
      readonly expected: string;
    }
  | {
      readonly code: "newer-format";
      readonly path: string;
      readonly got: number;
      readonly supported: number;
    }
  | { readonly code: "read-only"; readonly path: string }
  | { readonly code: "unusable"; readonly path: string; readonly detail: string }
  | { readonly code: "disk-full"; readonly path: string }
  | { readonly code: "corrupt"; readonly path: string; readonly detail: string }
  | { readonly code: "io"; readonly path: string; readonly detail: string };

/** A problem met while a data directory was opened, or one of a running node's disk. */
export type StorageReason = "dataDirectory" | "storage";

/**
 * Data on disk that cannot be opened, read or written.
 *
 * After one with the reason `storage` nothing may be assumed about what is on disk: a failed sync
 * is never repeated, the node stops voting and ends.
 */
export class StorageError extends Error {
  override readonly name = "StorageError";
  readonly problem: StorageProblem;
  readonly reason: StorageReason;

  constructor(problem: StorageProblem, options?: ErrorOptions) {
    super(describe(problem), options);
    this.problem = problem;
    this.reason = reasonOf(problem);
  }

  get code(): StorageProblem["code"] {
    return this.problem.code;
  }

  /** Exit code of the node: 3 for a refused data directory, 5 for a failing disk. */
  get exitCode(): 3 | 5 {
    return this.reason === "dataDirectory" ? 3 : 5;
  }
}

function reasonOf({ code }: StorageProblem): StorageReason {
  return code === "disk-full" || code === "io" ? "storage" : "dataDirectory";
}

function describe(problem: StorageProblem): string {
  const { path } = problem;
  switch (problem.code) {
    case "locked": {
      const holder = problem.pid === undefined ? "another process" : `process ${problem.pid}`;
      return `data directory ${path} is in use by ${holder}; stop it, or choose another --data-dir`;
    }
    case "other-chain":
      return (
        `data directory ${path} belongs to the chain with genesis ${problem.got}, ` +
        `expected ${problem.expected}; choose another --data-dir or the genesis of this one`
      );
    case "other-key":
      return (
        `data directory ${path} belongs to the key ${problem.got}, got ${problem.expected}; ` +
        "choose another --data-dir or the key of this one"
      );
    case "newer-format":
      return (
        `${path} has the data format ${problem.got}, supported: up to ${problem.supported}; ` +
        "run the newer guts-node that wrote it"
      );
    case "read-only":
      return `${path} cannot be written: read-only or no permission; make it writable for this user`;
    case "unusable":
      return `${path} cannot be used as a data directory: ${problem.detail}`;
    case "disk-full":
      return `no space left on the disk of ${path}; free some and start again`;
    case "corrupt":
      return `${path} is damaged: ${problem.detail}; restore it from a backup or sync anew`;
    case "io":
      return `reading or writing ${path} failed: ${problem.detail}; check the disk`;
  }
}

/** Turns what SQLite or the file system threw into a StorageError; anything else stays as it is. */
export function storageError(path: string, error: unknown): unknown {
  if (error instanceof StorageError || !(error instanceof Error)) return error;
  const code = (error as NodeJS.ErrnoException).code ?? "";
  const options = { cause: error };
  const detail = `${error.message} (${code})`;
  if (/^(SQLITE_FULL|ENOSPC|EDQUOT)/.test(code))
    return new StorageError({ code: "disk-full", path }, options);
  if (/^(SQLITE_READONLY|SQLITE_PERM|SQLITE_AUTH|EROFS|EACCES|EPERM)/.test(code))
    return new StorageError({ code: "read-only", path }, options);
  if (/^(SQLITE_CORRUPT|SQLITE_NOTADB)/.test(code))
    return new StorageError({ code: "corrupt", path, detail }, options);
  if (/^(ENOTDIR|EEXIST|EISDIR|ENAMETOOLONG|ELOOP)/.test(code))
    return new StorageError({ code: "unusable", path, detail }, options);
  if (/^(SQLITE_|E[A-Z]+$)/.test(code))
    return new StorageError({ code: "io", path, detail }, options);
  return error;
}

/** Runs an action on a file or database; what it throws becomes a StorageError. */
export function guarded<Result>(path: string, action: () => Result): Result {
  try {
    return action();
  } catch (error) {
    throw storageError(path, error);
  }
}
