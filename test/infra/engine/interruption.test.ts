/**
 * Proves: whatever moment the engine is killed at, the checkpoint says what may have been under way, the next run converges, and
 * nothing that the checkpoint knew is made a second time; an interrupt lets the step in flight finish; children of a killed engine
 * end by themselves.
 *
 * Does not prove: what a provider does with a call that was cut off - a thing made after the checkpoint was last written is only
 * named as pending, as with Pulumi.
 */
import assert from "node:assert/strict";
import { spawn } from "node:child_process";
import { once } from "node:events";
import { join } from "node:path";
import { test } from "node:test";
import { pathToFileURL } from "node:url";
import { ROOT } from "./support/paths.ts";
import { descendants, eventually, isAlive, ProbeProject } from "./support/probe-project.ts";

const SEED = 20_261_124;
const KILLS = 6;
const NAMES = ["a", "b", "c", "d", "e"];
const PROGRAM = `
let last;
for (const name of ${JSON.stringify(NAMES)})
  last = new Thing(name, { value: 1, delayMs: 60, computed: ["url"] }, last ? { dependsOn: last } : {});
export const url = last.url;`;
/** From the start of the engine to the end of an undisturbed run. */
const SPAN_MS = 3_000;

/** A small generator, so that a failure can be repeated. */
function randoms(seed: number): () => number {
  let state = seed;
  return () => (state = (state * 1_103_515_245 + 12_345) % 2 ** 31) / 2 ** 31;
}

test(`killed at ${KILLS} random moments (seed ${SEED}), the stack still converges`, async (t) => {
  const project = new ProbeProject();
  t.after(() => project.remove());
  project.program(PROGRAM);
  assert.equal((await project.run(["stack", "init"])).code, 0);
  const random = randoms(SEED),
    allowed = new Map(NAMES.map((name) => [name, 1]));
  for (let i = 0; i < KILLS; i++) {
    const running = project.start(["up", "--yes", "--skip-preview"]),
      below = new Set<number>();
    const timer = setTimeout(() => {
      for (const pid of descendants(running.child.pid as number)) below.add(pid);
      running.child.kill("SIGKILL");
    }, random() * SPAN_MS);
    await running.finished;
    clearTimeout(timer);
    await eventually(
      () => ![...below].some(isAlive),
      8_000,
      "children of the killed engine are alive",
    );
    for (const operation of project.pending())
      if (operation.startsWith("creating ")) {
        const name = operation.slice("creating ".length);
        allowed.set(name, (allowed.get(name) ?? 1) + 1);
      }
    project.unlock();
  }
  const last = await project.run(["up", "--yes", "--skip-preview"]);
  assert.equal(last.code, 0, last.stdout + last.stderr);
  const recorded = project.resources().filter((r) => r.type === "probe:index:Thing");
  assert.deepEqual(
    recorded.map((r) => String(r.urn).split("::").at(-1)),
    NAMES,
  );
  for (const name of NAMES) {
    const calls = project.count("Create", name);
    assert.ok(
      calls >= 1 && calls <= (allowed.get(name) ?? 1),
      `${name} was created ${calls} times (seed ${SEED})`,
    );
  }
  for (const { id } of recorded)
    assert.ok(project.things().includes(String(id)), `${String(id)} exists`);
  const again = await project.run(["up", "--yes", "--skip-preview", "--expect-no-changes"]);
  assert.equal(again.code, 0, again.stdout + again.stderr);
});

test("an interrupt lets the step in flight finish, saves it and frees the lock", async (t) => {
  const project = new ProbeProject();
  t.after(() => project.remove());
  project.program(`
const a = new Thing("a", { value: 1, delayMs: 700 });
new Thing("b", { value: 1 }, { dependsOn: a });`);
  await project.run(["stack", "init"]);
  const running = project.start(["up", "--yes", "--skip-preview"]);
  await project.received("Create", "a", running);
  running.child.kill("SIGINT");
  const { code, stdout } = await running.finished;
  assert.equal(code, 1, stdout);
  assert.match(stdout, /interrupted/);
  assert.deepEqual(project.things(), ["a-1"]);
  assert.ok(
    project.resources().some((r) => r.id === "a-1"),
    "the finished step is recorded",
  );
  assert.equal(project.count("Create", "b"), 0);
  assert.deepEqual(project.pending(), []);
  assert.deepEqual(project.locks(), []);
  const next = await project.run(["up", "--yes", "--skip-preview"]);
  assert.equal(next.code, 0, next.stdout + next.stderr);
  assert.deepEqual(project.things(), ["a-1", "b-1"]);
});

test("what a killed process has started is ended, with its process group", async () => {
  const guard = pathToFileURL(join(ROOT, "infra", "engine", "plugins", "guard.ts")).href;
  const script = `
    import { spawn } from "node:child_process";
    import { ChildGuard } from ${JSON.stringify(guard)};
    const guard = new ChildGuard();
    const child = spawn("/bin/sh", ["-c", "sleep 600 & echo $!; wait"], { detached: true, stdio: ["ignore", "pipe", "inherit"] });
    guard.watch(child);
    child.stdout.on("data", (text) => console.log(child.pid + " " + String(text).trim()));
    setInterval(() => undefined, 1000);`;
  const victim = spawn(process.execPath, ["--input-type=module", "-e", script], {
    stdio: ["ignore", "pipe", "inherit"],
  });
  const [line] = (await once(victim.stdout, "data")) as [Buffer];
  const pids = line.toString().trim().split(" ").map(Number);
  assert.equal(pids.length, 2);
  assert.ok(pids.every(isAlive));
  victim.kill("SIGKILL");
  await eventually(() => !pids.some(isAlive), 8_000, `${pids.join(", ")} are alive`);
});
