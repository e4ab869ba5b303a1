import { spawn } from "node:child_process";
import { closeSync, constants, openSync } from "node:fs";
import { open, rename, stat } from "node:fs/promises";
import { join } from "node:path";
import { setTimeout as delay } from "node:timers/promises";
import { ProviderError, storageError } from "../errors.ts";
import { identify, type ProcessIdentity, stopProcess } from "./processes.ts";
import { CONFIGURATION_FILE } from "./record.ts";

export const LOG_FILE = "node.log";
const POLL_MS = 50;
const ANSWER_MS = 2_000;
/** From this size on the log of a node that starts gives way to a new one. */
const LOG_LIMIT_BYTES = 16 * 1024 * 1024;
const LOG_LINES = 12;
const LOG_TAIL_BYTES = 64 * 1024;
const KILL_GRACE_MS = 5_000;

export interface Launch {
  /** For messages. */
  readonly name: string;
  /** Absolute: the node's own, also its working directory. */
  readonly directory: string;
  /** Absolute: where its release is unpacked. */
  readonly release: string;
  /** Answers 200 once every service runs. */
  readonly healthUrl: string;
  readonly timeoutMs: number;
  readonly signal: AbortSignal;
  /** Called as soon as the process exists, before it is known to work. */
  started(identity: ProcessIdentity): Promise<void>;
}

/**
 * Starts a node in a session of its own, so that it outlives the engine, and waits until it answers.
 * When it does not, it is stopped again and nothing runs.
 *
 * @throws ProviderError with the last lines of its log
 */
export async function launch(options: Launch): Promise<ProcessIdentity> {
  const { name, timeoutMs, healthUrl, signal } = options;
  const logStart = await beginLog(options.directory);
  const child = start(options);
  const exit = new Promise<string>((resolve) => {
    child.once("error", (error) => resolve(`cannot be started: ${error.message}`));
    child.once("exit", (code, by) =>
      resolve(by === null ? `ended with exit code ${code}` : `was ended by ${by}`),
    );
  });
  const identity = child.pid === undefined ? undefined : await identify(child.pid);
  if (identity !== undefined) await options.started(identity);
  const asking = new AbortController();
  const until = AbortSignal.any([signal, asking.signal]);
  const outcome = await Promise.race([exit, answers(healthUrl, timeoutMs, until)]);
  asking.abort();
  if (outcome === ANSWERED && identity !== undefined) {
    child.unref();
    return identity;
  }
  if (identity !== undefined) await stopProcess(identity, KILL_GRACE_MS);
  signal.throwIfAborted();
  const reason = outcome === ANSWERED ? "ended at once" : outcome;
  throw new ProviderError(`${name} ${reason}\n${await lastLines(options.directory, logStart)}`);
}

function start({ directory, release }: Launch) {
  const { O_APPEND, O_CREAT, O_WRONLY } = constants;
  const path = join(directory, LOG_FILE);
  let log: number;
  try {
    log = openSync(path, O_APPEND | O_CREAT | O_WRONLY, 0o640);
  } catch (error) {
    throw storageError("write", path, error);
  }
  try {
    return spawn(
      join(release, "bin", "node"),
      [
        join(release, "app", "guts-node.mjs"),
        "run",
        "--config",
        join(directory, CONFIGURATION_FILE),
      ],
      { cwd: directory, detached: true, stdio: ["ignore", log, log], env: environment() },
    );
  } finally {
    closeSync(log);
  }
}

/** Settings come from the file alone: variables such as GUTS_API_ADDR would go before it. */
function environment(): NodeJS.ProcessEnv {
  const { PATH, HOME, TMPDIR, TZ, LANG } = process.env;
  const kept = Object.entries({ PATH, HOME, TMPDIR, TZ, LANG });
  return Object.fromEntries(kept.filter(([, value]) => value !== undefined));
}

const ANSWERED = Symbol("answered");

async function answers(url: string, timeoutMs: number, signal: AbortSignal) {
  const end = performance.now() + timeoutMs;
  let last = "no answer";
  while (performance.now() < end && !signal.aborted) {
    try {
      const wait = AbortSignal.any([signal, AbortSignal.timeout(ANSWER_MS)]);
      const response = await fetch(url, { signal: wait });
      if (response.ok) return ANSWERED;
      last = `${response.status} ${(await response.text()).slice(0, 300)}`;
    } catch (error) {
      last = causeOf(error);
    }
    await delay(POLL_MS);
  }
  return `did not answer at ${url} within ${timeoutMs / 1000} s: ${last}`;
}

function causeOf(error: unknown): string {
  const cause = error instanceof Error && error.cause instanceof Error ? error.cause : error;
  return cause instanceof Error ? cause.message : String(cause);
}

/** @returns where in the log this start begins; a long log is kept as `node.log.1` */
async function beginLog(directory: string): Promise<number> {
  const path = join(directory, LOG_FILE);
  const size = (await stat(path).catch(() => undefined))?.size ?? 0;
  if (size < LOG_LIMIT_BYTES) return size;
  await rename(path, `${path}.1`).catch((error: unknown) => {
    throw storageError("rename", path, error);
  });
  return 0;
}

/** What the node wrote since `start`, its last lines, behind the path of the log. */
async function lastLines(directory: string, start: number): Promise<string> {
  const path = join(directory, LOG_FILE);
  const file = await open(path, "r").catch(() => undefined);
  if (file === undefined) return `there is no log at ${path}`;
  try {
    const { size } = await file.stat();
    const from = Math.max(start, size - LOG_TAIL_BYTES);
    const { buffer } = await file.read(Buffer.alloc(size - from), 0, size - from, from);
    const lines = buffer.toString("utf8").trimEnd().split("\n").slice(-LOG_LINES);
    return `the end of ${path}:\n${lines.map((line) => `  ${line}`).join("\n")}`;
  } finally {
    await file.close();
  }
}
