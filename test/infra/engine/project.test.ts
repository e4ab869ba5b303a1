/**
 * Proves: Pulumi.yaml, stack settings, config, backend layout, locks and the command line are read as Pulumi reads them, and what is
 * not supported is refused by name.
 *
 * Does not prove: that operations use what was read; the recorded cases and cli.test.ts do.
 */
import assert from "node:assert/strict";
import { mkdirSync, mkdtempSync, readFileSync, rmSync, writeFileSync } from "node:fs";
import { hostname, tmpdir } from "node:os";
import { join } from "node:path";
import { test, type TestContext } from "node:test";
import { backendDirectory, StackFiles } from "../../../infra/engine/backend/stack-files.ts";
import { parseArguments } from "../../../infra/engine/cli/arguments.ts";
import { stackName } from "../../../infra/engine/cli/surroundings.ts";
import { loadConfig, packageConfig, validateConfig } from "../../../infra/engine/config.ts";
import { UsageError } from "../../../infra/engine/errors.ts";
import { acquireLock, readLocks, removeLock, staleLocks } from "../../../infra/engine/locks.ts";
import {
  loadProject,
  loadSettings,
  writeSalt,
  type Project,
} from "../../../infra/engine/project.ts";
import { openCrypter } from "../../../infra/engine/secrets.ts";
import { makeUrn, parseReference, parseUrn } from "../../../infra/engine/urn.ts";
import { Secret } from "../../../infra/engine/values/value.ts";

const SALT = "v1:g6H8u3UYxjo=:v1:rXhT01NETZRfZHso:NASJRbCtSCvK93PeOWzdbWHufcc1GQ==";

function folder(t: TestContext): string {
  const directory = mkdtempSync(join(tmpdir(), "engine-project-"));
  t.after(() => rmSync(directory, { recursive: true }));
  return directory;
}

function project(t: TestContext, yaml: string): Project {
  const directory = folder(t);
  mkdirSync(join(directory, "infra"));
  writeFileSync(join(directory, "Pulumi.yaml"), yaml);
  return loadProject(join(directory, "infra"));
}

test("a project is found above, with its program, plugins and settings folder", (t) => {
  const p = project(
    t,
    `name: t\nmain: infra/\nstackConfigDir: stacks\nruntime: { name: nodejs, options: { nodeargs: "--a --b" } }
plugins: { providers: [{ name: x, path: p, version: 1.0.0 }] }\noptions: { refresh: always }\n`,
  );
  assert.deepEqual(
    [p.name, p.entry, p.refreshAlways, p.nodeArguments],
    ["t", ".", true, ["--a", "--b"]],
  );
  assert.equal(p.programDirectory, join(p.root, "infra"));
  assert.equal(p.settingsDirectory, join(p.root, "stacks"));
  assert.deepEqual(p.plugins, [{ name: "x", directory: join(p.root, "p"), version: "1.0.0" }]);
  const file = project(t, "name: t\nmain: infra/index.ts\nruntime: nodejs\n");
  assert.deepEqual([file.entry, file.programDirectory], ["index.ts", join(file.root, "infra")]);
});

test("other runtimes and package sources are refused by name", (t) => {
  assert.throws(
    () => project(t, "name: t\nruntime: python\n"),
    /the runtime python .* not supported/,
  );
  assert.throws(
    () => project(t, "name: t\nruntime: nodejs\npackages: { a: b }\n"),
    /packages in .* not supported/,
  );
  assert.throws(() => loadProject(folder(t)), /no Pulumi.yaml found/);
});

test("config: texts, structured values, secrets, defaults and namespaces", async (t) => {
  const crypter = await openCrypter("", SALT);
  const p = project(
    t,
    `name: t\nruntime: nodejs\nconfig: { plain: fallback, "aws:region": { value: north }, count: { type: integer, default: 3 } }\n`,
  );
  const secure = { secure: crypter.encrypt("hidden") };
  const config = loadConfig(
    p,
    {
      file: "f",
      salt: SALT,
      config: {
        "t:text": "x",
        number: 1.5,
        on: true,
        "aws:config:key": "k",
        sealed: secure,
        object: { a: [1, { b: secure }] },
      },
    },
    crypter,
  );
  const texts = Object.fromEntries([...config].map(([key, value]) => [key, value.text]));
  assert.deepEqual(texts, {
    "t:text": "x",
    "t:number": "1.5",
    "t:on": "true",
    "aws:key": "k",
    "t:sealed": "hidden",
    "t:object": '{"a":[1,{"b":"hidden"}]}',
    "t:plain": "fallback",
    "aws:region": "north",
    "t:count": "3",
  });
  assert.deepEqual(
    [...config].filter(([, { secret }]) => secret).map(([key]) => key),
    ["t:sealed", "t:object"],
  );
  assert.deepEqual({ ...packageConfig(config, "aws") }, { key: "k", region: "north" });
  assert.ok(packageConfig(config, "t").sealed instanceof Secret);
});

test("declared config is checked: missing and ill-typed values are named", (t) => {
  const p = project(
    t,
    `name: t\nruntime: nodejs\nconfig: { a: { type: string }, b: { type: integer }, c: { type: array } }\n`,
  );
  const config = loadConfig(
    p,
    { file: "f", salt: undefined, config: { b: "x", c: "[1]" } },
    undefined,
  );
  assert.throws(
    () => validateConfig(p, "dev", config),
    /key 't:b' must be of type 'integer'[\s\S]*missing configuration value 't:a'/,
  );
});

