/**
 * Proves: what each command that needs no running node prints and how it ends, and that the reference
 * page is current. Does not prove a node runs; the end-to-end suites do.
 */
import assert from "node:assert/strict";
import { mkdtempSync, readFileSync, rmSync, statSync, writeFileSync } from "node:fs";
import { createServer } from "node:http";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { suite, test, type TestContext } from "node:test";
import { commandLine, commands } from "../../../node/cli/command-line.ts";
import { renderNodePage } from "../../../node/cli/reference.ts";
import { genesisHash, parseGenesisText } from "../../../node/formats/genesis.ts";
import { nodeVersion } from "../../../node/formats/release.ts";

async function run(args: readonly string[], environment: Record<string, string> = {}) {
  const out: string[] = [];
  const err: string[] = [];
  const output = {
    print: (text: string) => void out.push(text),
    complain: (text: string) => void err.push(text),
  };
  const exitCode = await commandLine(args, output, environment);
  return { exitCode, out: out.join("\n"), err: err.join("\n") };
}

function directory(context: TestContext): string {
  const path = mkdtempSync(join(tmpdir(), "guts-cli-"));
  context.after(() => rmSync(path, { recursive: true }));
  return path;
}

suite("help", () => {
  test("lists every command, and explains each with examples", async () => {
    const { out, exitCode } = await run(["help"]);
    assert.equal(exitCode, 0);
    for (const { name, summary } of commands) {
      assert.ok(out.includes(name) && out.includes(summary), name);
      const help = await run(["help", ...name.split(" ")]);
      assert.equal(help.exitCode, 0);
      assert.ok(help.out.includes("Examples:\n  guts-node"), name);
      assert.equal((await run([...name.split(" "), "--help"])).out, help.out);
    }
  });

  test("shows every setting under run", async () => {
    const { out } = await run(["run", "--help"]);
    assert.match(
      out,
      /--api-addr <host:port> +where the public HTTP API.*default 127\.0\.0\.1:8080/,
    );
    assert.match(out, /--open-writes <off\|loopback>/);
  });

  test("a group of commands is explained together", async () => {
    const { out } = await run(["help", "genesis"]);
    for (const name of ["genesis create", "genesis show", "genesis hash"])
      assert.ok(out.includes(name));
  });

  test("the reference page is current", async () => {
    const page = readFileSync(new URL("../../../docs/node-reference.md", import.meta.url), "utf8");
    const current = page === (await renderNodePage(commands));
    assert.ok(current, "run: guts-node reference node > docs/node-reference.md");
  });
});

suite("mistakes on the command line", () => {
  const cases: [string[], RegExp][] = [
    [["statsu"], /unknown command statsu; did you mean status\?/],
    [["genesis", "shwo"], /unknown command genesis; did you mean genesis show\?/],
    [["quux"], /unknown command quux; allowed: run, keygen, genesis create/],
    [["keygen"], /got 0 operands, allowed: one, <file>; see guts-node help keygen/],
    [["keygen", "a", "b"], /got 2 operands/],
    [["version", "--jsno"], /Unknown option '--jsno'.*see guts-node help version/],
    [["genesis", "create"], /--chain-id is needed/],
    [["genesis", "hash", "/nowhere/g.json"], /ENOENT/],
    [["reference", "all"], /got the page all, allowed: node, errors/],
    [["journal", "show", "/nowhere"], /no data directory of a node/],
    [["verify", "/nowhere"], /no data directory of a node/],
    [["--api-adr", "x"], /did you mean api-addr\?/],
  ];
  for (const [args, message] of cases)
    test(args.join(" "), async () => {
      const { exitCode, err, out } = await run(args);
      assert.equal(exitCode, 2);
      assert.equal(out, "");
      assert.match(err, message);
      assert.ok(!err.includes("    at "), "no stack");
    });
});

suite("version", () => {
  test("as text and as JSON", async () => {
    assert.match((await run(["version"])).out, /^guts-node 0\.1\.0, protocol 0, data format 1/);
    const facts = JSON.parse((await run(["version", "--json"])).out) as Record<string, unknown>;
    assert.equal(facts["version"], nodeVersion.node);
    assert.equal(facts["protocol"], nodeVersion.protocol);
    assert.equal(facts["runtime"], process.version);
  });
});

suite("keygen", () => {
  test("makes a key nobody else can read, shows it, and never replaces it", async (context) => {
    const path = join(directory(context), "node.key");
    const made = await run(["keygen", path, "--json"]);
    const { publicKey, peerId } = JSON.parse(made.out) as Record<string, string>;
    assert.match(publicKey ?? "", /^[0-9a-f]{64}$/);
    assert.match(peerId ?? "", /^12D3KooW/);
    assert.equal(statSync(path).mode & 0o777, 0o600);
    assert.ok(
      !made.out.includes(readFileSync(path, "utf8").trim()),
      "the private key is not shown",
    );
    assert.equal((await run(["keygen", "--show", path, "--json"])).out, made.out);
    const again = await run(["keygen", path]);
    assert.equal(again.exitCode, 4);
    assert.match(again.err, /a key is never replaced/);
  });
});

