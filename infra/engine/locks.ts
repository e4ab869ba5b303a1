/** The lock files of a stack, as Pulumi's file backend keeps them. */
import { randomUUID } from "node:crypto";
import { existsSync, mkdirSync, readdirSync, readFileSync, rmSync, writeFileSync } from "node:fs";
import { hostname, userInfo } from "node:os";
import { join } from "node:path";
import type { StackFiles, StackName } from "./backend/stack-files.ts";
import { EngineError } from "./errors.ts";

export interface Lock {
  /** Path of the lock file. */
  readonly file: string;
  readonly pid: number;
  readonly username: string;
  readonly hostname: string;
  /** RFC 3339. */
  readonly timestamp: string;
}

/** All locks of a stack, its own and others', in the order of their files' names. */
export function readLocks(files: StackFiles, name: StackName): Lock[] {
  const directory = files.lockDirectory(name);
  if (!existsSync(directory)) return [];
  return readdirSync(directory)
    .filter((f) => f.endsWith(".json"))
    .sort()
    .flatMap((f) => readLock(join(directory, f)));
}

function readLock(file: string): Lock[] {
  try {
    const {
      pid,
      username,
      hostname: host,
      timestamp,
    } = JSON.parse(readFileSync(file, "utf8")) as Partial<Lock>;
    return [
      {
        file,
        pid: Number(pid ?? 0),
        username: String(username ?? ""),
        hostname: String(host ?? ""),
        timestamp: String(timestamp ?? ""),
      },
    ];
  } catch {
    // Gone since it was listed, or half written: the latter still means that somebody is there.
    return existsSync(file) ? [{ file, pid: 0, username: "", hostname: "", timestamp: "" }] : [];
  }
}

/**
 * Locks whose process ran on this machine and is gone: left by a killed run, safe to remove. Locks of other machines are never
 * among them.
 */
export function staleLocks(files: StackFiles, name: StackName): Lock[] {
  return readLocks(files, name).filter(
    (lock) => lock.hostname === hostname() && lock.pid > 0 && !isAlive(lock.pid),
  );
}

export function removeLock(lock: Lock): void {
  rmSync(lock.file, { force: true });
}

/**
 * Takes the lock of a stack: looks for others, writes its own, looks again.
 *
 * @returns releases it
 * @throws EngineError naming the locks of others
 */
export function acquireLock(files: StackFiles, name: StackName): () => void {
  const directory = files.lockDirectory(name),
    file = join(directory, `${randomUUID()}.json`);
  refuseOthers(files, name, file);
  mkdirSync(directory, { recursive: true });
  writeFileSync(
    file,
    JSON.stringify({
      pid: process.pid,
      username: userInfo().username,
      hostname: hostname(),
      timestamp: new Date().toISOString(),
    }),
  );
  try {
    refuseOthers(files, name, file);
  } catch (error) {
    rmSync(file, { force: true });
    throw error;
  }
  return () => rmSync(file, { force: true });
}

function refuseOthers(files: StackFiles, name: StackName, own: string): void {
  const others = readLocks(files, name).filter((lock) => lock.file !== own);
  if (others.length === 0) return;
  const lines = others.map(
    (l) =>
      `  file://${l.file}?no_tmp_dir=true: created by ${l.username}@${l.hostname} (pid ${l.pid}) at ${l.timestamp}`,
  );
  throw new EngineError(
    `the stack is currently locked by ${others.length} lock(s). Either wait for the other process(es) to end or delete the lock file with \`pulumi cancel\`.\n${lines.join("\n")}`,
  );
}

function isAlive(pid: number): boolean {
  try {
    process.kill(pid, 0);
    return true;
  } catch (error) {
    return (error as NodeJS.ErrnoException).code === "EPERM";
  }
}
