/**
 * Proves that `up`, killed with SIGKILL at random moments and in every manner it can be killed (the
 * whole group, the command alone, npm alone), leaves nothing that the next run trips over: it converges,
 * with one genesis, one process for each node, and none of the killed run left over.
 * Does not prove: what a power failure leaves, or a kill of the pulumi command.
 */
import assert from "node:assert/strict";
import { spawn } from "node:child_process";
import { readFileSync } from "node:fs";
import { join } from "node:path";
import { after, test } from "node:test";
import { Checkout, finish, smallNetwork } from "./checkout.ts";
import { nodeProcesses, processesNaming, statusOf, until } from "./probes.ts";

/** Another one: GUTS_E2E_SEED=7 npm test -- e2e/kill */
const seed = Number(process.env["GUTS_E2E_SEED"] ?? 20_261);
const ROUNDS = 10;
/** A first `up` with a release at hand takes about this long on two cores that are free. */
const SPAN_MS = 9_000;

const checkout = new Checkout();
after(() => checkout.remove());
checkout.takeRelease();
checkout.describe(await smallNetwork());

/** Numbers from 0 to 1, the same for the same seed: the generator known as mulberry32. */
function randomNumbers(start: number): () => number {
  let state = start >>> 0;
  return () => {
    state = (state + 0x6d2b79f5) >>> 0;
    let mixed = Math.imul(state ^ (state >>> 15), state | 1);
    mixed ^= mixed + Math.imul(mixed ^ (mixed >>> 7), mixed | 61);
    return ((mixed ^ (mixed >>> 14)) >>> 0) / 2 ** 32;
  };
}

const manners = ["group", "command", "npm"] as const;

/** Starts `up` under a parent that stands for npm: it waits for a shell that runs the command. */
function startUp() {
  const words = [
    join(checkout.root, "infra/cli/main.ts"),
    "start",
    "local",
    "--engine",
    "embedded",
  ];
  const script = `${[process.execPath, ...words].map((word) => `'${word}'`).join(" ")} && true`;
  const parent = `require("node:child_process").spawn("sh", ["-c", process.argv[1]], { stdio: "inherit" })`;
  const { PATH, HOME } = process.env;
  return spawn(process.execPath, ["-e", parent, script], {
    cwd: checkout.root,
    env: { PATH, HOME, PULUMI_HOME: join(checkout.root, "none"), npm_lifecycle_event: "start" },
    stdio: ["ignore", "pipe", "pipe"],
    detached: true,
  });
}

function killRun(parent: number, manner: (typeof manners)[number]): void {
  if (manner === "group") process.kill(-parent, "SIGKILL");
  else if (manner === "npm") process.kill(parent, "SIGKILL");
  else {
    const command = [...processesNaming("infra/cli/main.ts")].find(
      ([, line]) =>
        line.includes(checkout.root) && line.startsWith(process.execPath) && !line.includes(" -e "),
    );
    process.kill(command?.[0] ?? -parent, "SIGKILL");
  }
}

/** Processes of a run: whatever names the checkout and is no node. */
function processesOfRuns(): string[] {
  return [...processesNaming(checkout.root).values()].filter(
    (line) => !line.includes("guts-node.mjs"),
  );
}

test(`up converges after ${ROUNDS} kills (seed ${seed})`, async (t) => {
  const random = randomNumbers(seed);
  const genesisFile = join(checkout.home, "local", "genesis.json");
  let genesis: string | undefined;
  for (let round = 0; round < ROUNDS; round += 1) {
    const manner = manners[round % manners.length] ?? "group";
    const delayMs = Math.round(random() * SPAN_MS);
    t.diagnostic(`round ${round}: kill the ${manner} after ${delayMs} ms`);
    const run = startUp();
    const ended = finish(run);
    await Promise.race([ended, new Promise((resolve) => setTimeout(resolve, delayMs))]);
    if (run.exitCode === null && run.pid !== undefined) killRun(run.pid, manner);
    await ended;
    await until(
      "the processes of the killed run are gone",
      10_000,
      () => processesOfRuns().length === 0,
    );
    const now = readIfThere(genesisFile);
    if (genesis !== undefined) assert.equal(now, genesis, "the genesis has changed");
    genesis = now;
  }
  const { code, all } = await checkout.up();
  assert.equal(code, 0, all);
  if (genesis !== undefined) assert.equal(readIfThere(genesisFile), genesis);
  const { healthy, nodes } = await statusOf(checkout);
  assert.equal(healthy, true);
  assert.deepEqual(nodeProcesses(checkout).sort(), nodes.map(({ pid }) => pid).sort());
  assert.equal(nodes.length, 4);
});

function readIfThere(file: string): string | undefined {
  try {
    return readFileSync(file, "utf8");
  } catch {
    return undefined;
  }
}
