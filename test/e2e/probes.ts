import { execFileSync } from "node:child_process";
import { readdirSync, readFileSync } from "node:fs";
import { connect } from "node:net";
import { join } from "node:path";
import { setTimeout as sleep } from "node:timers/promises";
import type { Checkout } from "./checkout.ts";

/** A node as `guts status --json` shows it; numbers are null while it is down. */
export interface NodeStatus {
  readonly id: string;
  readonly role: string;
  readonly state: string;
  readonly reason: string | null;
  readonly pid: number;
  readonly apiUrl: string;
  readonly internalUrl: string;
  readonly height: number;
}

export interface Status {
  readonly healthy: boolean;
  readonly genesisHash: string;
  readonly height: number;
  readonly blockId: string;
  readonly problems: readonly string[];
  readonly nodes: readonly NodeStatus[];
}

export async function statusOf(checkout: Checkout): Promise<Status> {
  const { stdout, all } = await checkout.guts(["status", checkout.stack, "--json"]);
  try {
    return JSON.parse(stdout) as Status;
  } catch {
    throw new Error(`guts status gave no JSON:\n${all}`);
  }
}

/** Command lines of all processes that name a directory, by process id. */
export function processesNaming(directory: string): Map<number, string> {
  const lines = process.platform === "linux" ? commandLines() : listedCommandLines();
  return new Map(
    [...lines].filter(([pid, line]) => pid !== process.pid && line.includes(directory)),
  );
}

function commandLines(): Map<number, string> {
  const pids = readdirSync("/proc").filter((name) => /^\d+$/.test(name));
  return new Map(
    pids.map((pid) => {
      try {
        return [Number(pid), readFileSync(`/proc/${pid}/cmdline`, "utf8").replaceAll("\0", " ")];
      } catch {
        return [Number(pid), ""]; // gone meanwhile
      }
    }),
  );
}

function listedCommandLines(): Map<number, string> {
  const text = execFileSync("ps", ["-axww", "-o", "pid=,command="], { encoding: "utf8" });
  const rows = text.split("\n").map((line) => /^\s*(\d+)\s+(.*)$/.exec(line));
  return new Map(rows.flatMap((row) => (row === null ? [] : [[Number(row[1]), row[2] ?? ""]])));
}

/** Processes of nodes of a checkout: one each, however many runs were killed. */
export function nodeProcesses(checkout: Checkout): number[] {
  return [...processesNaming(checkout.root)]
    .filter(([, line]) => line.includes("guts-node.mjs"))
    .map(([pid]) => pid);
}

/** Whether somebody listens on a port of this machine. */
export function isListening(port: number): Promise<boolean> {
  return new Promise((resolve) => {
    const socket = connect({ host: "127.0.0.1", port });
    socket.once("connect", () => {
      socket.destroy();
      resolve(true);
    });
    socket.once("error", () => resolve(false));
  });
}

/** Waits until a condition holds. @throws with the words when it does not in time */
export async function until(
  words: string,
  limitMs: number,
  condition: () => Promise<boolean> | boolean,
): Promise<void> {
  const end = performance.now() + limitMs;
  while (!(await condition())) {
    if (performance.now() > end) throw new Error(`not within ${limitMs / 1000} s: ${words}`);
    await sleep(100);
  }
}

export async function getJson<Body>(url: string): Promise<Body> {
  const response = await fetch(url, { signal: AbortSignal.timeout(5_000) });
  if (!response.ok) throw new Error(`${url} answered ${response.status}: ${await response.text()}`);
  return (await response.json()) as Body;
}

export async function heightOf(apiUrl: string): Promise<number> {
  const status = await getJson<{ finalized_height: number }>(`${apiUrl}/api/consensus/status`);
  return status.finalized_height;
}

export async function blockIdAt(apiUrl: string, height: number): Promise<string> {
  const block = await getJson<{ block_id: string }>(`${apiUrl}/api/consensus/blocks/${height}`);
  return block.block_id;
}

/** Every file below a directory, absolute. */
export function filesBelow(directory: string): string[] {
  return readdirSync(directory, { recursive: true, withFileTypes: true })
    .filter((entry) => entry.isFile())
    .map((entry) => join(entry.parentPath, entry.name));
}