suite("genesis", () => {
  test("is created, shown and hashed", async (context) => {
    const path = directory(context);
    const keys = await Promise.all(
      ["a", "b", "c", "d", "dev"].map(async (name) => {
        const { out } = await run(["keygen", join(path, name), "--json"]);
        return (JSON.parse(out) as { publicKey: string }).publicKey;
      }),
    );
    const file = join(path, "genesis.json");
    const validators = keys
      .slice(0, 4)
      .flatMap((key, i) => ["--validator", `v${i}=${key}@/ip4/10.0.0.${i}/tcp/9000`]);
    const made = await run([
      ...["genesis", "create", "--chain-id", "net", "--block-time", "500ms", "--output", file],
      ...validators,
      ...["--account", `dev=${keys[4]}:devnet`],
    ]);
    assert.equal(made.exitCode, 0, made.err);
    const genesis = parseGenesisText(readFileSync(file, "utf8"));
    assert.equal(genesis.consensus.blockIntervalMs, 500);
    assert.equal(genesis.validators[2]?.p2pAddress, "/ip4/10.0.0.2/tcp/9000");
    assert.equal(genesis.accounts[0]?.role, "devnet");
    assert.ok(made.out.includes(genesisHash(genesis)));
    assert.equal((await run(["genesis", "hash", file])).out, genesisHash(genesis));
    const shown = await run(["genesis", "show", file]);
    for (const text of ["net, devnet", "500 ms", "may join", "v3", "dev"])
      assert.ok(shown.out.includes(text), text);
    const again = await run([
      "genesis",
      "create",
      "--chain-id",
      "net",
      "--output",
      file,
      ...validators,
    ]);
    assert.equal(again.exitCode, 2);
    assert.match(again.err, /EEXIST/);
  });

  test("every mistake in it is told", async (context) => {
    const file = join(directory(context), "genesis.json");
    const { exitCode, err } = await run([
      ...["genesis", "create", "--chain-id", "Bad Name", "--output", file, "--validator", "v=abc"],
    ]);
    assert.equal(exitCode, 2);
    assert.match(err, /\/chainId: got "Bad Name"/);
    assert.match(err, /\/validators\/0\/publicKey/);
    writeFileSync(file, "{}");
    assert.equal((await run(["genesis", "show", file])).exitCode, 2);
  });
});

suite("config check", () => {
  test("prints every value with its source, no secret, and exits 2 for problems", async (context) => {
    const file = join(directory(context), "node.yaml");
    writeFileSync(file, "log-level: warn\n");
    const secret = "ab".repeat(32);
    const good = await run(["config", "check", "--config", file, "--rate-limit", "5"], {
      GUTS_PRIVATE_KEY: secret,
    });
    assert.equal(good.exitCode, 0, good.err);
    assert.match(good.out, new RegExp(`log-level +warn +file ${file}, log-level`));
    assert.match(good.out, /rate-limit +5 +flag --rate-limit/);
    assert.match(good.out, /api-addr +127\.0\.0\.1:8080 +default/);
    assert.match(good.out, /private-key +\[set, not shown\] +environment GUTS_PRIVATE_KEY/);
    assert.ok(!good.out.includes(secret));
    const bad = await run([
      "config",
      "check",
      "--rate-limit",
      "x",
      "--consensus-use-simplex-bft=false",
    ]);
    assert.equal(bad.exitCode, 2);
    assert.equal(bad.err.split("\n").length, 2);
  });
});

suite("asking a node", () => {
  async function fakeApi(context: TestContext, answers: Record<string, [number, unknown]>) {
    const server = createServer((request, response) => {
      const [status, body] = answers[request.url ?? ""] ?? [404, {}];
      response.writeHead(status).end(JSON.stringify(body));
    });
    await new Promise<void>((resolve) => server.listen(0, "127.0.0.1", resolve));
    context.after(() => server.close());
    const address = server.address();
    return `http://127.0.0.1:${typeof address === "object" ? address?.port : 0}`;
  }
  const status = {
    chain_id: "net",
    genesis_hash: "ab",
    node_version: "0.1.0",
    role: "validator",
    state: "active",
    finalized_height: 7,
    last_block_time: "2026-01-01T00:00:00.000Z",
    last_block_id: "cd",
    view: 8,
    phase: "voting",
    peers_count: 3,
    validators_count: 4,
    quorum: 3,
    mempool_size: 0,
  };

  test("status says whether it is ready, by its exit code too", async (context) => {
    const up = await fakeApi(context, {
      "/api/consensus/status": [200, status],
      "/health/ready": [200, { status: "up", reasons: [] }],
    });
    const good = await run(["status", "--api", up]);
    assert.equal(good.exitCode, 0);
    assert.match(good.out, /ready +yes/);
    const down = await fakeApi(context, {
      "/api/consensus/status": [200, status],
      "/health/ready": [503, { status: "down", reasons: ["no peer is connected"] }],
    });
    const bad = await run(["status", "--api", `${down}/`]);
    assert.equal(bad.exitCode, 1);
    assert.match(bad.out, /ready +no: no peer is connected/);
    const json = JSON.parse((await run(["status", "--json", "--api", down])).out) as object;
    assert.deepEqual(json, { ...status, ready: false, reasons: ["no peer is connected"] });
  });

  test("peers", async (context) => {
    const peer = {
      name: "v1",
      peer_id: "12D3",
      role: "validator",
      transport: "tcp",
      direction: "inbound",
      height: 7,
      round_trip_ms: 1.25,
      node_version: "0.1.0",
    };
    const api = await fakeApi(context, { "/api/peers": [200, [peer]] });
    const { out } = await run(["peers", "--api", api]);
    assert.match(out, /v1 +validator +tcp inbound +7 +1\.3 ms +0\.1\.0/);
  });

  test("a node that is not there", async () => {
    const { exitCode, err } = await run(["status", "--api", "http://127.0.0.1:9"]);
    assert.equal(exitCode, 1);
    assert.match(err, /does not answer.*is the node running\?/);
  });
});
