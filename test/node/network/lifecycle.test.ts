/**
 * Proves: a stopped network leaves nothing that keeps a process alive, a node without the native QUIC
 * library runs on TCP and says so once, and start and stop cannot be confused. Does not prove: what
 * happens when the process is killed.
 */
import assert from "node:assert/strict";
import { execFile } from "node:child_process";
import { registerHooks } from "node:module";
import test from "node:test";
import { promisify } from "node:util";
import { isConnected, startMesh, stopAll, type TestNode, testNode } from "./support/nodes.ts";

test("a process ends by itself after its network has stopped", async () => {
  const script = `
    const { startMesh, stopAll } = await import(${JSON.stringify(new URL("./support/nodes.ts", import.meta.url).href)});
    const nodes = await startMesh(2, () => ({ quic: true }));
    await nodes[0].network.request(nodes[1].network.publicKey, Uint8Array.of(1), AbortSignal.timeout(5000)).catch(() => {});
    const startedAt = performance.now();
    await stopAll(nodes);
    console.log(Math.round(performance.now() - startedAt));
  `;
  const run = promisify(execFile)(process.execPath, ["--input-type=module", "-e", script], {
    timeout: 20_000,
  });
  const { stdout } = await run;
  assert.ok(Number(stdout) < 3_000, `stopping took ${stdout.trim()} ms`);
});

test("without its native library QUIC is left out, and the node says so once", async (t) => {
  const hooks = registerHooks({
    resolve: (specifier, context, next) => {
      if (specifier === "@chainsafe/libp2p-quic") throw new Error("no native binary");
      return next(specifier, context);
    },
  });
  t.after(() => hooks.deregister());
  const nodes = (await startMesh(2, () => ({ quic: true }))) as [TestNode, TestNode];
  t.after(() => stopAll(nodes));
  assert.ok(isConnected(nodes[0], nodes[1]));
  for (const { network, log } of nodes) {
    assert.equal(network.listenAddresses.length, 1);
    const told = log.filter(({ message }) => message.startsWith("QUIC is not available"));
    assert.deepEqual(
      told.map(({ level, fields }) => [level, fields["reason"]]),
      [["warn", "no native binary"]],
    );
  }
});

test("a network starts once, not after it was stopped, and not with an aborted signal", async (t) => {
  const node = testNode(0, [0]);
  t.after(() => node.network.stop());
  await node.start();
  await assert.rejects(node.start(), /the network is started already/);
  await node.network.stop();
  await node.network.stop();
  await assert.rejects(node.start(), /the network is stopped already/);
  const other = testNode(1, [1]);
  const starting = other.start();
  await other.network.stop();
  await assert.rejects(starting, /stopped while it started/);
  assert.deepEqual(other.network.listenAddresses, []);
  await assert.rejects(testNode(2, [2]).network.start(AbortSignal.abort()), /aborted/);
});
