import { constants } from "node:fs";
import { chmod, mkdir, open, readFile, rename, rm } from "node:fs/promises";
import { dirname, isAbsolute, join, normalize } from "node:path";
import { ProviderError, storageError, systemCode } from "./errors.ts";

/** A path in the inputs of a resource: relative to home, so that a state outlives a move of home. */
export const RELATIVE_PATH = "^(?!\\.{0,2}/)(?!.*(^|/)\\.\\.?(/|$))[A-Za-z0-9._/-]+$";

/** @throws ProviderError for a path that leads out of home */
export function inHome(home: string, path: string): string {
  if (isAbsolute(path) || !new RegExp(RELATIVE_PATH).test(path))
    throw new ProviderError(
      `got the path "${path}", allowed: a path under the home of the network`,
    );
  return join(home, normalize(path));
}

/** Text of a file, undefined when it is not there. */
export async function readText(path: string): Promise<string | undefined> {
  try {
    return await readFile(path, "utf8");
  } catch (error) {
    if (systemCode(error) === "ENOENT") return undefined;
    throw storageError("read", path, error);
  }
}

/** @param mode of the directory itself; those above it are made as the umask says */
export async function makeDirectory(path: string, mode = 0o755): Promise<void> {
  try {
    await makePath(path);
    await chmod(path, mode);
  } catch (error) {
    throw storageError("make the directory", path, error);
  }
}

/** Not `recursive: true`, which says ENOENT where the file system is read-only. */
async function makePath(path: string): Promise<void> {
  try {
    await mkdir(path);
  } catch (error) {
    switch (systemCode(error)) {
      case "EEXIST":
        return;
      case "ENOENT":
        await makePath(dirname(path));
        return makePath(path);
      default:
        throw error;
    }
  }
}

interface WriteOptions {
  readonly mode?: number;
  /** Name of the file while it is written; in the same directory. */
  readonly temporary?: string;
}

/** Puts a whole file in place or leaves the old one: temporary file, fsync, rename, fsync. */
export async function writeAtomically(
  path: string,
  content: string | Uint8Array,
  { mode = 0o644, temporary = `${path}.${process.pid}.tmp` }: WriteOptions = {},
): Promise<void> {
  try {
    await writeDurably(temporary, content, mode);
    await rename(temporary, path);
    await syncDirectory(dirname(path));
  } catch (error) {
    await rm(temporary, { force: true }).catch(() => undefined);
    throw storageError("write", path, error);
  }
}

/** Writes and flushes a new file; one of the same name is replaced, never reused with its old mode. */
export async function writeDurably(
  path: string,
  content: string | Uint8Array,
  mode: number,
): Promise<void> {
  await rm(path, { force: true });
  const { O_CREAT, O_EXCL, O_WRONLY } = constants;
  const file = await open(path, O_CREAT | O_EXCL | O_WRONLY, mode);
  try {
    await file.writeFile(content);
    await file.sync();
  } finally {
    await file.close();
  }
}

/** Makes a rename in the directory last through a power failure. */
export async function syncDirectory(path: string): Promise<void> {
  const directory = await open(path, "r");
  try {
    await directory.sync();
  } finally {
    await directory.close();
  }
}
