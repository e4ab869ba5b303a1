/**
 * Proves: the command as a user meets it - making, showing, listing and removing stacks, what is printed, exit codes, and that what
 * goes wrong before a run has begun leaves no trace.
 *
 * Does not prove: what runs do to resources; the recorded cases do.
 */
import assert from "node:assert/strict";
import { appendFileSync, existsSync, readFileSync, writeFileSync } from "node:fs";
import { join } from "node:path";
import { test, type TestContext } from "node:test";
import { ProbeProject, type Finished } from "./support/probe-project.ts";

const UP = ["up", "--yes", "--skip-preview"];

function project(
  t: TestContext,
  ...given: ConstructorParameters<typeof ProbeProject>
): ProbeProject {
  const made = new ProbeProject(...given);
  t.after(() => made.remove());
  return made;
}

function ok({ code, stdout, stderr }: Finished): string {
  assert.equal(code, 0, stdout + stderr);
  return stdout;
}

function failed({ code, stdout, stderr }: Finished, expected: number, text: RegExp): void {
  assert.equal(code, expected, stdout + stderr);
  assert.match(stdout + stderr, text);
}

test("a stack from its making to its removal", async (t) => {
  const p = project(t);
  p.program(`
const a = new Thing("a", { value: 1, computed: ["url"] });
console.log("a word from the program");
export const url = a.url;
export const token = pulumi.secret("hidden");`);
  failed(
    await p.run(UP),
    1,
    /no stack named 'dev' found: make it with `stack init`, or with `up --create`/,
  );
  const shown = ok(await p.run([...UP, "--create"]));
  assert.match(shown, /\+ +probe:index:Thing a created/);
  assert.match(shown, /a word from the program/);
  assert.match(shown, /token: \[secret\]\n +url +: "a\.url\.1"/);
  assert.match(shown, /Resources: 2 created, \d+ s/);
  assert.ok(!shown.includes("\x1b") && !shown.includes("hidden"), "no colour and no secret");
  assert.match(readFileSync(join(p.directory, "Pulumi.dev.yaml"), "utf8"), /^encryptionsalt: v1:/m);
  assert.deepEqual(JSON.parse(ok(await p.run(["stack", "output", "--json"]))), {
    token: "[secret]",
    url: "a.url.1",
  });
  assert.equal(ok(await p.run(["stack", "output", "token", "--show-secrets"])), "hidden\n");
  failed(
    await p.run(["stack", "output", "none"]),
    1,
    /does not have output property 'none', it has: token, url/,
  );
  assert.deepEqual(JSON.parse(ok(await p.run(["stack", "ls", "--json"]))), [
    { name: "dev", resourceCount: 3, updateInProgress: false },
  ]);
  failed(await p.run(["stack", "rm", "--yes"]), 1, /still has 2 resources/);
  const events = ok(await p.run(["destroy", "--yes", "--skip-preview", "--json"]))
    .trim()
    .split("\n")
    .map((line) => JSON.parse(line) as Record<string, unknown>);
  assert.deepEqual((events.at(-1)?.summaryEvent as { resourceChanges: object }).resourceChanges, {
    delete: 2,
  });
  ok(await p.run(["stack", "rm", "--yes"]));
  assert.ok(!existsSync(p.stackFile));
});

test("a command line that is wrong says what is allowed", async (t) => {
  const p = project(t);
  failed(await p.run(["up"]), 2, /--yes must be passed/);
  failed(await p.run(["up", "--yes", "--preview-only"]), 2, /exclude each other/);
  failed(await p.run(["stack", "burn"]), 2, /allowed: init, ls, output, rm/);
  failed(
    await p.run(["up", "--yes", "--plan", "x"]),
    1,
    /the flag --plan is not supported by the embedded engine/,
  );
});

test("what goes wrong before a run begins leaves no trace", async (t) => {
  const p = project(t),
    history = join(p.backend, ".pulumi", "history");
  p.program(`new Thing("a", { value: 1 });`);
  ok(await p.run(["stack", "init"]));
  const state = readFileSync(p.stackFile, "utf8"),
    salt = readFileSync(join(p.directory, "Pulumi.dev.yaml"), "utf8");
  writeFileSync(
    join(p.directory, "Pulumi.dev.yaml"),
    salt.replace(/v1:[^:]+:/, "v1:AAAAAAAAAAA=:"),
  );
  failed(await p.run(UP), 1, /incorrect passphrase/);
  writeFileSync(join(p.directory, "Pulumi.dev.yaml"), salt);
  writeFileSync(p.stackFile, state.slice(0, -20));
  failed(await p.run(UP), 1, /dev\.json is not JSON .*put back .*dev\.json\.bak/);
  writeFileSync(p.stackFile, state);
  assert.ok(!existsSync(history) && p.calls().length === 0);
  assert.deepEqual(p.locks(), []);
  assert.equal(readFileSync(p.stackFile, "utf8"), state);
  ok(await p.run(UP));
});

test("a broken program and a broken plugin are shown", async (t) => {
  const p = project(t);
  ok(await p.run(["stack", "init"]));
  p.program(`const = 1;`);
  failed(await p.run(UP), 1, /SyntaxError|Expression expected|Unexpected token/);
  p.program(`new Thing("a", { value: 1 });`);
  writeFileSync(
    join(p.directory, "plugin", "pulumi-resource-probe"),
    "#!/bin/sh\necho out of order >&2\nexit 3\n",
  );
  failed(
    await p.run(UP),
    1,
    /could not start the plugin probe .*exit code 3 before it printed its port\n +out of order/,
  );
  assert.deepEqual(p.locks(), []);
});

test("default providers can be forbidden", async (t) => {
  const p = project(t);
  ok(await p.run(["stack", "init"]));
  appendFileSync(
    join(p.directory, "Pulumi.dev.yaml"),
    `config: { "pulumi:disable-default-providers": ["*"] }\n`,
  );
  p.program(`new Thing("a", { value: 1 });`);
  failed(
    await p.run(UP),
    1,
    /Default provider for 'probe' disabled. 'probe:index:Thing' must use an explicit provider/,
  );
  p.program(`new Thing("a", { value: 1 }, { provider: new Provider("p", {}) });`);
  ok(await p.run(UP));
});

test("options.refresh: always reads what there is before each update", async (t) => {
  const p = project(t, "options: { refresh: always }\n");
  p.program(`new Thing("a", { value: 1 });`);
  ok(await p.run([...UP, "--create"]));
  ok(await p.run(UP));
  assert.equal(p.count("Read", "a"), 1);
  ok(await p.run([...UP, "--refresh=false"]));
  assert.equal(p.count("Read", "a"), 1);
});

test("what the engine does not do is refused by name", async (t) => {
  const p = project(t);
  ok(await p.run(["stack", "init"]));
  p.program(`new pulumi.ComponentResource("probe:index:Remote", "r", {}, {}, true);`);
  failed(
    await p.run(UP),
    1,
    /probe:index:Remote r: remote components .* not supported by the embedded engine/,
  );
});
