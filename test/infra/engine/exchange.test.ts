/**
 * Proves: `pulumi` and the embedded engine work on one stack in turn, in either order - each reads what the other wrote, secrets
 * included, and sees no change that the other did not make. Skipped without `pulumi` on PATH.
 *
 * Does not prove: anything about other backends or other versions of the CLI.
 */
import assert from "node:assert/strict";
import { spawnSync } from "node:child_process";
import { test } from "node:test";
import { ProbeProject } from "./support/probe-project.ts";

const found = spawnSync("pulumi", ["version"], { encoding: "utf8" });
const skip = found.status === 0 ? false : "there is no pulumi on PATH";
const PULUMI = ["pulumi"];
const QUIET = ["--skip-preview", "--yes", "--color", "never"];

const program = (value: number): string => `
const a = new Thing("a", { value: ${value}, token: pulumi.secret("t"), computed: ["url"], secretOutputs: ["url"] });
new Group("g", (self) => { new Thing("g-a", { value: a.url, nested: { x: [1, "2", null] } }, { parent: self, protect: false }); });
const p = new Provider("p", { region: "north", key: pulumi.secret("k") });
new Thing("b", { value: a.id, replaceOn: ["value"] }, { provider: p, customTimeouts: { create: "5m" }, dependsOn: a });
export const url = a.url;
export const plain = { value: ${value} };`;

for (const [first, second] of [
  ["embedded", "pulumi"],
  ["pulumi", "embedded"],
] as const)
  test(`a stack made by ${first}, taken over by ${second} and given back`, { skip }, async (t) => {
    const project = new ProbeProject();
    t.after(() => project.remove());
    const engines = { embedded: undefined, pulumi: PULUMI };
    const run = async (engine: keyof typeof engines, ...args: string[]): Promise<string> => {
      const { code, stdout, stderr } = await project.run(args, engines[engine]);
      assert.equal(code, 0, `${engine} ${args.join(" ")}\n${stdout}${stderr}`);
      return stdout;
    };
    await run(
      first,
      "stack",
      "init",
      ...(first === "pulumi" ? ["--secrets-provider", "passphrase"] : []),
    );
    project.program(program(1));
    await run(first, "up", ...QUIET);
    await run(second, "preview", "--expect-no-changes", "--color", "never");
    await run(second, "up", ...QUIET, "--expect-no-changes");
    project.program(program(2));
    await run(second, "up", ...QUIET);
    await run(first, "preview", "--expect-no-changes", "--color", "never");
    await run(first, "refresh", ...QUIET, "--expect-no-changes");
    const outputs = await Promise.all(
      ([first, second] as const).map((e) => run(e, "stack", "output", "--json", "--show-secrets")),
    );
    assert.deepEqual(JSON.parse(outputs[0] as string), { plain: { value: 2 }, url: "a.url.2" });
    assert.deepEqual(JSON.parse(outputs[1] as string), JSON.parse(outputs[0] as string));
    await run(second, "destroy", ...QUIET);
    assert.deepEqual(project.things(), []);
    assert.deepEqual(project.locks(), []);
  });