test("the salt is written into the settings, and comments stay", (t) => {
  const p = project(t, "name: t\nruntime: nodejs\n"),
    file = join(p.root, "Pulumi.dev.yaml");
  writeFileSync(file, "# mine\nconfig:\n  t:a: 1 # why\n");
  writeSalt(loadSettings(p, "dev"), SALT);
  assert.match(readFileSync(file, "utf8"), /# mine[\s\S]*# why/);
  assert.equal(loadSettings(p, "dev").salt, SALT);
  writeSalt(loadSettings(p, "a/b"), SALT);
  assert.equal(loadSettings(p, "a/b").file, join(p.root, "Pulumi.a-b.yaml"));
});

test("backends: folders by file URL, nothing else; other layouts are refused", (t) => {
  const directory = folder(t);
  assert.equal(backendDirectory(`file://${directory}?no_tmp_dir=true`, "/home"), directory);
  assert.throws(
    () => backendDirectory("s3://bucket", "/home"),
    /the backend s3:\/\/bucket is not supported/,
  );
  assert.throws(() => backendDirectory("file:///none/such", "/home"), /does not exist/);
  mkdirSync(join(directory, ".pulumi", "stacks"), { recursive: true });
  assert.throws(() => new StackFiles(directory), /no meta.yaml/);
  writeFileSync(join(directory, ".pulumi", "meta.yaml"), "version: 2\n");
  assert.throws(() => new StackFiles(directory), /layout version 2, supported is 1/);
});

test("a write keeps the file before as .bak", (t) => {
  const files = new StackFiles(folder(t)),
    name = { project: "t", stack: "dev" };
  files.write(name, "1");
  files.write(name, "2");
  assert.equal(readFileSync(files.stackFile(name), "utf8"), "2");
  assert.equal(readFileSync(`${files.stackFile(name)}.bak`, "utf8"), "1");
  assert.deepEqual(files.stacks("t"), ["dev"]);
});

test("a lock keeps others out and names its holder; stale ones are those of dead processes of this machine", (t) => {
  const files = new StackFiles(folder(t)),
    name = { project: "t", stack: "dev" };
  const release = acquireLock(files, name);
  assert.throws(
    () => acquireLock(files, name),
    new RegExp(`currently locked by 1 lock\\(s\\)[\\s\\S]*pid ${process.pid}`),
  );
  assert.deepEqual(staleLocks(files, name), []);
  release();
  const lock = (host: string, pid: number): void =>
    writeFileSync(
      join(files.lockDirectory(name), `${host}-${pid}.json`),
      JSON.stringify({ pid, username: "u", hostname: host, timestamp: "now" }),
    );
  // No process has an id above the limit of 2^22 that Linux has.
  lock(hostname(), 2 ** 22 + 1);
  lock("elsewhere", 2 ** 22 + 1);
  assert.deepEqual(
    staleLocks(files, name).map((l) => [l.hostname, l.pid]),
    [[hostname(), 2 ** 22 + 1]],
  );
  for (const stale of staleLocks(files, name)) removeLock(stale);
  assert.deepEqual(
    readLocks(files, name).map((l) => l.hostname),
    ["elsewhere"],
  );
});

test("the command line: defaults, negations, and what is wrong or refused", () => {
  const args = parseArguments([
    "up",
    "-s",
    "dev",
    "-y",
    "--target",
    "a",
    "--target",
    "b",
    "--parallel",
    "0",
    "--refresh=false",
    "--no-json",
  ]);
  assert.deepEqual(
    [args.command, args.stack, args.yes, args.targets, args.parallel, args.refresh, args.json],
    ["up", "dev", true, ["a", "b"], 1, false, false],
  );
  assert.deepEqual(parseArguments(["stack", "output", "url"]).words, ["output", "url"]);
  assert.equal(parseArguments([]).command, "help");
  for (const [argv, message] of [
    [["fly"], /unknown command "fly", expected one of up,/],
    [["up", "--wings"], /Unknown option '--wings'/],
    [["up", "--parallel", "two"], /got --parallel two, expected a whole number/],
    [["up", "--color", "blue"], /got --color blue/],
  ] as const)
    assert.throws(
      () => parseArguments(argv),
      (error: unknown) =>
        error instanceof UsageError && error.exitCode === 2 && message.test(error.message),
    );
  assert.throws(
    () => parseArguments(["up", "--policy-pack", "p"]),
    /the flag --policy-pack is not supported/,
  );
});

test("stack names", (t) => {
  const p = project(t, "name: t\nruntime: nodejs\n");
  for (const given of ["dev", "organization/dev", "organization/t/dev"])
    assert.deepEqual(stackName(p, given), { project: "t", stack: "dev" });
  for (const given of ["other/t/dev", "organization/x/dev", "a b", ""])
    assert.throws(() => stackName(p, given), UsageError, given);
});

test("URNs keep the types of all ancestors, and names may hold colons", () => {
  const top = makeUrn("dev", "t", "", "a:b:Top", "top"),
    below = makeUrn("dev", "t", top, "a:b:C", "x::y");
  assert.equal(below, "urn:pulumi:dev::t::a:b:Top$a:b:C::x::y");
  assert.deepEqual(parseUrn(below), {
    stack: "dev",
    project: "t",
    qualifiedType: "a:b:Top$a:b:C",
    type: "a:b:C",
    name: "x::y",
  });
  assert.equal(
    makeUrn("dev", "t", makeUrn("dev", "t", "", "pulumi:pulumi:Stack", "t-dev"), "a:b:C", "c"),
    "urn:pulumi:dev::t::a:b:C::c",
  );
  assert.deepEqual(parseReference(`${below}::id`), { urn: below, id: "id" });
});
