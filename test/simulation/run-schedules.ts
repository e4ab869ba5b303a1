import { behaviours } from "./adversary.ts";
import { runSchedule } from "./schedule.ts";

/**
 * Runs schedules of consecutive seeds until one fails: `run-schedules.ts FIRST COUNT`. Prints the
 * seed and the broken promise, and then ends with 1.
 */
const [first = 0, count = 100] = process.argv.slice(2).map(Number);
for (let seed = first; seed < first + count; seed++) {
  // Every behaviour in turn, so that few seeds meet all of them.
  const behaviour = seed % 2 === 0 ? undefined : behaviours[(seed >> 1) % behaviours.length];
  try {
    await runSchedule({ seed, ...(behaviour && { behaviour }) });
  } catch (error) {
    console.log(`seed ${seed}: ${(error as Error).message}`);
    process.exit(1);
  }
}
