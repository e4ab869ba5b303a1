import { execFile } from "node:child_process";
import { readdirSync, readFileSync } from "node:fs";
import { setTimeout as delay } from "node:timers/promises";
import { promisify } from "node:util";

const run = promisify(execFile);

/** A process that cannot be mistaken for a later one with the same id. */
export interface ProcessIdentity {
  readonly pid: number;
  /** When it started, in the words of the operating system; only ever compared. */
  readonly startedAt: string;
}

/** The process with that id now; undefined when there is none, or only its exit status is left. */
export async function identify(pid: number): Promise<ProcessIdentity | undefined> {
  return process.platform === "linux" ? identifyByProc(pid) : identifyByPs(pid);
}

export async function isAlive({ pid, startedAt }: ProcessIdentity): Promise<boolean> {
  return (await identify(pid))?.startedAt === startedAt;
}

/** Fields of /proc/<pid>/stat behind the name, which may hold spaces and brackets. proc(5) */
const STATE = 0;
const THREADS = 17;
const START_TICKS = 19;

function identifyByProc(pid: number): ProcessIdentity | undefined {
  try {
    const stat = readFileSync(`/proc/${pid}/stat`, "latin1");
    const fields = stat.slice(stat.lastIndexOf(")") + 2).split(" ");
    // The first thread may be gone while others still hold the files and ports.
    if (fields[STATE] === "X" || (fields[STATE] === "Z" && Number(fields[THREADS]) <= 1))
      return undefined;
    // Ticks count from the start of the machine, so they mean something within one run of it only.
    return { pid, startedAt: `${bootId()}-${fields[START_TICKS]}` };
  } catch {
    return undefined;
  }
}

let cachedBootId: string | undefined;
function bootId(): string {
  cachedBootId ??= readFileSync("/proc/sys/kernel/random/boot_id", "latin1").slice(0, 8);
  return cachedBootId;
}

async function identifyByPs(pid: number): Promise<ProcessIdentity | undefined> {
  try {
    const { stdout } = await run("ps", ["-o", "stat=,lstart=", "-p", String(pid)], posixLocale);
    const [, state, startedAt] = /^\s*(\S+)\s+(.+?)\s*$/.exec(stdout) ?? [];
    if (startedAt === undefined || state?.startsWith("Z")) return undefined;
    return { pid, startedAt };
  } catch {
    return undefined;
  }
}

const posixLocale = { env: { ...process.env, LC_ALL: "C" } };

/** Processes of this machine that have `argument` as one of their arguments. */
export async function findByArgument(argument: string): Promise<ProcessIdentity[]> {
  const pids = process.platform === "linux" ? pidsByProc(argument) : await pidsByPs(argument);
  const found = await Promise.all(pids.filter((pid) => pid !== process.pid).map(identify));
  return found.filter((identity) => identity !== undefined);
}

function pidsByProc(argument: string): number[] {
  return processIds().filter((pid) => argumentsOf(pid).includes(argument));
}

/** Ids of all processes, Linux only. */
export function processIds(): number[] {
  return readdirSync("/proc")
    .filter((name) => /^\d+$/.test(name))
    .map(Number);
}

/** Command line of a process, Linux only; empty when it is gone or not ours to see. */
export function argumentsOf(pid: number): string[] {
  try {
    return readFileSync(`/proc/${pid}/cmdline`, "utf8").split("\0").slice(0, -1);
  } catch {
    return [];
  }
}

async function pidsByPs(argument: string): Promise<number[]> {
  const { stdout } = await run("ps", ["-axww", "-o", "pid=,command="], {
    maxBuffer: 16 * 1024 * 1024,
  });
  return stdout
    .split("\n")
    .filter((line) => `${line} `.includes(` ${argument} `))
    .map((line) => Number.parseInt(line, 10));
}

const POLL_MS = 50;

/**
 * Asks a process to end with SIGTERM and waits; kills it when it does not.
 *
 * @returns whether it ended by itself within `graceMs`
 */
export async function stopProcess(identity: ProcessIdentity, graceMs: number): Promise<boolean> {
  if (!(await signal(identity, "SIGTERM"))) return true;
  if (await endedWithin(identity, graceMs)) return true;
  await signal(identity, "SIGKILL");
  if (!(await endedWithin(identity, KILL_WAIT_MS)))
    throw new Error(`process ${identity.pid} is still there ${KILL_WAIT_MS} ms after SIGKILL`);
  return false;
}

const KILL_WAIT_MS = 10_000;

/** @returns false when the process is gone already */
async function signal(identity: ProcessIdentity, name: NodeJS.Signals): Promise<boolean> {
  if (!(await isAlive(identity))) return false;
  try {
    process.kill(identity.pid, name);
    return true;
  } catch (error) {
    if ((error as NodeJS.ErrnoException).code === "ESRCH") return false;
    throw error;
  }
}

async function endedWithin(identity: ProcessIdentity, milliseconds: number): Promise<boolean> {
  const end = performance.now() + milliseconds;
  while (performance.now() < end) {
    if (!(await isAlive(identity))) return true;
    await delay(POLL_MS);
  }
  return !(await isAlive(identity));
}
