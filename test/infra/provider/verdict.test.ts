/**
 * Proves: the verdict is given only when every node shows the same genesis, all connections, the same block
 * at the same height, and the height moves; what each node showed is in the error; a healthy network is
 * no change on refresh and an unhealthy one is drift. The nodes are HTTP servers in this process.
 * Does not prove: that real nodes answer in this form, which the end-to-end tests show.
 */
import assert from "node:assert/strict";
import { createServer, type Server } from "node:http";
import { test, type TestContext } from "node:test";
import type { VerdictInputs } from "../../../infra/provider/contracts/verdict.ts";
import { verdictHandler as handler } from "../../../infra/provider/handlers/verdict.ts";
import { describeFinding, observeNetwork } from "../../../infra/provider/observe/network.ts";
import { contextFor } from "./support/harness.ts";

const GENESIS = "a".repeat(64);

/** What a node answers; `height` may move with every question. */
interface Scripted {
  height: () => number;
  genesisHash?: string;
  blockId?: (height: number) => string;
  ageMs?: number;
  connected?: readonly string[];
}

const names = ["v1", "v2", "v3", "v4"];

async function network(t: TestContext, scripts: readonly Partial<Scripted>[]) {
  let looks = 0;
  const servers: Server[] = [];
  const nodes = await Promise.all(
    scripts.map(async (script, i) => {
      const { height = () => 1 + Math.floor(looks / scripts.length), genesisHash = GENESIS } =
        script;
      const server = createServer(({ url = "" }, response) => {
        response.setHeader("content-type", "application/json");
        const at = /blocks\/(\d+)$/.exec(url)?.[1];
        if (url.endsWith("/status")) looks += 1;
        response.end(
          JSON.stringify(
            at !== undefined
              ? {
                  height: Number(at),
                  block_id: (script.blockId ?? ((h) => `block-${h}`))(Number(at)),
                }
              : url.endsWith("/validators")
                ? {
                    validators: names.map((name) => ({
                      name,
                      pubkey: name,
                      active: (script.connected ?? names).includes(name),
                    })),
                  }
                : statusAnswer(height(), genesisHash, script.ageMs ?? 0),
          ),
        );
      });
      servers.push(server);
      await new Promise<void>((resolve) => server.listen(0, "127.0.0.1", resolve));
      const { port } = server.address() as { port: number };
      const name = names[i] as string;
      return {
        name,
        role: "validator" as const,
        apiUrl: `http://127.0.0.1:${port}`,
        incarnation: "1",
      };
    }),
  );
  t.after(() => servers.forEach((server) => server.close()));
  const inputs: VerdictInputs = { genesisHash: GENESIS, nodes, limitSeconds: 1 };
  return { inputs, servers, ...contextFor("/nowhere", "verdict") };
}

function statusAnswer(height: number, genesisHash: string, ageMs: number) {
  return {
    finalized_height: height,
    view: height,
    last_block_time: new Date(Date.now() - ageMs).toISOString(),
    block_interval_ms: 100,
    peers_count: 3,
    chain_id: "test",
    genesis_hash: genesisHash,
    role: "validator",
    public_key: "k",
    node_version: "0.1.0",
  };
}

test("all agree and the height moves: height, block, table and time come out", async (t) => {
  const { inputs, context } = await network(t, [{}, {}, {}, {}]);
  const { id, state } = await handler.create(inputs, context);
  assert.equal(id, "verdict");
  assert.ok(state.height > 1);
  assert.equal(state.blockId, `block-${state.height}`);
  assert.equal(state.healthy, true);
  assert.deepEqual(
    state.seen.map(({ name }) => name),
    names,
  );
});

const failures: readonly (readonly [string, Partial<Scripted>, RegExp])[] = [
  [
    "another genesis",
    { genesisHash: "b".repeat(64) },
    /v4 {2}height \d+, is on another chain: genesis b{12}/,
  ],
  [
    "another block",
    { blockId: () => "fork" },
    /v4 {2}height \d+, has another block at height \d+: fork/,
  ],
  ["a missing connection", { connected: ["v1", "v3", "v4"] }, /v4 .* is not connected to v2/],
  ["an old block", { ageMs: 60_000 }, /v4 .* has no new block since/],
  ["nothing finalized", { height: () => 0 }, /v4 {2}height 0, has finalized nothing yet/],
];

for (const [name, script, expected] of failures)
  test(`${name} on one node is no verdict, and the error says so`, async (t) => {
    const { inputs, context } = await network(t, [{}, {}, {}, script]);
    await assert.rejects(handler.create(inputs, context), (error: Error) => {
      assert.match(error.message, /^the network did not finalize within 1 s\n/);
      assert.match(error.message, expected);
      assert.equal(error.message.split("\n").length, 5);
      return true;
    });
  });

test("a height that stands still is no verdict, though all agree", async (t) => {
  const still = { height: () => 7 };
  const { inputs, context } = await network(t, [still, still, still, still]);
  await assert.rejects(handler.create(inputs, context), {
    message: /the height did not move from 7/,
  });
});

test("refresh: a healthy network is unchanged however far it got, an unhealthy one is drift", async (t) => {
  const { inputs, servers, context } = await network(t, [{}, {}, {}, {}]);
  const { id, state } = await handler.create(inputs, context);
  const old = { id, inputs, state };
  assert.deepEqual((await handler.read(old, context))?.state, state);
  assert.deepEqual(handler.diff(old, inputs, context).changes, []);
  servers[3]?.close();
  servers[3]?.closeAllConnections();
  const drifted = (await handler.read(old, context))?.state;
  assert.equal(drifted?.healthy, false);
  assert.equal(drifted?.findings[3], "v4  nobody listens");
  const { changes } = handler.diff({ ...old, state: drifted }, inputs, context);
  assert.deepEqual(changes, [{ path: "healthy", kind: "update", input: false }]);
});

test("a restarted node calls for a new verdict, a longer limit does not", async (t) => {
  const { inputs, context } = await network(t, [{}, {}, {}, {}]);
  const { id, state } = await handler.create(inputs, context);
  const old = { id, inputs, state };
  assert.deepEqual(handler.diff(old, { ...inputs, limitSeconds: 9 }, context).changes, []);
  const [first, ...others] = inputs.nodes;
  assert.ok(first);
  const restarted = { ...inputs, nodes: [{ ...first, incarnation: "2" }, ...others] };
  assert.deepEqual(handler.diff(old, restarted, context).changes, [
    { path: "nodes[0].incarnation", kind: "update" },
  ]);
});

test("one look throws nothing and describes every node in a line", async (t) => {
  const { inputs, servers, context } = await network(t, [{}, {}]);
  servers[1]?.close();
  servers[1]?.closeAllConnections();
  const finding = await observeNetwork(inputs.nodes, {
    genesisHash: GENESIS,
    signal: context.signal,
  });
  assert.equal(finding.healthy, false);
  assert.deepEqual(describeFinding(finding), ["v1  height 1, good", "v2  nobody listens"]);
});
