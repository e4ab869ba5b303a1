import { readFileSync, rmSync } from "node:fs";
import type { Lap } from "./stopwatch.ts";

const POLL_MS = 100;

/** Resource types whose steps take the time of an `up`, and what the user calls that part. */
const parts: ReadonlyMap<string, string> = new Map([
  ["guts:index:Bundle", "release"],
  ["guts:index:LocalNode", "nodes"],
  ["guts:index:Verdict", "verdict"],
]);

/** Steps that only look. */
const LOOKING = ["same", "refresh", "read"];

interface Step {
  readonly metadata: { readonly type: string; readonly op: string };
}

interface Event {
  readonly resourcePreEvent?: Step;
  readonly resOutputsEvent?: Step;
}

/**
 * Follows the event log an engine writes and notes when each part of the run began and ended. The log
 * itself has whole seconds only, so the time is that at which a line was seen.
 */
export class EventTimes {
  readonly file: string;
  readonly #timer: NodeJS.Timeout;
  readonly #spans = new Map<string, { begin: number; end: number }>();
  #read = 0;

  /** @param file for the log; it is removed at the end, and what a killed run has left is replaced */
  constructor(file: string) {
    this.file = file;
    rmSync(file, { force: true });
    this.#timer = setInterval(() => this.#look(), POLL_MS);
  }

  /** Ends following. @returns the parts that were seen, in milliseconds */
  stop(): Lap[] {
    clearInterval(this.#timer);
    this.#look();
    rmSync(this.file, { force: true });
    return [...this.#spans].map(([name, { begin, end }]) => ({ name, ms: end - begin }));
  }

  #look(): void {
    let text: string;
    try {
      text = readFileSync(this.file, "utf8");
    } catch {
      return; // not begun yet
    }
    const whole = text.slice(this.#read, text.lastIndexOf("\n") + 1);
    this.#read += whole.length;
    for (const line of whole.split("\n")) if (line !== "") this.#note(line);
  }

  #note(line: string): void {
    const event = JSON.parse(line) as Event;
    const now = performance.now();
    const begun = partOf(event.resourcePreEvent);
    if (begun !== undefined && !this.#spans.has(begun))
      this.#spans.set(begun, { begin: now, end: now });
    const span = this.#spans.get(partOf(event.resOutputsEvent) ?? "");
    if (span !== undefined) span.end = now;
  }
}

function partOf(step: Step | undefined): string | undefined {
  if (step === undefined || LOOKING.includes(step.metadata.op)) return undefined;
  return parts.get(step.metadata.type);
}
