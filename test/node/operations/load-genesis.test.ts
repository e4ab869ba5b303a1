/**
 * Proves: where a genesis comes from, and which chain a node refuses to join. Does not prove that a
 * genesis is checked in all its parts; the tests of the format do.
 */
import assert from "node:assert/strict";
import { mkdtempSync, readFileSync, rmSync, writeFileSync } from "node:fs";
import { createServer } from "node:http";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { suite, test, type TestContext } from "node:test";
import { defaultSettings, type NodeSettings } from "../../../node/formats/configuration.ts";
import { encodeGenesis, genesisHash } from "../../../node/formats/genesis.ts";
import { ExitError } from "../../../node/operations/exit.ts";
import { joinProblem, keepGenesis, loadGenesis } from "../../../node/operations/load-genesis.ts";
import { genesis } from "../api/fake-node.ts";

function directory(context: TestContext): string {
  const path = mkdtempSync(join(tmpdir(), "guts-genesis-"));
  context.after(() => rmSync(path, { recursive: true }));
  return path;
}

function settingsFor(dataDir: string, changes: Partial<NodeSettings> = {}): NodeSettings {
  return { ...defaultSettings(), dataDir, ...changes };
}

function load(settings: NodeSettings) {
  return loadGenesis(settings, new AbortController().signal);
}

async function refused(settings: NodeSettings, message: RegExp): Promise<void> {
  await assert.rejects(load(settings), (error) => {
    assert.ok(error instanceof ExitError && error.exitCode === 2);
    assert.match(error.message, message);
    return true;
  });
}

async function serve(context: TestContext, body: string, status = 200): Promise<string> {
  const server = createServer((_, response) => response.writeHead(status).end(body));
  await new Promise<void>((resolve) => server.listen(0, "127.0.0.1", resolve));
  context.after(() => server.close());
  const address = server.address();
  return `http://127.0.0.1:${typeof address === "object" ? address?.port : 0}/genesis.json`;
}

suite("sources", () => {
  test("a file, and after the first start the copy in the data directory", async (context) => {
    const dataDir = directory(context);
    const genesisFile = join(directory(context), "genesis.json");
    writeFileSync(genesisFile, JSON.stringify(genesis, undefined, 2));
    const settings = settingsFor(dataDir, { genesisFile });
    const loaded = await load(settings);
    assert.equal(loaded.hash, genesisHash(genesis));
    keepGenesis(settings, loaded);
    assert.equal(
      readFileSync(join(dataDir, "genesis.json"), "utf8"),
      `${encodeGenesis(genesis)}\n`,
    );
    assert.equal((await load(settingsFor(dataDir))).hash, loaded.hash);
  });

  test("a URL whose content has the hash that the settings name", async (context) => {
    const genesisUrl = await serve(context, encodeGenesis(genesis));
    const dataDir = directory(context);
    const loaded = await load(
      settingsFor(dataDir, { genesisUrl, genesisHash: genesisHash(genesis) }),
    );
    assert.equal(loaded.genesis.chainId, genesis.chainId);
    const other = settingsFor(dataDir, { genesisUrl, genesisHash: "ab".repeat(32) });
    await refused(other, /its hash is [0-9a-f]{64}, genesis-hash allows only abab/);
  });

  test("a URL that fails, or whose content is no genesis", async (context) => {
    const dataDir = directory(context);
    const gone = await serve(context, "gone", 404);
    await refused(settingsFor(dataDir, { genesisUrl: gone }), /cannot fetch .*got status 404/);
    const nothing = settingsFor(dataDir, { genesisUrl: "http://127.0.0.1:9/g" });
    await refused(nothing, /genesis-url: cannot fetch/);
    const huge = await serve(context, " ".repeat(5 * 1024 * 1024));
    await refused(settingsFor(dataDir, { genesisUrl: huge }), /got more than 4194304 bytes/);
    const text = await serve(context, "hello");
    await refused(settingsFor(dataDir, { genesisUrl: text }), /not JSON/);
  });

  test("none at all", async (context) => {
    await refused(settingsFor(directory(context)), /set genesis-file, or genesis-url/);
    await refused(settingsFor("x", { genesisFile: "/nowhere/g.json" }), /genesis-file: ENOENT/);
  });
});

suite("chains this node may not join", () => {
  test("version 0.x joins devnets only, 1.x testnets and mainnets only", () => {
    const early = { node: "0.9.1", protocol: 0 };
    const stable = { node: "1.0.0", protocol: 1 };
    assert.equal(joinProblem({ purpose: "devnet", protocolVersion: 0 }, early), undefined);
    for (const purpose of ["testnet", "mainnet"] as const) {
      assert.match(joinProblem({ purpose, protocolVersion: 1 }, early) ?? "", /devnets only/);
      assert.equal(joinProblem({ purpose, protocolVersion: 1 }, stable), undefined);
      assert.match(
        joinProblem({ purpose, protocolVersion: 0 }, stable) ?? "",
        /speaks protocol 1, this chain needs 0/,
      );
    }
    assert.match(joinProblem({ purpose: "devnet", protocolVersion: 0 }, stable) ?? "", /only/);
  });

  test("the settings must agree with the genesis", async (context) => {
    const dataDir = directory(context);
    const genesisFile = join(dataDir, "g.json");
    writeFileSync(genesisFile, encodeGenesis(genesis));
    assert.ok(await load(settingsFor(dataDir, { genesisFile, blockTime: 2000 })));
    await refused(
      settingsFor(dataDir, { genesisFile, blockTime: 1000 }),
      /block-time is 1000ms, allowed: 2000ms/,
    );
    const testnet = { ...genesis, purpose: "testnet", protocolVersion: 1 } as const;
    writeFileSync(genesisFile, encodeGenesis(testnet));
    await refused(
      settingsFor(dataDir, { genesisFile }),
      /may join devnets only, this is a testnet/,
    );
  });
});
