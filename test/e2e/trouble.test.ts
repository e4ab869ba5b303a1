/**
 * Proves that what goes wrong around `up` ends with a message that names it, with an exit code that is
 * not 0, and with nothing half-made that the next run trips over.
 * Does not prove: every cause there can be, or what other file systems do when they are full.
 */
import assert from "node:assert/strict";
import { spawnSync } from "node:child_process";
import { once } from "node:events";
import { existsSync, mkdirSync, rmSync, writeFileSync } from "node:fs";
import { createServer } from "node:net";
import { join } from "node:path";
import { after, test } from "node:test";
import { Checkout, smallNetwork } from "./checkout.ts";
import { nodeProcesses, processesNaming, statusOf, until } from "./probes.ts";

const checkout = new Checkout();
after(() => checkout.remove());
checkout.takeRelease();
const network = await smallNetwork();
checkout.describe(network);
const [site] = network.sites;
const stackPath = join(checkout.root, "stacks", "Pulumi.local.yaml");

test("wrong usage ends with 2 and makes nothing", async () => {
  const wrong: readonly (readonly [words: readonly string[], message: RegExp])[] = [
    [["up", "nowhere", "--yes"], /unknown stack "nowhere"[^]*stacks there are: local/],
    [["upp"], /unknown command "upp", did you mean "up"/],
    [["up", "--wait"], /unknown option --wait/],
    [["up", "local"], /give --yes/],
    [[], /usage: guts <command>/],
  ];
  rmSync(checkout.home, { recursive: true, force: true });
  for (const [words, message] of wrong) {
    const { code, all } = await checkout.guts(words);
    assert.equal(code, 2, all);
    assert.match(all, message);
  }
  assert.deepEqual([...processesNaming(checkout.root)], []);
});

test("a stack file that is no YAML or no network is refused with every mistake", async () => {
  rmSync(checkout.home, { recursive: true, force: true });
  writeFileSync(stackPath, "config:\n  guts:network: { chainId: [\n");
  const torn = await checkout.up();
  assert.equal(torn.code, 2, torn.all);
  assert.match(torn.all, /Pulumi\.local\.yaml is not YAML/);
  checkout.describe({ ...network, purpose: "tesnet", sites: [{ ...site, validators: 3 }] });
  const { code, all } = await checkout.up();
  checkout.describe(network);
  assert.equal(code, 2, all);
  assert.match(all, /purpose: .*"tesnet"/);
  assert.equal(existsSync(checkout.home), false);
});

test("a taken port is named with its holder before anything is made", async () => {
  checkout.takeRelease();
  const holder = createServer();
  holder.listen(site?.ports.api, "127.0.0.1");
  await once(holder, "listening");
  try {
    const { code, all } = await checkout.up();
    assert.equal(code, 1, all);
    assert.match(all, new RegExp(`${site?.ports.api}.*taken.*process ${process.pid}`));
    assert.equal(existsSync(join(checkout.home, "local")), false);
  } finally {
    holder.close();
  }
});

test("a home that cannot be written is named", async () => {
  // A file where the directory should be: root ignores permissions, and tests may run as root.
  const file = join(checkout.root, "a-file");
  writeFileSync(file, "");
  const { code, all } = await checkout.guts(["up", "local", "--yes"], {
    GUTS_HOME: join(file, "home"),
  });
  assert.equal(code, 1, all);
  assert.match(all, /a-file\/home cannot be written.*GUTS_HOME/);
});

test("a node directory that cannot be made fails with its path, and the next run is whole", async () => {
  mkdirSync(join(checkout.home, "local"), { recursive: true });
  const blocker = join(checkout.home, "local", "local-validator-3");
  writeFileSync(blocker, "");
  const { code, all } = await checkout.up();
  assert.equal(code, 1, all);
  assert.match(all, /local-validator-3/);
  rmSync(blocker);
  const next = await checkout.up();
  assert.equal(next.code, 0, next.all);
});

test("of two runs at once one is done, and the other says who holds the stack", async () => {
  const first = checkout.up();
  const lockDirectory = join(checkout.home, "state/.pulumi/locks/organization/guts/local");
  await checkout.guts(["stop", "local"]); // so that the first has something to do
  const both = await Promise.all([first, checkout.up()]);
  const [done, refused] = both.toSorted((a, b) => (a.code ?? 9) - (b.code ?? 9));
  assert.equal(refused?.code === 0, false, both.map(({ all }) => all).join("\n---\n"));
  assert.match(refused?.all ?? "", /being changed by process \d+|locked/);
  assert.ok(done);
  const after = await checkout.up();
  assert.equal(after.code, 0, after.all);
  assert.ok(existsSync(lockDirectory));
  assert.equal(nodeProcesses(checkout).length, 4);
});

const mounting = canMount();
test(
  "a full disk is named, and with space again the next run is whole",
  { skip: mounting },
  async () => {
    await checkout.guts(["stop", "local"]);
    const home = join(checkout.root, "small");
    mkdirSync(home);
    // Too small for the release, large enough for everything before it.
    assert.equal(
      spawnSync("mount", ["-t", "tmpfs", "-o", "size=64m", "guts-small", home]).status,
      0,
    );
    try {
      const { code, all } = await checkout.guts(["up", "local", "--yes"], { GUTS_HOME: home });
      assert.equal(code, 1, all);
      assert.match(all, /no space|full|free/i);
      spawnSync("mount", ["-o", "remount,size=1g", home]);
      const next = await checkout.guts(["up", "local", "--yes"], { GUTS_HOME: home });
      assert.equal(next.code, 0, next.all);
    } finally {
      await checkout.guts(["stop", "local"], { GUTS_HOME: home });
      spawnSync("umount", [home]);
    }
  },
);

test("a refused command leaves the network as it is", async () => {
  const up = await checkout.up();
  assert.equal(up.code, 0, up.all);
  await checkout.guts(["down", "local"]); // nobody can be asked
  assert.equal((await statusOf(checkout)).healthy, true);
  await until("four nodes", 1_000, () => nodeProcesses(checkout).length === 4);
});

function canMount(): string | false {
  if (process.platform !== "linux")
    return "small file systems are made with tmpfs, which is of Linux";
  if (process.getuid?.() !== 0) return "only root may mount a small file system";
  const probe = join(checkout.root, "mount-probe");
  mkdirSync(probe);
  const mounted = spawnSync("mount", ["-t", "tmpfs", "-o", "size=1m", "guts-probe", probe]);
  if (mounted.status !== 0) return "this container may not mount a small file system";
  spawnSync("umount", [probe]);
  return false;
}
