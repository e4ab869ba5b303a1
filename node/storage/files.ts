import {
  accessSync,
  closeSync,
  constants,
  existsSync,
  fsyncSync,
  mkdirSync,
  openSync,
  renameSync,
  writeFileSync,
} from "node:fs";
import { dirname } from "node:path";

/** Waits until a file, or the entries of a directory, are on disk. */
export function syncPath(path: string): void {
  const descriptor = openSync(path, "r");
  try {
    fsyncSync(descriptor);
  } finally {
    closeSync(descriptor);
  }
}

/** Replaces a small file: after a crash it is the old one or the new one, never a part of it. */
export function replaceFile(path: string, text: string): void {
  const next = `${path}.next`;
  writeFileSync(next, text, { flush: true });
  renameSync(next, path);
  syncPath(dirname(path));
}

/** Makes a directory, for its owner only, with those above it. */
export function makeDirectory(path: string): void {
  try {
    mkdirSync(path, { recursive: true, mode: 0o700 });
  } catch (error) {
    // On a read-only file system a recursive mkdir says ENOENT; the folder above says why.
    if ((error as NodeJS.ErrnoException).code !== "ENOENT") throw error;
    let above = dirname(path);
    while (!existsSync(above) && dirname(above) !== above) above = dirname(above);
    accessSync(above, constants.W_OK);
    throw error;
  }
}
