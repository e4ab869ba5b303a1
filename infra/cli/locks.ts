import { rmSync, statSync } from "node:fs";
import { hostname } from "node:os";
import { StackFiles } from "../engine/backend/stack-files.ts";
import { type Lock, readLocks, removeLock } from "../engine/locks.ts";
import type { Backend } from "./backend.ts";
import { Failure } from "./command.ts";
import { identify } from "../provider/local/processes.ts";
import { startTime } from "./processes.ts";
import type { Project } from "./project.ts";

/** /proc gives start times by the clock at boot, which may have been set since. */
const CLOCK_TOLERANCE_MS = 5_000;
/** A lock is written at once; one that names nobody after this long was torn by the end of its writer. */
const TORN_AFTER_MS = 10_000;

/**
 * Removes the locks that killed runs on this machine have left, and says so.
 *
 * @throws Failure when a run that is still under way, or one on another machine, holds the stack
 */
export async function clearStaleLocks(
  project: Project,
  backend: Backend,
  stack: string,
  say: (text: string) => void,
): Promise<void> {
  if (backend.directory === undefined) return; // only the pulumi command can look there
  const files = new StackFiles(backend.directory);
  for (const lock of readLocks(files, { project: project.name, stack })) {
    if (!(await isStale(lock))) throw new Failure(heldBy(stack, lock));
    removeLock(lock);
    rmSync(`${lock.file}.attrs`, { force: true }); // what the pulumi command writes beside it
    say(
      `removed the lock of a run that was killed (process ${lock.pid}, started ${lock.timestamp}); its work is taken up again`,
    );
  }
}

function heldBy(stack: string, lock: Lock): string {
  const { pid, username, timestamp, file } = lock;
  if (pid === 0) return `stack "${stack}" is being locked right now: wait until that run has ended`;
  const elsewhere =
    lock.hostname === hostname() ? "" : `, or remove ${file} if that machine is gone for good`;
  return (
    `stack "${stack}" is being changed by process ${pid} of ${username} on ${lock.hostname} ` +
    `since ${timestamp}: wait until it has ended${elsewhere}`
  );
}

/** A process that started after the lock was taken is another one with the same id. */
async function isStale(lock: Lock): Promise<boolean> {
  if (lock.pid === 0) return Date.now() - modified(lock.file) > TORN_AFTER_MS;
  if (lock.hostname !== hostname()) return false;
  if ((await identify(lock.pid)) === undefined) return true;
  const started = startTime(lock.pid);
  return started !== undefined && started > Date.parse(lock.timestamp) + CLOCK_TOLERANCE_MS;
}

/** Zero for a file that is gone by now: then nobody holds the lock. */
function modified(file: string): number {
  return statSync(file, { throwIfNoEntry: false })?.mtimeMs ?? 0;
}
