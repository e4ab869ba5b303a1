/**
 * Proves on a copy of the checkout, with the embedded engine and four real nodes: a first `up` ends with
 * one block final on all of them; a second changes nothing; a preview shows what an edit adds, and no
 * more; another chain id is refused; dead nodes are named and come back on the same chain; `stop` and
 * `start` keep the chain; no private key is where it must not be; `down --purge` leaves nothing.
 * Does not prove: anything about several machines, or about the pulumi command.
 */
import assert from "node:assert/strict";
import { existsSync, readdirSync, readFileSync } from "node:fs";
import { join } from "node:path";
import { after, test } from "node:test";
import { Checkout, smallNetwork } from "./checkout.ts";
import {
  blockIdAt,
  filesBelow,
  getJson,
  heightOf,
  isListening,
  nodeProcesses,
  processesNaming,
  statusOf,
  until,
} from "./probes.ts";

const checkout = new Checkout();
after(() => checkout.remove());
const network = await smallNetwork();
checkout.describe(network);
const [site] = network.sites;
const stackFile = join(checkout.home, "state/.pulumi/stacks/guts/local.json");
/** What the state says about the world; order, dependencies and times are the engine's affair. */
function recorded(): unknown {
  const { checkpoint } = JSON.parse(readFileSync(stackFile, "utf8")) as {
    checkpoint: { latest: { resources: Record<string, unknown>[]; pending_operations?: unknown } };
  };
  const { resources, pending_operations } = checkpoint.latest;
  return {
    pending_operations,
    resources: resources
      .map(({ urn, id, inputs, outputs }) => ({ urn, id, inputs, outputs }))
      .sort((a, b) => (String(a.urn) < String(b.urn) ? -1 : 1)),
  };
}

test("up ends with the same final block on all four nodes", async () => {
  const { code, stdout, all } = await checkout.up();
  assert.equal(code, 0, all);
  const { healthy, nodes, genesisHash } = await statusOf(checkout);
  assert.equal(healthy, true);
  assert.deepEqual(
    nodes.map(({ id }) => id),
    [1, 2, 3, 4].map((number) => `local-validator-${number}`),
  );
  assert.match(stdout, new RegExp(`genesis +${genesisHash}`));
  const [, blockId, height] = /finalized +([0-9a-f]{64}) at height (\d+)/.exec(stdout) ?? [];
  for (const { apiUrl } of nodes)
    assert.equal(await blockIdAt(apiUrl, Number(height)), blockId, apiUrl);
  assert.match(stdout, /elapsed .*release .*nodes .*verdict/);
  assert.equal(stdout.split("next:\n")[1]?.trimEnd().split("\n").length, 3);
  checkout.keepRelease();
});

test("a repository made on one node is there on the others after the answer", async () => {
  const { nodes } = await statusOf(checkout);
  const created = await fetch(`${nodes[0]?.apiUrl}/api/repos`, {
    method: "POST",
    headers: { "content-type": "application/json" },
    body: JSON.stringify({ owner: "ana", name: "notes" }),
  });
  assert.equal(created.status, 201, await created.text());
  for (const { apiUrl } of nodes) {
    // Finality is known to the node that answers; the others apply the block a moment later.
    await until(`the repository is on ${apiUrl}`, 5_000, async () => {
      const response = await fetch(`${apiUrl}/api/repos/ana/notes`);
      return response.ok;
    });
  }
});

test("a second up changes nothing and restarts nothing", async () => {
  const before = nodeProcesses(checkout).sort();
  const state = recorded();
  const { code, stdout, all } = await checkout.up();
  assert.equal(code, 0, all);
  assert.match(stdout, /Resources: \d+ unchanged/);
  assert.deepEqual(nodeProcesses(checkout).sort(), before);
  assert.deepEqual(recorded(), state);
});

test("a preview shows the full nodes that were added and nothing else that is new", async () => {
  checkout.describe({ ...network, sites: [{ ...site, fullNodes: 5 }] });
  const state = recorded();
  const { code, stdout, all } = await checkout.guts(["preview", "local"]);
  checkout.describe(network);
  assert.equal(code, 0, all);
  const changes = [...stdout.matchAll(/^ *([+~-]+) +(\S+) (\S+) /gm)].map(([, sign, type, name]) =>
    [sign, type, name].join(" "),
  );
  assert.deepEqual(
    changes.filter((line) => !/Stack|Verdict/.test(line)).sort(),
    [1, 2, 3, 4, 5].map((number) => `+ guts:index:LocalNode local-full-${number}`),
  );
  assert.equal(changes.filter((line) => line.startsWith("-")).length, 0);
  assert.deepEqual(recorded(), state);
});

test("another chain id is refused as a new chain, and nothing changes", async () => {
  checkout.describe({ ...network, chainId: "guts-other" });
  const { pids, state } = { pids: nodeProcesses(checkout).sort(), state: recorded() };
  const { code, all } = await checkout.up();
  checkout.describe(network);
  assert.equal(code, 1, all);
  assert.match(all, /new chain/);
  assert.deepEqual(nodeProcesses(checkout).sort(), pids);
  assert.deepEqual(recorded(), state);
  assert.equal((await statusOf(checkout)).healthy, true);
});

