import { readFileSync } from "node:fs";
import { join } from "node:path";

/** A setup that ended longer ago belongs to an earlier command. */
const SETUP_RECENT_MS = 2_000;

/** One part of a run and how long it took, in milliseconds. */
export interface Lap {
  readonly name: string;
  readonly ms: number;
}

/** Says where the time of a command goes. */
export class Stopwatch {
  readonly #laps: Lap[] = [];
  #last: number;

  /** @param root of the checkout, whose setup counts if it ran just before this command */
  constructor(root: string) {
    const setup = setupBefore(root, performance.timeOrigin);
    if (setup !== undefined) this.#laps.push({ name: "setup", ms: setup });
    this.#last = 0; // performance.now() counts from the start of the process
  }

  /** Ends a part that began where the last one ended. */
  lap(name: string): void {
    const now = performance.now();
    this.#laps.push({ name, ms: now - this.#last });
    this.#last = now;
  }

  /** The same for a part of which some stretches are known by themselves; the rest keeps the name. */
  lapWith(name: string, stretches: readonly Lap[]): void {
    const now = performance.now();
    const known = stretches.reduce((sum, { ms }) => sum + ms, 0);
    this.#laps.push({ name, ms: Math.max(0, now - this.#last - known) }, ...stretches);
    this.#last = now;
  }

  get laps(): readonly Lap[] {
    return this.#laps;
  }

  get totalMs(): number {
    return this.#laps.reduce((sum, { ms }) => sum + ms, 0);
  }
}

/** How long the setup took that this command had to wait for; undefined when it had nothing to do. */
function setupBefore(root: string, commandStart: number): number | undefined {
  try {
    const text = readFileSync(join(root, "node_modules", ".guts-setup.json"), "utf8");
    const { startedAt, endedAt } = JSON.parse(text) as { startedAt: number; endedAt: number };
    const recent = commandStart >= endedAt && commandStart - endedAt < SETUP_RECENT_MS;
    return recent ? endedAt - startedAt : undefined;
  } catch {
    return undefined; // the checkout was set up by other means
  }
}
