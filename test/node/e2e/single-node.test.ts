/**
 * One node as a real process: what it refuses to start with, what it says, and the commands that read
 * its data.
 *
 * Proves: exit codes, that a private key given as an argument stays out of the process list and the
 * log, that data on disk verifies and that damage to it is found. Does not prove anything about several nodes.
 */
import assert from "node:assert/strict";
import { spawn } from "node:child_process";
import { once } from "node:events";
import { chmodSync, readFileSync } from "node:fs";
import { connect, createServer } from "node:net";
import { join } from "node:path";
import { after, before, suite, test } from "node:test";
import { fileURLToPath } from "node:url";
import Database from "better-sqlite3";
import { toHex } from "../../../node/formats/bytes.ts";
import { eventually, type LocalNetwork, prepareNetwork, type TestNode } from "./local-network.ts";

const MAIN = fileURLToPath(new URL("../../../node/main.ts", import.meta.url));

interface Ended {
  readonly exitCode: number | null;
  readonly output: string;
}

/** Runs `guts-node` to its end. */
function run(
  args: readonly string[],
  onOutput?: (text: string, pid: number) => void,
): Promise<Ended> {
  const child = spawn(process.execPath, [MAIN, ...args], {
    stdio: ["ignore", "pipe", "pipe"],
    env: { PATH: process.env["PATH"] },
  });
  let output = "";
  for (const stream of [child.stdout, child.stderr])
    stream.on("data", (chunk: Buffer) => {
      output += chunk.toString();
      onOutput?.(output, child.pid ?? 0);
    });
  return new Promise((resolve) => child.once("close", (exitCode) => resolve({ exitCode, output })));
}

suite("one node", { timeout: 120_000 }, () => {
  let network: LocalNetwork;
  const node = () => network.validators[0] as TestNode;
  const free = [
    ...["--api-addr", "127.0.0.1:0"],
    ...["--internal-addr", "127.0.0.1:0"],
    ...["--p2p-addr", "127.0.0.1:0"],
  ];
  const validator = () => [
    ...free,
    ...["--genesis-file", join(network.directory, "genesis.json")],
    ...["--private-key-file", join(node().directory, "node.key")],
    "--consensus-enabled",
  ];

  before(async () => {
    network = await prepareNetwork({ validators: 1, blockIntervalMs: 100 });
    await node().start();
  });
  after(() => network[Symbol.asyncDispose]());

  test("a chain of one validator finalizes and takes writes", async () => {
    await node().reach(3);
    assert.equal((await node().createRepository("one")).status, 201);
    const health = await node().get<{ status: string }>("/health/ready");
    assert.equal(health.status, "up");
  });

  test("a second process in the same data directory ends with 3", async () => {
    const { exitCode, output } = await run(["--config", node().configuration]);
    assert.equal(exitCode, 3);
    assert.match(output, new RegExp(`in use by process ${node().pid}`));
  });

  test("taken addresses end with 2 and name the setting", async (context) => {
    const server = createServer();
    await new Promise<void>((resolve) => server.listen(0, "127.0.0.1", resolve));
    context.after(() => server.close());
    const address = server.address();
    const taken = `127.0.0.1:${typeof address === "object" ? address?.port : 0}`;
    for (const setting of ["api-addr", "internal-addr", "p2p-addr"]) {
      const args = validator().map((arg, i, all) => (all[i - 1] === `--${setting}` ? taken : arg));
      const data = join(network.directory, `taken-${setting}`);
      const { exitCode, output } = await run([...args, "--data-dir", data]);
      assert.equal(exitCode, 2, output);
      assert.match(output, new RegExp(`"msg":"${setting}: cannot listen on`));
    }
  });

  test("open writes on an address others reach are refused before anything runs", async () => {
    const { exitCode, output } = await run([
      ...["--api-addr", "0.0.0.0:0", "--open-writes", "loopback"],
      ...["--devnet-account-key-file", join(network.directory, "account.key")],
      ...["--genesis-file", join(network.directory, "genesis.json")],
    ]);
    assert.equal(exitCode, 2);
    assert.match(output, /open-writes: got loopback with api-addr 0\.0\.0\.0:0/);
    assert.ok(!output.includes("guts-node starts"));
  });

  test("a key that others may read, or of no validator, ends with 4", async () => {
    const key = join(network.directory, "other.key");
    assert.equal((await run(["keygen", key])).exitCode, 0);
    const args = validator().map((arg, i, all) =>
      all[i - 1] === "--private-key-file" ? key : arg,
    );
    const data = ["--data-dir", join(network.directory, "other")];
    const stranger = await run([...args, ...data]);
    assert.equal(stranger.exitCode, 4);
    assert.match(
      stranger.output,
      /is no validator of the genesis; use the key of one of validator-0/,
    );
    chmodSync(key, 0o644);
    const open = await run([...args, ...data]);
    assert.equal(open.exitCode, 4);
    assert.match(open.output, /has mode 0644/);
  });

  test("a private key given as an argument is not in the process list nor in the log", async () => {
    const secret = toHex(node().key.seed());
    let seen = "";
    const { exitCode, output } = await run(
      [
        ...free,
        ...["--genesis-file", join(network.directory, "genesis.json")],
        ...["--data-dir", join(network.directory, "argument")],
        ...["--private-key", secret, "--log-format", "pretty"],
      ],
      (text, pid) => {
        if (seen !== "" || !text.includes("ready")) return;
        seen = readFileSync(`/proc/${pid}/cmdline`, "utf8");
        process.kill(pid, "SIGTERM");
      },
    );
    assert.equal(exitCode, 0, output);
    assert.ok(seen.startsWith("guts-node"));
    assert.ok(!seen.includes(secret) && !output.includes(secret));
    assert.match(output, /other users of this machine can read process arguments/);
  });

  test("a second signal ends at once what a slow client holds up", async (context) => {
    const { hostname, port } = new URL(node().url("/"));
    const slow = connect(Number(port), hostname);
    context.after(() => slow.destroy());
    slow.on("error", () => undefined);
    const head = "POST /api/repos HTTP/1.1\r\nHost: x\r\nContent-Type: application/json";
    slow.write(`${head}\r\nContent-Length: 9\r\nExpect: 100-continue\r\n\r\n`);
    // The answer to Expect says that the request has begun.
    await once(slow, "data");
    const ended = node().kill("SIGTERM");
    await eventually("it was asked", 5000, () =>
      Promise.resolve(node().log().includes("asked to stop") || "not yet"),
    );
    const started = performance.now();
    void node().kill("SIGTERM");
    assert.equal(await ended, 0);
    assert.ok(performance.now() - started < 2000);
    assert.match(node().log(), /asked a second time, ending at once/);
  });

  test("its data verifies, its journal can be read, and damage is found", async () => {
    const data = join(node().directory, "data");
    const journal = await run(["journal", "show", data]);
    assert.equal(journal.exitCode, 0, journal.output);
    assert.match(journal.output, /own finalize vote +[0-9a-f]{64}/);
    const good = await run(["verify", data]);
    assert.equal(good.exitCode, 0, good.output);
    assert.match(good.output, /^\d+ blocks with 1 transactions are valid/);

    const database = new Database(join(data, "chain.db"));
    database
      .prepare("UPDATE blocks SET certificate = zeroblob(length(certificate)) WHERE height = 2")
      .run();
    database.close();
    const bad = await run(["verify", data]);
    assert.equal(bad.exitCode, 3, bad.output);
    assert.match(bad.output, /block 2: /);
  });
});
