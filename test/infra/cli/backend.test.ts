/**
 * Proves where the state of a stack is kept, which engine is chosen and with which variables it is
 * started. Does not start an engine.
 */
import assert from "node:assert/strict";
import { chmodSync, mkdirSync, mkdtempSync, rmSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { after, test } from "node:test";
import { chooseBackend, engineVariables } from "../../../infra/cli/backend.ts";
import { Failure } from "../../../infra/cli/command.ts";
import { chooseEngine, findPulumi } from "../../../infra/cli/engines.ts";

const directory = mkdtempSync(join(tmpdir(), "guts backend-"));
after(() => rmSync(directory, { recursive: true }));
const home = join(directory, ".guts");
const project = { root: directory, name: "guts", stackDirectory: directory, home };
/** Nothing of the machine the tests run on: no account, no pulumi. */
const bare = { PATH: "", PULUMI_HOME: join(directory, "nobody") };

test("the state is in the checkout unless the user has chosen a place", () => {
  const backend = chooseBackend(project, bare);
  assert.deepEqual(backend, {
    url: `file://${home.replaceAll(" ", "%20")}/state`,
    directory: join(home, "state"),
    own: true,
  });
});

test("PULUMI_BACKEND_URL comes first, then the account logged in to", () => {
  const account = join(directory, "account");
  mkdirSync(account);
  writeFileSync(join(account, "credentials.json"), '{"current":"https://api.pulumi.com"}');
  const loggedIn = { PATH: "", PULUMI_HOME: account };
  assert.equal(chooseBackend(project, loggedIn).url, "https://api.pulumi.com");
  const chosen = chooseBackend(project, { ...loggedIn, PULUMI_BACKEND_URL: "file:///srv/state" });
  assert.deepEqual(chosen, { url: "file:///srv/state", directory: "/srv/state", own: false });
});

test("a torn credentials file means logged out", () => {
  const torn = join(directory, "torn");
  mkdirSync(torn);
  writeFileSync(join(torn, "credentials.json"), '{"current":');
  assert.equal(chooseBackend(project, { PULUMI_HOME: torn }).own, true);
});

test("a relative backend is refused", () => {
  assert.throws(
    () => chooseBackend(project, { PULUMI_BACKEND_URL: "file://./state" }),
    (error) => error instanceof Failure && error.message.includes("an absolute path"),
  );
});

test("the place of this checkout stays its own when the variable names it", () => {
  const { url } = chooseBackend(project, bare);
  assert.equal(chooseBackend(project, { ...bare, PULUMI_BACKEND_URL: url }).own, true);
});

test("the passphrase is empty unless one is given", () => {
  const own = chooseBackend(project, bare);
  assert.equal(engineVariables(project, own, {}).PULUMI_CONFIG_PASSPHRASE, "");
  assert.equal("GUTS_HOME" in engineVariables(project, own, {}), false);
  const given = engineVariables(project, own, { PULUMI_CONFIG_PASSPHRASE_FILE: "/run/secret" });
  assert.equal("PULUMI_CONFIG_PASSPHRASE" in given, false);
});

test("the passphrase of a place the user has chosen is the user's affair", () => {
  const chosen = { ...bare, PULUMI_BACKEND_URL: "file:///srv/state" };
  const variables = engineVariables(project, chooseBackend(project, chosen), chosen);
  assert.equal("PULUMI_CONFIG_PASSPHRASE" in variables, false);
});

test("pulumi is found on PATH, else the newest of its own versions", () => {
  const pulumiHome = join(directory, "pulumi");
  for (const version of ["3.99.0", "3.265.0"])
    addExecutable(join(pulumiHome, "versions", version, "bin"), "pulumi");
  const onPath = addExecutable(join(directory, "bin"), "pulumi");
  const environment = { PATH: "/nowhere", PULUMI_HOME: pulumiHome };
  assert.equal(findPulumi(environment), join(pulumiHome, "versions", "3.265.0", "bin", "pulumi"));
  assert.equal(findPulumi({ ...environment, PATH: join(directory, "bin") }), onPath);
  assert.equal(findPulumi(bare), undefined);
});

test("the embedded engine takes over when pulumi is absent or not wanted", () => {
  const own = chooseBackend(project, bare);
  assert.equal(chooseEngine(undefined, own, bare).name, "embedded");
  const installed = {
    PATH: addExecutable(join(directory, "bin2"), "pulumi").replace("/pulumi", ""),
  };
  assert.equal(chooseEngine(undefined, own, installed).name, "pulumi");
  assert.equal(chooseEngine("embedded", own, installed).name, "embedded");
  assert.throws(() => chooseEngine("pulumi", own, bare), /pulumi command was not found/);
});

test("the embedded engine does not pretend to reach a service", () => {
  const service = { ...bare, PULUMI_BACKEND_URL: "https://api.pulumi.com" };
  assert.throws(
    () => chooseEngine(undefined, chooseBackend(project, service), service),
    /which only the pulumi command can reach/,
  );
});

function addExecutable(folder: string, name: string): string {
  mkdirSync(folder, { recursive: true });
  const file = join(folder, name);
  writeFileSync(file, "#!/bin/sh\n");
  chmodSync(file, 0o755);
  return file;
}
