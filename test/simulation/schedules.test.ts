/**
 * Proves: over many random schedules of four validators (loss, delay, duplication, reordering,
 * partitions, crashes around commits and between messages, lost journals, one bad validator of every
 * kind we know) the safety promises S1 to S13, S16 and S18 to S20 hold after every event, and the
 * chain grows at every honest node once the faults end. Runs are reproducible from their seed.
 * Does not prove: anything about real clocks, sockets, disks or the real chain.
 *
 * GUTS_SEED=n replays one schedule; GUTS_SCHEDULES=n runs another number of them.
 */
import assert from "node:assert/strict";
import { test } from "node:test";
import { behaviours } from "./adversary.ts";
import { runSchedule, type ScheduleOptions } from "./schedule.ts";

const replayed = process.env["GUTS_SEED"];
const schedules = Number(process.env["GUTS_SCHEDULES"] ?? 1000);

async function run(options: ScheduleOptions) {
  try {
    return await runSchedule(options);
  } catch (error) {
    const again = `replay it with GUTS_SEED=${options.seed}`;
    const { behaviour = "chosen by the seed", realSignatures = false } = options;
    throw new Error(
      `seed ${options.seed} (behaviour: ${behaviour}, real signatures: ${realSignatures}): ${(error as Error).message}; ${again}`,
      { cause: error },
    );
  }
}

test(`${replayed === undefined ? schedules : 1} random schedules`, async (context) => {
  const seeds =
    replayed === undefined ? Array.from({ length: schedules }, (_, i) => i) : [Number(replayed)];
  let events = 0;
  let heights = 0;
  for (const seed of seeds) {
    const result = await run({ seed });
    events += result.events;
    heights += result.height;
  }
  context.diagnostic(`${seeds.length} schedules, ${events} events, ${heights} blocks`);
});

for (const behaviour of behaviours)
  test(`a bad validator: ${behaviour}`, { skip: replayed !== undefined }, async () => {
    for (let seed = 5_000; seed < 5_012; seed++) await run({ seed, behaviour });
  });

test("schedules with real Ed25519 signatures", { skip: replayed !== undefined }, async () => {
  for (let seed = 9_000; seed < 9_012; seed++) await run({ seed, realSignatures: true });
});

test("the same seed gives the same trace, another seed another", async () => {
  const traces = new Set<string>();
  for (const seed of [1, 2, 3, 4, 5]) {
    const first = (await run({ seed, trace: true })).world.trace;
    const second = (await run({ seed, trace: true })).world.trace;
    assert.equal(first, second, `seed ${seed}`);
    traces.add(first);
  }
  assert.equal(traces.size, 5);
});