test("a killed validator is named, the others go on, and up brings it back", async () => {
  const { nodes } = await statusOf(checkout);
  const [victim, other] = nodes;
  assert.ok(victim && other);
  process.kill(victim.pid, "SIGKILL");
  const height = await heightOf(other.apiUrl);
  await until(
    "three validators finalize",
    15_000,
    async () => (await heightOf(other.apiUrl)) > height + 2,
  );
  const { code, stdout } = await checkout.guts(["status", "local"]);
  assert.equal(code, 1);
  assert.match(stdout, /local-validator-1 is down: its process is gone/);
  const back = await checkout.up();
  assert.equal(back.code, 0, back.all);
  assert.ok((await heightOf(victim.apiUrl)) > height);
});

test("with two dead nothing is finalized; with all dead and back the chain goes on", async () => {
  const { nodes } = await statusOf(checkout);
  const [first, second, third, fourth] = nodes;
  assert.ok(first && second && third && fourth);
  for (const { pid } of [first, second]) process.kill(pid, "SIGKILL");
  // A block that was on its way may still be final; after that there is no quorum.
  await until("the height stands still", 10_000, async () => {
    const before = await heightOf(third.apiUrl);
    await new Promise((resolve) => setTimeout(resolve, 2_000));
    return (await heightOf(third.apiUrl)) === before;
  });
  const height = await heightOf(third.apiUrl);
  const blockId = await blockIdAt(third.apiUrl, height);
  for (const { pid } of [third, fourth]) process.kill(pid, "SIGKILL");
  const { code, all } = await checkout.up();
  assert.equal(code, 0, all);
  for (const { apiUrl } of nodes) {
    assert.equal(await blockIdAt(apiUrl, height), blockId);
    assert.ok((await heightOf(apiUrl)) > height);
  }
});

test("no private key is in state, logs, arguments or the release", async () => {
  const keyDirectory = join(checkout.home, "local", "keys");
  const keys = readdirSync(keyDirectory).filter((name) => name.endsWith(".key"));
  assert.equal(keys.length, 5);
  const needles = keys.flatMap((name) => {
    const raw = Buffer.from(readFileSync(join(keyDirectory, name), "utf8").trim(), "hex");
    return [
      raw,
      ...(["hex", "base64", "base64url"] as const).map((form) =>
        Buffer.from(raw.toString(form).replace(/=+$/, "")),
      ),
    ];
  });
  const files = filesBelow(checkout.home).filter((file) => !file.startsWith(`${keyDirectory}/`));
  assert.ok(
    files.some((file) => file.endsWith("local.json")) &&
      files.some((file) => file.endsWith(".log")),
  );
  for (const file of files) {
    const content = readFileSync(file);
    assert.ok(
      needles.every((needle) => !content.includes(needle)),
      `a private key is in ${file}`,
    );
  }
  const commandLines = [...processesNaming(checkout.root).values()].join("\n");
  assert.ok(needles.every((needle) => !commandLines.includes(needle.toString())));
});

test("stop leaves no process and no port, and start goes on with the same chain", async () => {
  const { nodes, genesisHash, height, blockId } = await statusOf(checkout);
  const stopped = await checkout.guts(["stop", "local"]);
  assert.equal(stopped.code, 0, stopped.all);
  assert.deepEqual([...processesNaming(checkout.root)], []);
  for (const { apiUrl, internalUrl } of nodes)
    for (const url of [apiUrl, internalUrl])
      assert.equal(await isListening(Number(new URL(url).port)), false, url);
  const started = await checkout.guts(["start", "local", "--engine", "embedded", "--json"]);
  assert.equal(started.code, 0, started.all);
  assert.equal((JSON.parse(started.stdout) as { genesisHash: string }).genesisHash, genesisHash);
  assert.equal(await blockIdAt(nodes[0]?.apiUrl ?? "", height), blockId);
});

test("verify, outputs, logs and doctor speak of the running network", async () => {
  const { genesisHash } = await statusOf(checkout);
  const verified = await checkout.guts(["verify", "local"]);
  assert.equal(verified.code, 0, verified.all);
  const outputs = await checkout.guts(["outputs", "local", "--json"]);
  assert.equal((JSON.parse(outputs.stdout) as { genesisHash: string }).genesisHash, genesisHash);
  const logs = await checkout.guts(["logs", "local", "local-validator-2", "-n", "3"]);
  assert.equal(logs.stdout.trimEnd().split("\n").length, 3, logs.all);
  const doctor = await checkout.guts(["doctor", "local", "--json"]);
  const findings = JSON.parse(doctor.stdout) as { subject: string; state: string }[];
  assert.equal(findings.find(({ subject }) => subject === "ports")?.state, "ok", doctor.stdout);
});

test("down keeps the keys and the chain; with --purge nothing is left", async () => {
  const { genesisHash, nodes } = await statusOf(checkout);
  const down = await checkout.guts(["down", "local", "--yes", "--engine", "embedded"]);
  assert.equal(down.code, 0, down.all);
  assert.deepEqual([...processesNaming(checkout.root)], []);
  const again = await checkout.up();
  assert.equal(again.code, 0, again.all);
  assert.equal(
    (await getJson<{ genesis_hash: string }>(`${nodes[0]?.apiUrl}/api/consensus/status`))
      .genesis_hash,
    genesisHash,
  );
  const purged = await checkout.guts(["down", "local", "--purge", "--yes", "--engine", "embedded"]);
  assert.equal(purged.code, 0, purged.all);
  assert.deepEqual([...processesNaming(checkout.root)], []);
  assert.equal(existsSync(checkout.home), false);
});
