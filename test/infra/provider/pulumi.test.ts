/**
 * Proves: under the real `pulumi` the whole program brings up four nodes and a verdict, shows no change the
 * second time, revives a killed node, refuses a changed chain, loses nothing and starts nothing twice when
 * it is killed at any moment, goes down cleanly, and never lets a private key into state, logs, arguments
 * or the release. The nodes are doubles that make blocks by the clock.
 * Does not prove: consensus, which the end-to-end tests bring up; skipped where there is no `pulumi`.
 */
import assert from "node:assert/strict";
import { spawn, spawnSync } from "node:child_process";
import { once } from "node:events";
import { cp, mkdir, readdir, readFile, symlink, writeFile } from "node:fs/promises";
import { join } from "node:path";
import { test, type TestContext } from "node:test";
import {
  argumentsOf,
  findByArgument,
  identify,
  processIds,
  stopProcess,
} from "../../../infra/provider/local/processes.ts";
import { double, freePortRange, temporaryDirectory } from "./support/harness.ts";
import { checkout } from "./support/plugin-client.ts";

const found = spawnSync("pulumi", ["version"], { encoding: "utf8" });
const skip = found.status === 0 ? false : "pulumi is not on PATH";
const names = [1, 2, 3, 4].map((i) => `local-validator-${i}`);

interface Project {
  readonly root: string;
  readonly home: string;
  /** First of twelve ports that are free. */
  readonly ports: number;
  readonly environment: NodeJS.ProcessEnv;
}

/** A checkout whose node is the double, with a stack on free ports. */
async function makeProject(t: TestContext): Promise<Project> {
  const root = await temporaryDirectory(t);
  for (const name of [
    "infra",
    "node/formats",
    "Pulumi.yaml",
    "LICENSE",
    "package.json",
    "package-lock.json",
  ])
    await cp(join(checkout, name), join(root, name), {
      recursive: true,
      filter: (path) => !path.endsWith("node_modules"),
    });
  await cp(double, join(root, "node/main.ts"));
  await cp(join(checkout, "node/package.json"), join(root, "node/package.json"));
  await symlink(join(checkout, "node_modules"), join(root, "node_modules"));
  await mkdir(join(root, "stacks"));
  await mkdir(join(root, "state"));
  const ports = await freePortRange(12);
  await describe({ root, ports }, "chain-one");
  const environment = {
    ...process.env,
    PATH: `${join(checkout, "node_modules/.bin")}:${process.env.PATH}`,
    PULUMI_BACKEND_URL: `file://${root}/state`,
    PULUMI_CONFIG_PASSPHRASE: "",
    PULUMI_HOME: join(root, "pulumi-home"),
    PULUMI_SKIP_UPDATE_CHECK: "true",
    PULUMI_DISABLE_AUTOMATIC_PLUGIN_ACQUISITION: "true",
  };
  delete (environment as NodeJS.ProcessEnv).GUTS_HOME;
  const project: Project = { root, home: join(root, ".guts"), ports, environment };
  t.after(() => stopAll(project));
  await pulumi(project, "stack", "init", "local");
  return project;
}

async function describe({ root, ports }: Pick<Project, "root" | "ports">, chainId: string) {
  const [api, p2p, internal] = [ports, ports + 4, ports + 8];
  const settings = [
    "config:",
    "  guts:network:",
    `    chainId: ${chainId}`,
    "    purpose: devnet",
    "    consensus: { blockInterval: 200ms }",
    "    sites:",
    `      - { name: local, kind: local, validators: 4, ports: { api: ${api}, p2p: ${p2p}, internal: ${internal} } }`,
    '  pulumi:disable-default-providers: ["*"]',
    "",
  ];
  await writeFile(join(root, "stacks/Pulumi.local.yaml"), settings.join("\n"));
}

async function nodesOf({ home }: Project) {
  const found = await Promise.all(
    names.map((name) => findByArgument(join(home, "local", name, "node.yaml"))),
  );
  return found.flat();
}

async function stopAll(project: Project): Promise<void> {
  await Promise.all((await nodesOf(project)).map((identity) => stopProcess(identity, 0)));
}

/** Runs `pulumi` on the stack; without the stack for the command that makes it. */
function start({ root, environment }: Project, args: readonly string[]) {
  const stack = args[1] === "init" ? [] : ["--stack", "local"];
  const child = spawn("pulumi", [...args, ...stack, "--non-interactive"], {
    cwd: root,
    env: environment,
    stdio: ["ignore", "pipe", "pipe"],
  });
  let output = "";
  for (const stream of [child.stdout, child.stderr])
    stream.on("data", (chunk: Buffer) => (output += chunk.toString()));
  return { child, output: () => output };
}

async function pulumi(project: Project, ...args: string[]) {
  const { child, output } = start(project, args);
  const [code] = (await once(child, "close")) as [number];
  return { code, output: output() };
}

