/**
 * Proves: what is installed is recognised, the lock of the setup lets one in at a time and is taken over
 * from a process that is gone, and a setup with nothing to do is quick and silent.
 * Does not prove: that npm installs what it should.
 */
import assert from "node:assert/strict";
import { spawn, spawnSync } from "node:child_process";
import { once } from "node:events";
import { cpSync, existsSync, mkdirSync, mkdtempSync, rmSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { dirname, join } from "node:path";
import { after, test } from "node:test";
import { pathToFileURL } from "node:url";

const root = dirname(dirname(import.meta.dirname));
const directory = mkdtempSync(join(tmpdir(), "guts-setup-"));
after(() => rmSync(directory, { recursive: true }));

const packages = (version: string) => ({
  "": { name: "guts" },
  "node_modules/one": { version, integrity: "sha512-1" },
  "node_modules/other-platform": { version: "1.0.0", optional: true },
});

/** A checkout that has installed `installed` of what its lockfile asks for. */
function fakeCheckout(name: string, installed: object | undefined): string {
  const checkout = join(directory, name);
  cpSync(join(root, "scripts"), join(checkout, "scripts"), { recursive: true });
  const lock = { packages: packages("1.0.0") };
  writeFileSync(join(checkout, "package-lock.json"), JSON.stringify(lock));
  if (installed === undefined) return checkout;
  const bin = join(checkout, "node_modules", ".bin");
  mkdirSync(bin, { recursive: true });
  cpSync(process.execPath, join(bin, "node"));
  const record = join(checkout, "node_modules", ".package-lock.json");
  writeFileSync(record, JSON.stringify({ packages: installed }));
  return checkout;
}

/** Runs the setup with an npm that only says that it was called. */
function setUp(checkout: string) {
  const npm = join(directory, "npm.cjs");
  writeFileSync(npm, 'console.error("npm was called: " + process.argv.slice(2)); process.exit(1);');
  return spawnSync(process.execPath, [join(checkout, "scripts", "setup.mjs")], {
    encoding: "utf8",
    env: { PATH: process.env["PATH"], npm_execpath: npm },
  });
}

const { "": _, "node_modules/other-platform": __, ...installed } = packages("1.0.0");

test("what npm ci has installed by hand is taken as it is, and the second run is silent", () => {
  const checkout = fakeCheckout("installed", installed);
  const first = setUp(checkout);
  assert.equal(first.status, 0, first.stderr);
  assert.match(first.stderr, /ready after/);
  const second = setUp(checkout);
  assert.deepEqual([second.status, second.stdout, second.stderr], [0, "", ""]);
});

test("another version, nothing at all, and a changed lockfile call npm ci", () => {
  const { "": _root, ...older } = packages("0.9.0");
  for (const [name, found] of [
    ["older", older],
    ["empty", undefined],
  ] as const) {
    const { status, stderr } = setUp(fakeCheckout(name, found));
    assert.equal(status, 1);
    assert.match(stderr, /npm was called: ci,--ignore-scripts/);
  }
  const checkout = fakeCheckout("changed", installed);
  assert.equal(setUp(checkout).status, 0);
  writeFileSync(
    join(checkout, "package-lock.json"),
    JSON.stringify({ packages: packages("2.0.0") }),
  );
  assert.match(setUp(checkout).stderr, /npm was called/);
});

test("a failed setup leaves no lock behind", () => {
  const checkout = fakeCheckout("failed", undefined);
  setUp(checkout);
  assert.equal(existsSync(join(checkout, ".guts", "setup.lock")), false);
});

test("one at a time: the lock of a living process is waited for, that of a dead one taken over", async () => {
  const lock = join(directory, "setup.lock");
  writeFileSync(lock, `${spawnSync("true").pid}\n`); // dead
  const module = pathToFileURL(join(root, "scripts/setup/lock.mjs")).href;
  const code = `
    const { withLock } = await import(${JSON.stringify(module)});
    await withLock(${JSON.stringify(lock)}, () => {}, async () => {
      console.log("in");
      await new Promise((resolve) => setTimeout(resolve, 100));
      console.log("out");
    });`;
  const contenders = Array.from({ length: 4 }, () =>
    spawn(process.execPath, ["--input-type=module", "-e", code], {
      stdio: ["ignore", "pipe", "inherit"],
    }),
  );
  let order = "";
  for (const { stdout } of contenders)
    stdout.setEncoding("utf8").on("data", (text: string) => (order += text));
  await Promise.all(contenders.map((contender) => once(contender, "close")));
  assert.equal(order, "in\nout\n".repeat(4));
  assert.equal(existsSync(lock), false);
});
