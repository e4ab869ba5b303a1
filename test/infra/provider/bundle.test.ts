/**
 * Proves: two checkouts in different places give the same release, byte for byte; it runs outside of a
 * checkout without any library; a second build is a cache hit; a change of the sources is another release
 * and is seen in a preview; a lost archive is drift. Built from the real node.
 * Does not prove: equal bytes across processor architectures or versions of Node.js, whose compressors differ.
 */
import assert from "node:assert/strict";
import { execFile } from "node:child_process";
import { cp, mkdir, readFile, readdir, rm, symlink, writeFile } from "node:fs/promises";
import { join } from "node:path";
import { suite, test, type TestContext } from "node:test";
import { promisify } from "node:util";
import { Value } from "@sinclair/typebox/value";
import { sha256, toHex } from "../../../node/formats/bytes.ts";
import { releaseSchema } from "../../../node/formats/release.ts";
import { gzipOf, tarOf } from "../../../infra/provider/bundle/archive.ts";
import type { BundleInputs } from "../../../infra/provider/contracts/bundle.ts";
import { bundleHandlerOf } from "../../../infra/provider/handlers/bundle.ts";
import { ensureRelease } from "../../../infra/provider/local/releases.ts";
import { contextFor, temporaryDirectory } from "./support/harness.ts";
import { checkout } from "./support/plugin-client.ts";

/** The sources a release is made from, at another place. */
async function copyOf(t: TestContext, name: string): Promise<string> {
  const copy = join(await temporaryDirectory(t), name);
  await mkdir(copy);
  await cp(join(checkout, "node"), join(copy, "node"), {
    recursive: true,
    filter: (path) => !path.endsWith("node_modules"),
  });
  for (const file of ["LICENSE", "package-lock.json"])
    await cp(join(checkout, file), join(copy, file));
  await symlink(join(checkout, "node_modules"), join(copy, "node_modules"));
  return copy;
}

async function prepare(t: TestContext, name: string) {
  const source = await copyOf(t, name);
  const home = await temporaryDirectory(t);
  const handler = bundleHandlerOf(source);
  const heard = contextFor(home);
  const complete = () => handler.complete?.({}, heard.context) as Promise<BundleInputs>;
  return { source, home, handler, complete, ...heard };
}

suite("a release", { concurrency: false }, () => {
  test("is the same from two checkouts, runs by itself, and the second build is a cache hit", async (t) => {
    const one = await prepare(t, "one");
    const two = await prepare(t, "another-with-a-longer-name");
    const inputs = await one.complete();
    assert.deepEqual(await two.complete(), inputs);
    assert.deepEqual(await one.handler.planCreate(inputs, one.context), { present: true });
    assert.match(one.messages[0] ?? "", /^will build the release for /);
    const first = await one.handler.create(inputs, one.context);
    const second = await two.handler.create(inputs, two.context);
    t.diagnostic(one.messages.at(-1) ?? "");
    assert.deepEqual(second.state, first.state);
    const archive = await readFile(join(one.home, first.state.file));
    assert.equal(toHex(sha256(archive)), first.state.sha256);

    const start = performance.now();
    const again = await one.handler.create(await one.complete(), one.context);
    t.diagnostic(`cache hit: ${(performance.now() - start).toFixed(0)} ms`);
    assert.deepEqual(again.state, first.state);
    assert.match(one.messages.at(-1) ?? "", /^cached: release /);

    await runsByItself(t, one.home, first.state.sha256, one.source);
    await noticesLoss(one, inputs, first);
    await rm(two.source, { recursive: true });
  });
});

async function runsByItself(t: TestContext, home: string, hash: string, source: string) {
  const release = await ensureRelease(home, hash);
  const manifest: unknown = JSON.parse(await readFile(join(release, "release.json"), "utf8"));
  assert.ok(Value.Check(releaseSchema, manifest));
  for (const [path, expected] of Object.entries(manifest.files))
    assert.equal(toHex(sha256(await readFile(join(release, path)))), expected, path);
  const script = await readFile(join(release, "app/guts-node.mjs"), "utf8");
  for (const place of [source, checkout, "deeper"]) assert.ok(!script.includes(place), place);
  const empty = await temporaryDirectory(t);
  const { stdout } = await promisify(execFile)(
    join(release, "bin/node"),
    [join(release, "app/guts-node.mjs"), "version", "--json"],
    { cwd: empty, env: {} },
  );
  const told = JSON.parse(stdout) as { version: string };
  assert.equal(told.version, manifest.version);
}

async function noticesLoss(
  { home, handler, context, source, complete }: Awaited<ReturnType<typeof prepare>>,
  inputs: BundleInputs,
  { id, state }: Awaited<ReturnType<typeof handler.create>>,
) {
  const old = { id, inputs, state };
  assert.deepEqual((await handler.read(old, context))?.state, state);
  assert.deepEqual(handler.diff(old, inputs, context).changes, []);
  await rm(join(home, state.file));
  const lost = (await handler.read(old, context))?.state;
  assert.equal(lost?.present, false);
  assert.deepEqual(handler.diff({ ...old, state: lost }, inputs, context).changes, [
    { path: "present", kind: "update", input: false },
  ]);
  await writeFile(join(source, "node", "new-file.ts"), "export const x = 1;\n");
  const changed = await complete();
  assert.deepEqual(handler.diff(old, changed, context).changes, [
    { path: "source", kind: "update", replace: false },
  ]);
}

test("sources that cannot be bundled are named, and nothing is left in the cache", async (t) => {
  const { home, source, handler, complete, context } = await prepare(t, "broken");
  await writeFile(join(source, "node/main.ts"), 'import "./not-there.ts";\n');
  await assert.rejects(handler.create(await complete(), context), {
    message: /^the node cannot be bundled: node\/main\.ts:1: Could not resolve/,
  });
  assert.deepEqual(await readdir(join(home, "bundles")), []);
});

test("an archive depends on names, contents and the executable bit alone", async () => {
  const a = { path: "a", content: Buffer.from("1") };
  const b = { path: "b/c", content: Buffer.alloc(20_000_000, 7), executable: true };
  const one = await gzipOf(await tarOf([a, b]));
  const two = await gzipOf(await tarOf([b, a]));
  assert.ok(one.equals(two));
  assert.ok(!one.equals(await gzipOf(await tarOf([a, { ...b, executable: false }]))));
});

test("another platform than this one is refused", () => {
  const problems = bundleHandlerOf(checkout).check?.({ platform: "darwin-x64" }, undefined);
  const own = `${process.platform}-${process.arch}`;
  if (own === "darwin-x64") return;
  assert.deepEqual(problems, [{ property: "platform", reason: `got darwin-x64, allowed: ${own}` }]);
});
