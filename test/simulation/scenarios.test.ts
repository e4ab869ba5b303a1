/**
 * Proves: what an operator may expect of a network, on a virtual clock and with the durations of the
 * product where they matter: one validator down costs little, two down stop it without harm, and it
 * goes on soon after one is back; all may be killed at once; late nodes catch up; followers follow.
 * Does not prove: the speed of a real machine or network.
 */
import assert from "node:assert/strict";
import { test } from "node:test";
import { calmLinks } from "./network.ts";
import { type SimulatedNode, World } from "./world.ts";

/** Two seconds between blocks, as a new network has them. */
const productTiming = {
  leaderMs: 2500,
  certificationMs: 3000,
  nullifyRetryMs: 1000,
  inactiveMs: 30_000,
  retentionViews: 256,
  forwardMs: 250,
};
const productDelay = (_node: number, call: string) => (call === "propose" ? 2000 : 2);

function productWorld(seed: number, validators = 4): World {
  return new World({ seed, validators, timing: productTiming, delay: productDelay });
}

function at(world: World, index: number): SimulatedNode {
  return world.nodes[index] as SimulatedNode;
}

/** Virtual milliseconds until every running honest node has applied this many more blocks. */
async function untilGrown(world: World, blocks: number, patienceMs: number): Promise<number> {
  const startedAt = world.scheduler.now;
  const running = world.honest.filter(({ run }) => run !== undefined);
  const lowest = () => Math.min(...running.map(({ disk }) => disk.finalized.length));
  const target = world.highestHeight() + blocks;
  await world.run(startedAt + patienceMs, () => lowest() >= target);
  assert.ok(lowest() >= target, `height ${lowest()} of ${target} after ${patienceMs} ms`);
  return world.scheduler.now - startedAt;
}

for (const validators of [1, 4, 7, 10, 22])
  test(`${validators} validators finalize every proposal in a calm network`, async () => {
    const world = new World({ seed: validators, validators });
    world.startAll();
    await untilGrown(world, validators > 10 ? 5 : 20, 5_000);
    const { view, lastFinalizedView } = at(world, 0).run!.engine.status();
    assert.ok(view - lastFinalizedView <= 2, `view ${view}, finalized ${lastFinalizedView}`);
    assert.equal(world.blocked.length, 0);
  });

test("a hundred validators finalize", async () => {
  const world = new World({ seed: 100, validators: 100 });
  world.startAll();
  await untilGrown(world, 1, 5_000);
});

test("one dead validator costs one leader timeout, and then nothing", async () => {
  const world = productWorld(1);
  world.startAll();
  await untilGrown(world, 4, 20_000);
  world.crash(at(world, 2));
  await world.run(world.scheduler.now + 60_000);
  const tenBlocks = await untilGrown(world, 10, 60_000);
  assert.ok(tenBlocks < 10 * 2_000 + 2_500, `ten blocks took ${tenBlocks} ms`);
});

for (const seed of Array.from({ length: 20 }, (_, i) => i))
  test(`two dead: nothing is final; one is back: it moves within 10 s (seed ${seed})`, async () => {
    const world = productWorld(seed);
    world.startAll();
    await untilGrown(world, 3, 20_000);
    const [a, b] = world.random.shuffle(world.nodes) as [SimulatedNode, SimulatedNode];
    world.crash(a);
    await world.run(world.scheduler.now + world.random.integer(0, 40_000));
    world.crash(b);
    await world.run(world.scheduler.now + 3_000);
    const height = world.highestHeight();
    await world.run(world.scheduler.now + world.random.integer(5_000, 120_000));
    assert.equal(world.highestHeight(), height, "a quorum is missing");
    world.start(a);
    const took = await untilGrown(world, 1, 10_000);
    assert.ok(took <= 10_000, `${took} ms`);
  });

for (const seed of [1, 2, 3, 4, 5])
  test(`all killed at once and started again go on (seed ${seed})`, async () => {
    const world = productWorld(seed);
    world.startAll();
    await world.run(world.random.integer(3_000, 15_000));
    const height = world.highestHeight();
    for (const node of world.nodes) world.crash(node);
    world.startAll();
    await untilGrown(world, 2, 10_000);
    assert.ok(world.highestHeight() >= height + 2);
  });

test("the whole network is killed again and again while it works", async () => {
  const world = new World({ seed: 77, validators: 5 });
  world.network.faults = { loss: 0.02, duplication: 0.02, minDelayMs: 1, maxDelayMs: 15 };
  for (let round = 0; round < 25; round++) {
    world.startAll();
    await world.run(world.scheduler.now + world.random.integer(50, 800));
    for (const node of world.nodes) world.crash(node);
  }
  world.network.faults = calmLinks;
  world.startAll();
  await untilGrown(world, 5, 10_000);
  assert.equal(world.evidence.length, 0);
});

test("all nullified the first view, crashed, and start again without greeting each other", async () => {
  const world = new World({ seed: 4, validators: 4 });
  for (const from of world.nodes)
    for (const to of world.nodes) world.network.link(from.key, to.key, false);
  for (const node of world.nodes.slice(0, 3)) world.start(node);
  await world.run(500);
  for (const node of world.nodes) world.crash(node);
  world.network.mendAll();
  for (const node of world.nodes.slice(0, 3)) world.start(node);
  await untilGrown(world, 3, 10_000);
});