const up = (project: Project) => pulumi(project, "up", "--yes", "--skip-preview");

async function outputsOf(project: Project): Promise<Record<string, unknown>> {
  const { output } = await pulumi(project, "stack", "output", "--json");
  return JSON.parse(output) as Record<string, unknown>;
}

test(
  "from nothing to a verdict and back, by way of everything that goes wrong",
  { skip },
  async (t) => {
    const project = await makeProject(t);
    const preview = await pulumi(project, "preview");
    assert.match(preview.output, /will build the release for/);
    assert.match(preview.output, /\+ 15 to create/);
    const created = await up(project);
    assert.equal(created.code, 0, created.output);
    assert.match(created.output, /\+ 15 created/);
    const outputs = await outputsOf(project);
    assert.equal((outputs["nodes"] as unknown[]).length, 4);
    assert.match(String(outputs["blockId"]), /^[0-9a-f]{64}$/);
    await keysAreNowhere(project, created.output);

    assert.match((await pulumi(project, "preview", "--expect-no-changes")).output, /15 unchanged/);
    assert.match((await up(project)).output, /15 unchanged/);

    const [victim] = await nodesOf(project);
    assert.ok(victim);
    await stopProcess(victim, 0);
    const revived = await up(project);
    assert.match(revived.output, /~ 2 updated/, revived.output);

    await describe(project, "chain-two");
    const refused = await up(project);
    assert.notEqual(refused.code, 0);
    assert.match(refused.output, /property chainId .* this makes a new chain/);
    await describe(project, "chain-one");
    assert.match((await up(project)).output, /15 unchanged/);

    const destroyed = await pulumi(project, "destroy", "--yes", "--skip-preview");
    assert.equal(destroyed.code, 0, destroyed.output);
    assert.deepEqual(await nodesOf(project), []);
    const again = await up(project);
    assert.equal(again.code, 0, again.output);
    assert.equal((await outputsOf(project))["genesisHash"], outputs["genesisHash"]);
  },
);

test(
  "killed at any moment, the next run converges: four nodes, one genesis, no plugin left",
  { skip },
  async (t) => {
    const project = await makeProject(t);
    const genesisFile = join(project.home, "local/genesis.json");
    let genesis: string | undefined;
    for (const afterMs of [700, 1500, 2500, 4000, 6000]) {
      const { child } = start(project, ["up", "--yes", "--skip-preview"]);
      const closed = once(child, "close");
      await new Promise((resolve) => setTimeout(resolve, afterMs));
      child.kill("SIGKILL");
      await closed;
      await pulumi(project, "cancel", "--yes");
      const now = await readFile(genesisFile, "utf8").catch(() => undefined);
      if (genesis !== undefined) assert.equal(now, genesis, "a second genesis");
      genesis ??= now;
    }
    const result = await up(project);
    assert.equal(result.code, 0, result.output);
    assert.equal((await nodesOf(project)).length, 4);
    await noPluginIsLeft(project);
  },
);

async function noPluginIsLeft({ root }: Project): Promise<void> {
  if (process.platform !== "linux") return;
  const plugin = join(root, "infra/provider/start.mjs");
  const deadline = performance.now() + 10_000;
  for (;;) {
    const left = processIds().filter((pid) => argumentsOf(pid).includes(plugin));
    if (left.length === 0) return;
    assert.ok(performance.now() < deadline, `plugins ${left.join(", ")} are left`);
    await new Promise((resolve) => setTimeout(resolve, 50));
  }
}

/** Every private key, as text, bytes and base64, in everything that was written or can be seen. */
async function keysAreNowhere(project: Project, output: string): Promise<void> {
  const keys = join(project.home, "local/keys");
  const files = (await readdir(keys)).filter((name) => name.endsWith(".key"));
  assert.equal(files.length, 5);
  const needles = await Promise.all(
    files.map(async (file) => {
      const hex = (await readFile(join(keys, file), "utf8")).trim();
      const bytes = Buffer.from(hex, "hex");
      return [Buffer.from(hex), bytes, Buffer.from(bytes.toString("base64").slice(0, -2))];
    }),
  );
  const commandLines = (await nodesOf(project)).map(({ pid }) => argumentsOf(pid).join(" "));
  const places: [string, Buffer][] = [
    ["output", Buffer.from(output)],
    ["arguments", Buffer.from(commandLines.join("\n"))],
  ];
  for (const directory of [join(project.root, "state"), project.home])
    for (const entry of await readdir(directory, { recursive: true, withFileTypes: true })) {
      const path = join(entry.parentPath, entry.name);
      if (entry.isFile() && !path.startsWith(keys)) places.push([path, await readFile(path)]);
    }
  assert.ok(places.length > 20);
  for (const [place, content] of places)
    for (const needle of needles.flat())
      assert.ok(!content.includes(needle), `a private key is in ${place}`);
  for (const { pid } of await nodesOf(project)) assert.ok(await identify(pid));
}
