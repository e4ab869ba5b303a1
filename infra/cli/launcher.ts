import { readFileSync } from "node:fs";

const POLL_MS = 200;

/**
 * Notices that npm, which has started this command through a shell, was killed: a shell outlives the
 * npm that waits for it, and so would this command.
 *
 * @returns ends watching
 */
export function watchLauncher(environment: NodeJS.ProcessEnv, gone: () => void): () => void {
  if (environment["npm_lifecycle_event"] === undefined) return () => {};
  const ancestors = () => `${process.ppid} ${parentOf(process.ppid)}`;
  const first = ancestors();
  const timer = setInterval(() => {
    if (ancestors() !== first) gone();
  }, POLL_MS);
  timer.unref();
  return () => clearInterval(timer);
}

/** Undefined where there is no /proc: then only the shell itself is watched. */
function parentOf(pid: number): string | undefined {
  try {
    const stat = readFileSync(`/proc/${pid}/stat`, "latin1");
    return stat.slice(stat.lastIndexOf(")") + 2).split(" ")[1];
  } catch {
    return undefined;
  }
}