test("a validator that was away for long catches up by height and votes again", async () => {
  const world = new World({ seed: 9, validators: 4, timing: { retentionViews: 8 } });
  for (const node of world.nodes.slice(0, 3)) world.start(node);
  await untilGrown(world, 150, 60_000);
  const late = at(world, 3);
  world.start(late);
  await untilGrown(world, 5, 10_000);
  world.crash(at(world, 0));
  await untilGrown(world, 5, 10_000);
});

test("followers apply every block, and a late one catches up", async () => {
  const world = new World({ seed: 3, validators: 4, followers: 2 });
  for (const node of world.nodes.slice(0, 5)) world.start(node);
  await world.run(1_500);
  const height = world.highestHeight();
  assert.ok(at(world, 4).disk.finalized.length >= height - 1);
  world.start(at(world, 5));
  await untilGrown(world, 5, 10_000);
  assert.equal(at(world, 5).run!.engine.status().mode, "observing");
  assert.equal(at(world, 5).disk.records.filter(({ signed }) => signed).length, 0);
});

test("halves of ten finalize nothing while they are apart, and go on together", async () => {
  const world = new World({ seed: 10, validators: 10 });
  world.startAll();
  await untilGrown(world, 5, 10_000);
  const left = new Set(world.nodes.slice(0, 5));
  for (const a of world.nodes)
    for (const b of world.nodes)
      if (left.has(a) !== left.has(b)) world.network.link(a.key, b.key, false);
  await world.run(world.scheduler.now + 200);
  const views = world.oracle.finalizedViews;
  await world.run(world.scheduler.now + 10_000);
  assert.equal(world.oracle.finalizedViews, views);
  world.network.mendAll();
  await untilGrown(world, 20, 20_000);
});

test("slow and lossy links: blocks still become final", async () => {
  const world = new World({
    seed: 5,
    validators: 5,
    timing: { leaderMs: 800, certificationMs: 1600, nullifyRetryMs: 500, inactiveMs: 20_000 },
  });
  world.network.faults = { loss: 0.3, duplication: 0, minDelayMs: 50, maxDelayMs: 350 };
  world.startAll();
  await untilGrown(world, 10, 300_000);
});

test("one slow application does not slow the others", async () => {
  const delay = (node: number, call: string) => (call === "propose" ? 20 : node === 1 ? 10_000 : 2);
  const world = new World({ seed: 6, validators: 5, delay });
  world.startAll();
  const others = world.nodes.filter(({ index }) => index !== 1);
  const lowest = () => Math.min(...others.map(({ disk }) => disk.finalized.length));
  await world.run(10_000, () => lowest() >= 50);
  assert.ok(lowest() >= 50, `height ${lowest()}`);
});

test("a validator whose journal was lost is silent, recovers, and votes again", async () => {
  const world = new World({ seed: 8, validators: 4 });
  world.startAll();
  await untilGrown(world, 10, 10_000);
  const node = at(world, 2);
  world.crash(node);
  node.disk.wipeJournal();
  world.start(node);
  assert.equal(node.run!.engine.status().mode, "recovering");
  await untilGrown(world, 10, 10_000);
  assert.equal(node.run!.engine.status().mode, "voting");
  world.crash(at(world, 0));
  await untilGrown(world, 5, 10_000);
});

test("an old copy of a journal is noticed", async () => {
  const world = new World({ seed: 12, validators: 4 });
  world.startAll();
  await untilGrown(world, 5, 10_000);
  const node = at(world, 1);
  const old = node.disk.snapshot();
  await untilGrown(world, 5, 10_000);
  world.crash(node);
  node.disk.restoreOld(old);
  world.start(node);
  assert.equal(node.run!.engine.status().mode, "recovering");
  await untilGrown(world, 10, 10_000);
  assert.equal(node.run!.engine.status().mode, "voting");
});

test("a lost journal that is lost again stays silent until it is safe", async () => {
  const world = new World({ seed: 13, validators: 4 });
  world.startAll();
  await untilGrown(world, 5, 10_000);
  const node = at(world, 1);
  world.crash(node);
  node.disk.wipeJournal();
  world.start(node);
  world.crash(node);
  world.start(node);
  assert.equal(node.run!.engine.status().mode, "recovering");
  await untilGrown(world, 5, 10_000);
});

test("an equivocating leader leaves evidence against itself alone", async () => {
  for (const seed of [1, 2, 3]) {
    const byzantine = { index: 2, behaviour: "conflicter" as const };
    const world = new World({ seed, validators: 4, byzantine });
    world.startAll();
    await untilGrown(world, 10, 20_000);
    assert.ok(world.evidence.length > 0);
    const culprit = at(world, 2).key;
    assert.ok(world.evidence.every(({ signer }) => signer === culprit));
    assert.ok(world.blocked.every(({ peer }) => peer === culprit));
  }
});
