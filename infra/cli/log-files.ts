import { closeSync, fstatSync, openSync, readSync } from "node:fs";
import { setTimeout as sleep } from "node:timers/promises";

/** The log of one node. */
export interface LogSource {
  readonly name: string;
  readonly file: string;
}

export interface LogLine {
  readonly source: string;
  readonly text: string;
}

/** No more of a log is read for its last lines. */
const TAIL_BYTES = 4 * 2 ** 20;
const POLL_MS = 200;

/**
 * The last lines of every log, all in the order of time, and where each log ended.
 *
 * @param count lines of each log
 */
export function lastLines(
  sources: readonly LogSource[],
  count: number,
): { lines: LogLine[]; offsets: Map<string, number> } {
  const offsets = new Map<string, number>();
  const lines = sources.flatMap(({ name, file }) => {
    const { text, end } = readFrom(file, -TAIL_BYTES);
    const whole = text.slice(0, text.lastIndexOf("\n") + 1);
    offsets.set(name, end - Buffer.byteLength(text.slice(whole.length)));
    const all = whole.split("\n").slice(0, -1);
    if (end > TAIL_BYTES) all.shift(); // its beginning was not read
    return all.slice(Math.max(0, all.length - count)).map((line) => ({ source: name, text: line }));
  });
  return { lines: inOrderOfTime(lines), offsets };
}

/** Gives lines as they are written, until the process ends. */
export async function followLogs(
  sources: readonly LogSource[],
  offsets: Map<string, number>,
  print: (line: LogLine) => void,
): Promise<never> {
  for (;;) {
    const lines = sources.flatMap(({ name, file }) => {
      const start = offsets.get(name) ?? 0;
      const { text, end } = readFrom(file, start);
      if (end < start) offsets.set(name, 0); // the log was begun anew
      const whole = text.slice(0, text.lastIndexOf("\n") + 1);
      if (whole === "") return [];
      offsets.set(name, start + Buffer.byteLength(whole));
      return whole
        .split("\n")
        .slice(0, -1)
        .map((line) => ({ source: name, text: line }));
    });
    inOrderOfTime(lines).forEach(print);
    await sleep(POLL_MS);
  }
}

/** Text from an offset to the end; a negative offset counts from the end. */
function readFrom(file: string, offset: number): { text: string; end: number } {
  let descriptor: number;
  try {
    descriptor = openSync(file, "r");
  } catch {
    return { text: "", end: 0 }; // the node has not logged anything yet
  }
  try {
    const { size } = fstatSync(descriptor);
    const start = offset < 0 ? Math.max(0, size + offset) : Math.min(offset, size);
    const bytes = Buffer.alloc(size - start);
    const read = readSync(descriptor, bytes, 0, bytes.length, start);
    return { text: bytes.toString("utf8", 0, read), end: size };
  } finally {
    closeSync(descriptor);
  }
}

/** Lines that are not in the form of the node's logs stay behind the line before them. */
function inOrderOfTime(lines: readonly LogLine[]): LogLine[] {
  const last = new Map<string, number>();
  return lines
    .map((line) => {
      const time = timeOf(line.text) ?? last.get(line.source) ?? 0;
      last.set(line.source, time);
      return { line, time };
    })
    .sort((a, b) => a.time - b.time)
    .map(({ line }) => line);
}

function timeOf(text: string): number | undefined {
  const time = /"time":(?:"([^"]+)"|(\d+))/.exec(text);
  if (time === null) return undefined;
  const value = time[2] === undefined ? Date.parse(time[1] ?? "") : Number(time[2]);
  return Number.isNaN(value) ? undefined : value;
}
