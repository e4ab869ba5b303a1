import { type Behaviour, behaviours } from "./adversary.ts";
import { calmLinks } from "./network.ts";
import { hold } from "./oracle.ts";
import { Random } from "./random.ts";
import { type SimulatedNode, World, type WorldOptions } from "./world.ts";

export interface ScheduleOptions {
  readonly seed: number;
  readonly behaviour?: Behaviour;
  readonly realSignatures?: boolean;
  readonly trace?: boolean;
}

export interface ScheduleResult {
  readonly world: World;
  readonly height: number;
  readonly events: number;
}

/** When the faults end, how many blocks must follow, and how long they may take. */
const BLOCKS_AFTER = 3;
const PATIENCE_MS = 30_000;

/**
 * One random schedule over four validators: a time of faults (loss, delay, duplication, reordering,
 * partitions, crashes with lost memory, lost journals, one bad validator), then a calm in which the
 * chain must grow at every honest node. The promises are checked after every event.
 */
export async function runSchedule(options: ScheduleOptions): Promise<ScheduleResult> {
  const random = new Random(options.seed ^ 0x5eed);
  const byzantine = chooseAdversary(random, options.behaviour);
  const world = new World({
    seed: options.seed,
    validators: 4,
    bansWork: random.chance(0.5),
    ...(byzantine && { byzantine }),
    ...(options.realSignatures && { realSignatures: true }),
    timing: {
      retentionViews: random.pick([4, 16, 256]),
      inactiveMs: random.pick([450, 900, 2000]),
    },
  });
  if (options.trace) world.startTrace();
  await disturb(world, random);
  await calm(world, random.chance(0.4));
  const { events } = world.scheduler;
  return { world, height: world.highestHeight(), events };
}

function chooseAdversary(
  random: Random,
  behaviour: Behaviour | undefined,
): WorldOptions["byzantine"] {
  if (behaviour === undefined && random.chance(0.3)) return undefined;
  return { index: random.integer(0, 3), behaviour: behaviour ?? random.pick(behaviours) };
}

async function disturb(world: World, random: Random): Promise<void> {
  const harsh = random.chance(0.7);
  world.network.faults = {
    loss: harsh ? random.pick([0, 0.02, 0.1, 0.3]) : 0,
    duplication: random.pick([0, 0.05, 0.2]),
    minDelayMs: 1,
    maxDelayMs: random.pick([3, 10, 40, 150]),
  };
  const length = random.integer(100, 700);
  for (const node of world.nodes) if (random.chance(0.9)) world.start(node);
  world.greetAll();
  const faults = harsh ? random.integer(2, 10) : random.integer(0, 2);
  for (let fault = 0; fault < faults; fault++) {
    await world.run(world.scheduler.now + length / (faults + 1));
    injectFault(world, random);
  }
  await world.run(world.scheduler.now + length / (faults + 1));
}

function injectFault(world: World, random: Random): void {
  const node = random.pick(world.nodes);
  const kind = random.integer(0, 9);
  if (kind <= 1) world.crash(node);
  else if (kind === 2) world.arm(node, random.pick(["before-commit", "after-commit"]));
  else if (kind === 3) node.crashAfterSends = random.integer(0, 6);
  else if (kind === 4) for (const each of world.nodes) world.crash(each);
  else if (kind === 5) partition(world, random);
  else if (kind === 6) loseJournal(world, node, random);
  else world.network.mendAll();
  for (const each of world.nodes)
    if (each.run === undefined && random.chance(0.7)) world.start(each);
  if (random.chance(0.5)) world.greetAll();
}

/** Halves, one alone, or single directions. */
function partition(world: World, random: Random): void {
  const [first, ...others] = random.shuffle(world.nodes);
  const side = new Set(random.chance(0.5) ? [first, others[0]] : [first]);
  const bothWays = random.chance(0.7);
  for (const a of world.nodes)
    for (const b of world.nodes) {
      if (side.has(a) === side.has(b)) continue;
      if (bothWays || side.has(a)) world.network.link(a.key, b.key, false);
    }
}

/** Only with no bad validator, and once: more would be more faults than the protocol tolerates. */
function loseJournal(world: World, node: SimulatedNode, random: Random): void {
  if (world.options.byzantine !== undefined) return;
  const lost = world.nodes.some(({ disk }) => disk.lost);
  if (lost || node.disk.records.length === 0) return;
  world.crash(node);
  node.disk.wipeJournal();
  if (random.chance(0.6)) isolate(world, node);
}

/** It hears nobody, and everybody hears it. */
function isolate(world: World, node: SimulatedNode): void {
  for (const other of world.nodes)
    if (other !== node) world.network.link(other.key, node.key, false);
}

async function calm(world: World, greet: boolean): Promise<void> {
  world.network.faults = calmLinks;
  world.network.mendAll();
  for (const node of world.nodes) {
    node.crashAfterSends = undefined;
    if (node.run !== undefined) node.run.journal.armed = undefined;
    world.start(node);
  }
  // Otherwise only what is sent again can tell a node what it missed.
  if (greet) world.greetAll();
  const before = world.highestHeight();
  const deadline = world.scheduler.now + PATIENCE_MS;
  await world.run(deadline, () => world.lowestHeight() >= before + BLOCKS_AFTER);
  hold(
    world.lowestHeight() >= before + BLOCKS_AFTER,
    "L2",
    () =>
      `heights ${world.honest.map(({ disk }) => disk.finalized.length)} from ${before} on, ` +
      `views ${world.honest.map(({ run }) => run?.engine.position.view)}`,
  );
}
