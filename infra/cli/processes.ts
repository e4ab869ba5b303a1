import { readFileSync } from "node:fs";

/** Ticks per second in /proc; Linux shows this constant to programs whatever the kernel uses. */
const TICKS_PER_SECOND = 100;

/** When a process was started, in milliseconds since 1970; undefined where the system has no /proc. */
export function startTime(pid: number): number | undefined {
  try {
    const boot = /^btime (\d+)$/m.exec(readFileSync("/proc/stat", "utf8"))?.[1];
    const stat = readFileSync(`/proc/${pid}/stat`, "utf8");
    // The name in brackets may contain anything; the start time is the 20th field after it.
    const ticks = stat.slice(stat.lastIndexOf(")") + 2).split(" ")[19];
    if (boot === undefined || ticks === undefined) return undefined;
    return (Number(boot) + Number(ticks) / TICKS_PER_SECOND) * 1000;
  } catch {
    return undefined;
  }
}

/** Resident memory of a process in bytes; undefined when it is gone or the system has no /proc. */
export function residentBytes(pid: number): number | undefined {
  try {
    const kilobytes = /^VmRSS:\s+(\d+) kB$/m.exec(readFileSync(`/proc/${pid}/status`, "utf8"))?.[1];
    return kilobytes === undefined ? undefined : Number(kilobytes) * 1024;
  } catch {
    return undefined;
  }
}
