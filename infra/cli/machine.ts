import { execFile } from "node:child_process";
import {
  closeSync,
  fsyncSync,
  mkdirSync,
  openSync,
  rmSync,
  statfsSync,
  statSync,
  writeSync,
} from "node:fs";
import { join } from "node:path";
import { promisify } from "node:util";

/** What one look at the machine showed. */
export interface Finding {
  readonly subject: string;
  readonly state: "ok" | "warn" | "fail";
  readonly detail: string;
  /** What to do about it, unless it is ok. */
  readonly remedy?: string;
}

const MiB = 2 ** 20;
/** A node stays under this much memory; the engine and the program need as much again. */
const NODE_MEMORY_MIB = 160;
const ENGINE_MEMORY_MIB = 500;
/** Releases, chain and logs of a small network. */
const DISK_NEEDED_MIB = 500;
const DISK_COMFORTABLE_MIB = 2_000;
/** Every vote waits for one durable write, so a block waits for two in a row. */
const FSYNC_SLOW_MS = 20;
const FSYNC_ROUNDS = 15;

export function checkNode(version: string): Finding {
  const subject = "Node.js";
  return version.startsWith("24.")
    ? { subject, state: "ok", detail: version }
    : {
        subject,
        state: "fail",
        detail: `${version}, allowed: 24`,
        remedy: "start through npm (npm run guts -- doctor): it uses the pinned one",
      };
}

export function checkMemory(availableBytes: number, nodes: number): Finding {
  const available = Math.floor(availableBytes / MiB);
  const needed = nodes * NODE_MEMORY_MIB + ENGINE_MEMORY_MIB;
  const detail = `${available} MiB available, ${needed} MiB needed for ${nodes} nodes and the engine`;
  return available >= needed
    ? { subject: "memory", state: "ok", detail }
    : {
        subject: "memory",
        state: "warn",
        detail,
        remedy: "end other programs, or describe fewer nodes",
      };
}

export function checkDisk(directory: string): Finding {
  mkdirSync(directory, { recursive: true });
  const { bavail, bsize } = statfsSync(directory);
  const free = Math.floor((bavail * bsize) / MiB);
  const detail = `${free} MiB free for ${directory}`;
  const remedy = "free some space, or set GUTS_HOME to a directory on another disk";
  if (free < DISK_NEEDED_MIB) return { subject: "disk space", state: "fail", detail, remedy };
  if (free < DISK_COMFORTABLE_MIB) return { subject: "disk space", state: "warn", detail, remedy };
  return { subject: "disk space", state: "ok", detail };
}

/** Measures how long one small durable write takes where the nodes will make theirs. */
export function checkFsync(directory: string): Finding {
  mkdirSync(directory, { recursive: true });
  const file = join(directory, `.fsync-${process.pid}`);
  const times: number[] = [];
  const descriptor = openSync(file, "w");
  try {
    const page = Buffer.alloc(4096, 1);
    for (let round = 0; round < FSYNC_ROUNDS; round += 1) {
      const started = performance.now();
      writeSync(descriptor, page);
      fsyncSync(descriptor);
      times.push(performance.now() - started);
    }
  } finally {
    closeSync(descriptor);
    rmSync(file, { force: true });
  }
  times.sort((a, b) => a - b);
  const median = times[Math.floor(times.length / 2)] ?? 0;
  const detail = `${median.toFixed(1)} ms for a durable write (median of ${FSYNC_ROUNDS}, slowest ${(times.at(-1) ?? 0).toFixed(1)} ms)`;
  return median <= FSYNC_SLOW_MS
    ? { subject: "disk latency", state: "ok", detail }
    : {
        subject: "disk latency",
        state: "warn",
        detail,
        remedy: "each vote waits for the disk: set GUTS_HOME to a directory on a faster one",
      };
}

/** A clock before the newest source is surely wrong; whether it is kept right only the system knows. */
export async function checkClock(reference: string, now: Date): Promise<Finding> {
  const subject = "clock";
  const text = now.toISOString();
  const newest = statSync(reference).mtime;
  if (now < newest)
    return {
      subject,
      state: "fail",
      detail: `${text} is before ${reference} was written (${newest.toISOString()})`,
      remedy: "set the clock",
    };
  const synchronized = await outputOf("timedatectl", ["show", "-p", "NTPSynchronized", "--value"]);
  if (synchronized === "no")
    return {
      subject,
      state: "warn",
      detail: `${text}, not kept by a time server`,
      remedy: "turn time synchronization on: timedatectl set-ntp true",
    };
  const kept =
    synchronized === "yes" ? "kept by a time server" : "the system does not say by whom it is kept";
  return { subject, state: "ok", detail: `${text}, ${kept}` };
}

export async function checkGit(): Promise<Finding> {
  const version = await outputOf("git", ["--version"]);
  return version === undefined
    ? {
        subject: "git",
        state: "warn",
        detail: "not found",
        remedy: "install git to use the network's repositories",
      }
    : { subject: "git", state: "ok", detail: version.replace(/^git version /, "") };
}

export async function checkPulumi(executable: string | undefined): Promise<Finding> {
  const subject = "pulumi";
  if (executable === undefined)
    return { subject, state: "ok", detail: "not installed, the embedded engine is used instead" };
  const version = await outputOf(executable, ["version"]);
  return version === undefined
    ? {
        subject,
        state: "warn",
        detail: `${executable} does not answer`,
        remedy: "use --engine embedded, or install it again",
      }
    : { subject, state: "ok", detail: `${version} at ${executable}` };
}

async function outputOf(command: string, args: readonly string[]): Promise<string | undefined> {
  try {
    const { stdout } = await promisify(execFile)(command, [...args], { timeout: 5_000 });
    return stdout.trim();
  } catch {
    return undefined; // not installed, or it failed: for these questions the same
  }
}
