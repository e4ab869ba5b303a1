import { accessSync, constants, existsSync, readFileSync, rmSync, writeFileSync } from "node:fs";
import { join } from "node:path";
import Database from "better-sqlite3";
import { guarded, StorageError } from "./errors.ts";

/**
 * Takes a data directory for this process alone.
 *
 * The lock is an exclusive transaction on the empty database `LOCK`, which the operating system
 * ends with the process, however that dies: there is never a stale lock to remove. `LOCK.pid`
 * only names the holder in messages.
 *
 * @throws StorageError `locked` with the process id of the holder where it is known
 */
export function lockDirectory(directory: string): Disposable {
  const path = join(directory, "LOCK");
  const pidPath = join(directory, "LOCK.pid");
  // SQLite would only say that it cannot open the file.
  guarded(directory, () => accessSync(directory, constants.W_OK));
  const database = guarded(path, () => new Database(path, { timeout: 0 }));
  try {
    guarded(path, () => database.exec("BEGIN EXCLUSIVE"));
    guarded(pidPath, () => writeFileSync(pidPath, `${process.pid}\n`));
  } catch (error) {
    database.close();
    throw isBusy(error) ? new StorageError(lockedBy(directory, pidPath), { cause: error }) : error;
  }
  return {
    [Symbol.dispose]() {
      if (!database.open) return;
      rmSync(pidPath, { force: true });
      database.close();
    },
  };
}

function isBusy(error: unknown): boolean {
  const cause = error instanceof StorageError ? error.cause : error;
  return /^SQLITE_(BUSY|LOCKED)/.test((cause as { code?: string } | undefined)?.code ?? "");
}

function lockedBy(path: string, pidPath: string) {
  const pid = existsSync(pidPath) ? Number(readFileSync(pidPath, "utf8")) : NaN;
  return { code: "locked", path, ...(Number.isInteger(pid) && pid > 0 && { pid }) } as const;
}
