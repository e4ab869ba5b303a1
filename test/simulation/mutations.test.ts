/**
 * Proves: the simulator notices when a rule of consensus is broken. Each test breaks one rule in a
 * copy of the source and runs schedules on it until a promise fails.
 * Does not prove: that rules which are not listed would be noticed.
 */
import assert from "node:assert/strict";
import { execFile } from "node:child_process";
import { cp, mkdtemp, readFile, rm, symlink, writeFile } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join, relative, resolve } from "node:path";
import { test } from "node:test";
import { fileURLToPath } from "node:url";
import { mutations } from "./mutations.ts";

const root = resolve(import.meta.dirname, "../..");
const SCHEDULES = 400;
/** Started in the copy, never here. */
const runner = new URL(import.meta.resolve("./run-schedules.ts"));

for (const mutation of mutations)
  test(`noticed: ${mutation.name}`, async (context) => {
    const copy = await mkdtemp(join(tmpdir(), "guts-mutation-"));
    context.after(() => rm(copy, { recursive: true, force: true }));
    await copySources(copy);
    const file = join(copy, "node/consensus", mutation.file);
    const source = await readFile(file, "utf8");
    assert.equal(source.split(mutation.find).length, 2, "the text to change occurs once");
    await writeFile(
      file,
      source.replace(mutation.find, () => mutation.replace),
    );
    const output = await runSchedules(copy);
    const broken = /^seed \d+: ([^:]+):/.exec(output)?.[1];
    assert.ok(broken !== undefined, `nothing failed in ${SCHEDULES} schedules: ${output}`);
    assert.ok(
      mutation.breaks.includes(broken),
      `got ${output.trim()}, expected one of ${mutation.breaks}`,
    );
  });

async function copySources(target: string): Promise<void> {
  for (const folder of ["node/consensus", "node/formats", "test/simulation"])
    await cp(join(root, folder), join(target, folder), { recursive: true });
  await writeFile(join(target, "package.json"), '{ "type": "module" }');
  for (const modules of ["node_modules", "node/node_modules"])
    await symlink(join(root, modules), join(target, modules)).catch(() => undefined);
}

function runSchedules(cwd: string): Promise<string> {
  const args = [relative(root, fileURLToPath(runner)), "0", String(SCHEDULES)];
  return new Promise((done) => {
    execFile(process.execPath, args, { cwd }, (_error, stdout, stderr) => done(stdout + stderr));
  });
}
