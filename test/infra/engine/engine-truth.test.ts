/**
 * Proves: the embedded engine does what Pulumi's own engine did on the recorded programs - the plugin calls and their order, the
 * steps and counts, messages, exit codes, outputs, checkpoints, history and locks.
 *
 * Does not prove: anything about real cloud providers, orders that nothing forces, wall-clock times, or programs unlike these.
 */
import assert from "node:assert/strict";
import { readFileSync } from "node:fs";
import { join } from "node:path";
import { test } from "node:test";
import { pathToFileURL } from "node:url";
import { ENGINE, FIXTURES, ROOT } from "./support/paths.ts";

interface Play {
  caseNames(): string[];
  /** Differences, one a line. */
  play(name: string, options: { engine: string[]; nodeModules: string }): Promise<string[]>;
}

/** Cases that the engine refuses by name, with the reason; the engine's README has the same list. */
const REFUSED: Readonly<Record<string, string>> = {};

/** Half of a case is waiting, for a process to start or for a slow resource. */
const AT_ONCE = 3;

const { caseNames, play } = (await import(
  pathToFileURL(join(FIXTURES, "lib", "play.ts")).href
)) as Play;

test("engine-truth", { concurrency: AT_ONCE }, async (t) => {
  const names = caseNames();
  await Promise.all(
    names.map((name) =>
      t.test(name, { skip: REFUSED[name] }, async () => {
        const problems = await play(name, {
          engine: [process.execPath, ENGINE],
          nodeModules: join(ROOT, "node_modules"),
        });
        assert.equal(problems.join("\n"), "");
      }),
    ),
  );
});

test("the README lists exactly the refused cases", () => {
  const readme = readFileSync(join(ROOT, "infra", "engine", "README.md"), "utf8");
  const section = /^### Recorded cases refused$([\s\S]*?)(?=^#|(?![\s\S]))/m.exec(readme)?.[1];
  assert.ok(section, "the README has a section `Recorded cases refused`");
  const listed = [...section.matchAll(/^- `([\w-]+)`: (.+)$/gm)].map(([, name, why]) => [
    name,
    why,
  ]);
  assert.deepEqual(Object.fromEntries(listed), REFUSED);
});
