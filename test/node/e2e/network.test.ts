/**
 * Four validators and a full node as real processes on loopback, run from source.
 *
 * Proves: equal blocks at equal heights; a write answered by one node is readable on the others; one
 * node lost, two lost, all lost and started again, with kill -9; a clean stop; what was answered is
 * never lost. Does not prove: behaviour under delay, loss or Byzantine nodes, which the simulation of
 * consensus covers, nor anything about machines apart.
 */
import assert from "node:assert/strict";
import { readFileSync } from "node:fs";
import { join } from "node:path";
import { after, before, suite, test } from "node:test";
import { toHex } from "../../../node/formats/bytes.ts";
import { eventually, type LocalNetwork, prepareNetwork, type TestNode } from "./local-network.ts";

interface Block {
  readonly height: number;
  readonly block_id: string;
  readonly state_root: string;
  readonly signature_count: number;
}

suite("a network of four validators and a full node", { timeout: 240_000 }, () => {
  let network: LocalNetwork;
  /** Repositories whose creation was answered with 201: they must survive everything. */
  const answered: string[] = [];

  before(async () => {
    network = await prepareNetwork({ validators: 4, fullNodes: 1, blockIntervalMs: 300 });
    await Promise.all(all().map((node) => node.start()));
  });
  after(() => network[Symbol.asyncDispose]());

  const all = () => [...network.validators, ...network.fullNodes];
  const validator = (i: number) => network.validators[i] as TestNode;
  const create = async (node: TestNode, name: string) => {
    const response = await node.createRepository(name);
    assert.equal(response.status, 201, `${name}: ${await response.text()}`);
    answered.push(name);
  };
  const readable = (node: TestNode, name: string) =>
    eventually(`${node.name} has ${name}`, 10_000, async () => {
      const response = await fetch(node.url(`/api/repos/alice/${name}`));
      return response.status === 200 || `status ${response.status}`;
    });
  const restart = (nodes: readonly TestNode[]) => Promise.all(nodes.map((node) => node.start()));
  const tallest = async (nodes: readonly TestNode[]) =>
    Math.max(...(await Promise.all(nodes.map((node) => node.height()))));

  test("finalizes the same blocks everywhere, each with a quorum of signatures", async () => {
    await Promise.all(all().map((node) => node.reach(5)));
    const chains = await Promise.all(
      all().map((node) => node.get<Block[]>("/api/consensus/blocks?limit=5&before=6")),
    );
    for (const [i, chain] of chains.entries()) {
      assert.deepEqual(
        chain.map(({ height }) => height),
        [1, 2, 3, 4, 5],
      );
      assert.deepEqual(
        chain.map(({ block_id, state_root }) => [block_id, state_root]),
        chains[0]?.map(({ block_id, state_root }) => [block_id, state_root]),
        all()[i]?.name,
      );
      for (const { signature_count } of chain) assert.ok(signature_count >= 3);
    }
  });

  test("a write is readable on the other nodes after the answer", async () => {
    await create(validator(0), "first");
    await Promise.all(all().map((node) => readable(node, "first")));
    const again = await validator(1).createRepository("first");
    assert.equal(again.status, 409);
    const invalid = await validator(1).createRepository("no/slash");
    assert.equal(invalid.status, 422);
  });

  test("a full node hands writes to the validators", async () => {
    await create(network.fullNodes[0] as TestNode, "through-full-node");
    await readable(validator(3), "through-full-node");
  });

  test("with Prefer: respond-async the answer names the transaction", async () => {
    const response = await validator(2).createRepository("later", { prefer: "respond-async" });
    assert.equal(response.status, 202);
    const { transaction_id } = (await response.json()) as { transaction_id: string };
    await eventually("the transaction is finalized", 10_000, async () => {
      const path = `/api/consensus/transactions/${transaction_id}`;
      const { status } = await validator(2).get<{ status: string }>(path);
      return status === "finalized" || status;
    });
  });

  test("three validators go on without the fourth, which then catches up", async () => {
    await validator(3).kill("SIGKILL");
    const before = await validator(0).height();
    await create(validator(0), "while-one-is-down");
    await validator(0).reach(before + 8);
    await validator(3).start();
    await validator(3).reach(before + 8, 15_000);
    await readable(validator(3), "while-one-is-down");
  });

  test("two validators alone finalize nothing; with a third the chain moves within 10 s", async () => {
    await Promise.all([validator(2).kill("SIGKILL"), validator(3).kill("SIGKILL")]);
    const pair = [validator(0), validator(1)];
    // What was finalized by then may still arrive; after that the height stands.
    await new Promise((resolve) => setTimeout(resolve, 500));
    const height = await tallest(pair);
    await new Promise((resolve) => setTimeout(resolve, 2500));
    assert.equal(await tallest(pair), height);
    const health = await validator(0).get<{ status: string; reasons: string[] }>("/health/ready");
    assert.equal(health.status, "down");
    assert.match(health.reasons.join(), /2 of 4 validators reached/);

    await validator(2).start();
    await validator(0).reach(height + 1, 10_000);
    await validator(3).start();
    await create(validator(3), "after-two-were-down");
  });

  test("all killed at once and started again: the chain goes on, nothing answered is lost", async () => {
    const height = await tallest(network.validators);
    const last = await validator(0).get<Block>(`/api/consensus/blocks/${height - 1}`);
    await Promise.all(all().map((node) => node.kill("SIGKILL")));
    await restart(all());
    await Promise.all(all().map((node) => node.reach(height + 3, 20_000)));
    for (const node of all()) {
      const same = await node.get<Block>(`/api/consensus/blocks/${height - 1}`);
      assert.equal(same.block_id, last.block_id, node.name);
      for (const name of answered) await readable(node, name);
    }
  });

  test("SIGTERM: writes under way are finalized and answered, the process ends with 0", async () => {
    const node = validator(1);
    const writes = ["x", "y", "z"].map((name) => node.createRepository(`stopping-${name}`));
    await eventually("the node has the writes", 5000, async () => {
      const { transaction_count: waiting } = await node.get<{ transaction_count: number }>(
        "/api/consensus/mempool",
      );
      const done = await Promise.race([Promise.all(writes), undefined]);
      return waiting > 0 || done !== undefined || "none yet";
    });
    const started = performance.now();
    assert.equal(await node.kill("SIGTERM"), 0);
    assert.ok(performance.now() - started < 5_000);
    for (const response of await Promise.all(writes)) assert.equal(response.status, 201);
    assert.match(node.log(), /"exitCode":0,"msg":"guts-node ends"/);
    await node.start();
  });

  test("no private key is in any log or in the arguments of a process", () => {
    const account = readFileSync(join(network.directory, "account.key"), "utf8").trim();
    const secrets = [account, ...all().map(({ key }) => toHex(key.seed()))].flatMap((hex) => [
      hex,
      Buffer.from(hex, "hex").toString("base64").replace(/=+$/, ""),
      Buffer.from(hex, "hex").toString("base64url"),
    ]);
    for (const node of all()) {
      const seen = node.log() + readFileSync(`/proc/${node.pid}/cmdline`, "utf8");
      assert.ok(seen.length > 1000);
      for (const secret of secrets) assert.ok(!seen.includes(secret), node.name);
    }
  });
});
