/**
 * Proves that stacks are found, that unknown and broken ones are refused with what is allowed, and that
 * locks of killed runs, and only those, are removed. Does not run an engine.
 */
import assert from "node:assert/strict";
import { spawnSync } from "node:child_process";
import { existsSync, mkdirSync, mkdtempSync, rmSync, utimesSync, writeFileSync } from "node:fs";
import { hostname, tmpdir } from "node:os";
import { join } from "node:path";
import { afterEach, beforeEach, test } from "node:test";
import { Failure, UsageError } from "../../../infra/cli/command.ts";
import { clearStaleLocks } from "../../../infra/cli/locks.ts";
import { readPlan } from "../../../infra/cli/network.ts";
import { openProject, type Project, stackNames } from "../../../infra/cli/project.ts";

let root: string;
let project: Project;

beforeEach(() => {
  root = mkdtempSync(join(tmpdir(), "guts-project-"));
  writeFileSync(join(root, "Pulumi.yaml"), "name: guts\nstackConfigDir: stacks\n");
  mkdirSync(join(root, "stacks"));
  project = openProject(root, {});
});
afterEach(() => rmSync(root, { recursive: true }));

const describeStack = (name: string, text: string) =>
  writeFileSync(join(root, "stacks", `Pulumi.${name}.yaml`), text);

test("stacks are the files there are", () => {
  describeStack("local", "");
  describeStack("a.b", "");
  writeFileSync(join(root, "stacks", "README.md"), "");
  assert.deepEqual(stackNames(project), ["a.b", "local"]);
  assert.equal(project.home, join(root, ".guts"));
  assert.equal(openProject(root, { GUTS_HOME: "/srv/guts" }).home, "/srv/guts");
});

test("an unknown stack lists those there are", () => {
  describeStack("local", "");
  describeStack("staging", "");
  assert.throws(
    () => readPlan(project, "stagnig"),
    (error) =>
      error instanceof UsageError &&
      error.message.includes('did you mean "staging"?') &&
      error.message.includes("stacks there are: local, staging"),
  );
});

const broken: readonly (readonly [text: string, message: RegExp])[] = [
  ["config:\n  - guts:network: [", /is not YAML/],
  ["config: 7\n", /got "config" that is no mapping/],
  ["config: {}\n", /got no "guts:network"/],
  ["", /got no "guts:network"/],
  ["config: { guts:network: { chainId: X } }\n", /(?=[^]*chainId: )(?=[^]*purpose: )[^]*sites: /],
];
for (const [text, message] of broken)
  test(`refuses the description ${JSON.stringify(text)}`, () => {
    describeStack("local", text);
    assert.throws(
      () => readPlan(project, "local"),
      (error) => error instanceof UsageError && message.test(error.message),
    );
  });

const locks = () => join(root, "state/.pulumi/locks/organization/guts/local");
function lock(content: string): string {
  mkdirSync(locks(), { recursive: true });
  const file = join(locks(), "0e3d.json");
  writeFileSync(file, content);
  return file;
}
async function clear(): Promise<string[]> {
  const said: string[] = [];
  const directory = join(root, "state");
  mkdirSync(directory, { recursive: true });
  await clearStaleLocks(
    project,
    { url: `file://${directory}`, directory, own: true },
    "local",
    (line) => said.push(line),
  );
  return said;
}
const lockOf = (pid: number, host = hostname(), timestamp = new Date().toISOString()) =>
  JSON.stringify({ pid, username: "ana", hostname: host, timestamp });
const deadPid = () => spawnSync("true").pid;

test("without a lock nothing is said", async () => assert.deepEqual(await clear(), []));

test("the lock of a process that is gone is removed, and that is said", async () => {
  const pid = deadPid();
  const file = lock(lockOf(pid));
  const [line = ""] = await clear();
  assert.match(line, new RegExp(`process ${pid},`));
  assert.equal(existsSync(file), false);
});

test("the lock of a process that runs is kept, and its holder is named", async () => {
  const file = lock(lockOf(process.pid));
  await assert.rejects(clear, (error) => {
    assert.ok(error instanceof Failure);
    assert.match(error.message, new RegExp(`process ${process.pid} of ana`));
    return true;
  });
  assert.equal(existsSync(file), true);
});

test(
  "a process that started after the lock is another one with the same id",
  { skip: existsSync("/proc/stat") ? false : "this system does not show start times in /proc" },
  async () => {
    lock(lockOf(process.pid, hostname(), "2020-01-01T00:00:00Z"));
    assert.equal((await clear()).length, 1);
  },
);

test("a lock of another machine is never removed", async () => {
  const file = lock(lockOf(deadPid(), "another-machine"));
  await assert.rejects(clear, /another-machine.*if that machine is gone for good/);
  assert.equal(existsSync(file), true);
});

test("a torn lock is respected while it is fresh and removed when it is old", async () => {
  const file = lock('{"pid":');
  await assert.rejects(clear, /being locked right now/);
  utimesSync(file, new Date(0), new Date(0));
  assert.equal((await clear()).length, 1);
  assert.equal(existsSync(file), false);
});
