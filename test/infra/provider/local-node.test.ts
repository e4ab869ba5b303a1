/**
 * Proves: a node is started once in a session of its own, found again after its starter was killed, seen
 * to be dead or changed, restarted, stopped cleanly or by force; a failed start leaves nothing running and
 * shows the log; ports of strangers are named. The node is a double that makes blocks by the clock.
 * Does not prove: anything about consensus, and nothing on macOS, where processes are looked up otherwise.
 */
import assert from "node:assert/strict";
import { readdir, readFile, rm, stat, writeFile } from "node:fs/promises";
import { createServer } from "node:net";
import { join } from "node:path";
import { test, type TestContext } from "node:test";
import { setImmediate } from "node:timers/promises";
import type { LocalNodeInputs } from "../../../infra/provider/contracts/local-node.ts";
import type { Context } from "../../../infra/provider/handler.ts";
import { localNodeHandler as handler } from "../../../infra/provider/handlers/local-node.ts";
import { findByArgument, identify, stopProcess } from "../../../infra/provider/local/processes.ts";
import {
  behave,
  contextFor,
  doubleRelease,
  makeGenesis,
  nodeInputs,
  stopNodesAfter,
  temporaryDirectory,
} from "./support/harness.ts";

async function ready(t: TestContext, name = "v1") {
  const home = await temporaryDirectory(t);
  stopNodesAfter(t, home, [name]);
  const release = await doubleRelease(home);
  const genesis = makeGenesis(1);
  const inputs = await nodeInputs(release, genesis, name);
  return {
    home,
    release,
    genesis,
    inputs,
    directory: join(home, inputs.directory),
    ...contextFor(home, name),
  };
}

async function start(inputs: LocalNodeInputs, context: Context) {
  const { id, state } = await handler.create(inputs, context);
  return { id, inputs, state };
}

const processesOf = (directory: string) => findByArgument(join(directory, "node.yaml"));

async function kill(pid: number): Promise<void> {
  const identity = await identify(pid);
  assert.ok(identity);
  await stopProcess(identity, 0);
}

test("create starts one process that answers, in its own session, with a clean environment", async (t) => {
  process.env.GUTS_API_ADDR = "127.0.0.1:1";
  t.after(() => delete process.env.GUTS_API_ADDR);
  const { inputs, context, directory } = await ready(t);
  const { state, id } = await start(inputs, context);
  assert.equal(id, "net/v1");
  assert.equal(state.apiUrl, `http://${inputs.apiAddr}`);
  assert.equal(state.p2pAddress, `/ip4/127.0.0.1/tcp/${inputs.p2pAddr.split(":")[1]}`);
  assert.equal((await fetch(`${state.internalUrl}/health/startup`)).status, 200);
  if (process.platform === "linux") {
    const fields = (await readFile(`/proc/${state.pid}/stat`, "latin1")).split(") ")[1]?.split(" ");
    assert.equal(Number(fields?.[3]), state.pid, "it leads no session of its own");
    assert.equal((await readFile(`/proc/${state.pid}/environ`, "latin1")).includes("GUTS_"), false);
  }
  assert.equal((await stat(directory)).mode & 0o777, 0o700);
  assert.match(await readFile(join(directory, "node.log"), "utf8"), /double of test-chain runs/);
});

test("unchanged: read and diff show no difference", async (t) => {
  const { inputs, context } = await ready(t);
  const old = await start(inputs, context);
  const found = await handler.read(old, context);
  assert.deepEqual(found?.state, old.state);
  assert.deepEqual(handler.diff(old, inputs, context).changes, []);
});

test("create adopts the process whose starter was killed, with or without its record", async (t) => {
  const { inputs, context, directory } = await ready(t);
  const { state } = await start(inputs, context);
  const again = await start(inputs, context);
  assert.deepEqual(again.state, state);
  // Killed between the start and the record of the process.
  const record = JSON.parse(await readFile(join(directory, "process.json"), "utf8")) as object;
  await writeFile(
    join(directory, "process.json"),
    JSON.stringify({ ...record, process: undefined }),
  );
  assert.deepEqual((await start(inputs, context)).state, state);
  assert.equal((await processesOf(directory)).length, 1);
  // Without any record nobody knows what it runs, so it is restarted.
  await rm(join(directory, "process.json"));
  const restarted = await start(inputs, context);
  assert.notEqual(restarted.state.pid, state.pid);
  assert.equal((await processesOf(directory)).length, 1);
});

test("a process id that another process got meanwhile is not mistaken for the node", async (t) => {
  const { inputs, context, directory } = await ready(t);
  const old = await start(inputs, context);
  await kill(old.state.pid);
  const file = join(directory, "process.json");
  const record = JSON.parse(await readFile(file, "utf8")) as { process: object };
  const impostor = { ...record, process: { ...record.process, pid: process.pid } };
  await writeFile(file, JSON.stringify(impostor));
  assert.equal((await handler.read(old, context))?.state.status, "stopped");
  await handler.delete(old, context);
});

test("a dead node is drift, and the update starts it again", async (t) => {
  const { inputs, context } = await ready(t);
  const old = await start(inputs, context);
  await kill(old.state.pid);
  const state = (await handler.read(old, context))?.state;
  assert.equal(state?.status, "stopped");
  const drifted = { ...old, state };
  assert.deepEqual(handler.diff(drifted, inputs, context).changes, [
    { path: "status", kind: "update", input: false },
  ]);
  const planned = await handler.planUpdate(drifted, inputs, context);
  assert.equal(planned.incarnation, undefined, "a preview cannot know the next process");
  const revived = await handler.update(drifted, inputs, context);
  assert.equal(revived.status, "running");
  assert.notEqual(revived.incarnation, old.state.incarnation);
});

test("an edited configuration file is drift, and the update puts it right by a restart", async (t) => {
  const { inputs, context, directory } = await ready(t);
  const old = await start(inputs, context);
  await writeFile(join(directory, "node.yaml"), "api-addr: 0.0.0.0:1\n");
  const state = (await handler.read(old, context))?.state;
  assert.ok(state);
  const { changes } = handler.diff({ ...old, state }, inputs, context);
  assert.deepEqual(changes, [{ path: "filesHash", kind: "update", input: false }]);
  const updated = await handler.update({ ...old, state }, inputs, context);
  assert.notEqual(updated.pid, old.state.pid);
  assert.equal(await readFile(join(directory, "node.yaml"), "utf8"), inputs.files[0]?.content);
});

test("another release restarts the node and waits for a new block", async (t) => {
  const { home, inputs, context, messages } = await ready(t);
  const old = await start(inputs, context);
  const wanted = { ...inputs, release: await doubleRelease(home, "two") };
  const { changes } = handler.diff(old, wanted, context);
  assert.deepEqual(changes, [{ path: "release", kind: "update" }]);
  const state = await handler.update(old, wanted, context);
  assert.equal(state.runningRelease, wanted.release);
  assert.ok(messages.some((message) => message.startsWith("waiting for a block after height")));
  assert.ok(messages.at(-1)?.endsWith("and finalizes"));
  assert.equal(await identify(old.state.pid), undefined);
});

async function three(t: TestContext) {
  const home = await temporaryDirectory(t);
  const names = ["v1", "v2", "v3"];
  stopNodesAfter(t, home, names);
  const release = await doubleRelease(home);
  const genesis = makeGenesis(3);
  const { context } = contextFor(home, "some node");
  const olds = await Promise.all(
    names.map(async (name) => start(await nodeInputs(release, genesis, name), context)),
  );
  const next = await doubleRelease(home, "two");
  const update = (old: (typeof olds)[number]) =>
    handler.update(old, { ...old.inputs, release: next }, context);
  return { home, context, olds, update };
}

test("planned restarts take one node at a time", async (t) => {
  const { home, olds, update } = await three(t);
  let done = false;
  let fewest = olds.length;
  const watching = (async () => {
    while (!done) {
      const running = await Promise.all(
        olds.map(({ inputs }) => processesOf(join(home, inputs.directory))),
      );
      fewest = Math.min(fewest, running.filter((found) => found.length > 0).length);
      await setImmediate();
    }
  })();
  const states = await Promise.all(olds.map(update));
  done = true;
  await watching;
  assert.ok(fewest >= olds.length - 1, `${olds.length - fewest} nodes were out at once`);
  for (const [i, { pid }] of states.entries()) assert.notEqual(pid, olds[i]?.state.pid);
});

test("after a planned restart that failed the other nodes are left alone", async (t) => {
  const { home, context, olds, update } = await three(t);
  const [first, second] = olds;
  assert.ok(first && second);
  await behave(home, "v1", "exit");
  await assert.rejects(update(first), { message: /ended with exit code 7/ });
  await assert.rejects(update(second), { message: /was not restarted, because some node did not/ });
  assert.equal((await handler.read(second, context))?.state.pid, second.state.pid);
});

test("a start that fails shows the end of the log and leaves nothing running", async (t) => {
  const { home, inputs, context, directory } = await ready(t);
  await behave(home, "v1", "exit");
  await assert.rejects(start(inputs, context), {
    message:
      /^v1 ended with exit code 7\nthe end of .*node\.log:\n {2}the double was told to exit$/,
  });
  await behave(home, "v1", "deaf");
  await assert.rejects(start({ ...inputs, startTimeoutSeconds: 1 }, context), {
    message: /v1 did not answer at http.* within 1 s: .*ECONNREFUSED/,
  });
  assert.deepEqual(await processesOf(directory), []);
  await rm(join(directory, "NODE_DOUBLE"));
  await start(inputs, context);
});

test("a port of a stranger is named with its owner, and nothing is started", async (t) => {
  const { inputs, context, directory } = await ready(t);
  const [host, port] = inputs.apiAddr.split(":");
  const stranger = createServer();
  await new Promise<void>((resolve) => stranger.listen(Number(port), host, resolve));
  t.after(() => stranger.close());
  await assert.rejects(start(inputs, context), (error: Error) => {
    assert.match(error.message, new RegExp(`port ${port}/tcp \\(API of v1\\) is taken by process`));
    assert.ok(error.message.includes(`process ${process.pid} (`));
    assert.match(error.message, /give the site other ports/);
    return true;
  });
  await assert.rejects(stat(directory), { code: "ENOENT" });
});

test("delete stops cleanly and keeps the data; with purge nothing is left", async (t) => {
  const { home, inputs, context, directory } = await ready(t);
  const old = await start(inputs, context);
  await handler.delete(old, context);
  assert.equal(await identify(old.state.pid), undefined);
  assert.match(await readFile(join(directory, "node.log"), "utf8"), /SIGTERM\n$/);
  assert.ok(await stat(join(directory, "data", "chain")));
  const purged = await start({ ...inputs, purge: true }, context);
  await handler.delete(purged, context);
  assert.deepEqual(await readdir(join(home, "net")), []);
  await handler.delete(purged, context);
});

test("a node that does not stop is killed after the limit, with a warning", async (t) => {
  const { home, inputs, context, messages } = await ready(t);
  await behave(home, "v1", "stubborn");
  const old = await start({ ...inputs, stopTimeoutSeconds: 1 }, context);
  await handler.delete(old, context);
  assert.equal(await identify(old.state.pid), undefined);
  assert.match(messages.at(-1) ?? "", /did not stop within 1 s and was killed/);
});

test("with another genesis the old data is moved aside", async (t) => {
  const { inputs, context, directory } = await ready(t);
  const old = await start(inputs, context);
  const other = makeGenesis(1, "other-chain");
  const fresh = await nodeInputs(inputs.release, other);
  const wanted = {
    ...inputs,
    genesisHash: fresh.genesisHash,
    files: [inputs.files[0], fresh.files[1]],
  };
  await handler.update(old, wanted as LocalNodeInputs, context);
  const kept = `data.${inputs.genesisHash.slice(0, 12)}`;
  assert.equal(await readFile(join(directory, kept, "chain"), "utf8"), inputs.genesisHash);
  assert.equal(await readFile(join(directory, "data", "chain"), "utf8"), fresh.genesisHash);
});

test("a damaged or missing release is refused and half of it is never used", async (t) => {
  const { home, inputs, context } = await ready(t);
  const file = join(home, "bundles", `${inputs.release}.tar.gz`);
  const whole = await readFile(file);
  await writeFile(file, whole.subarray(0, whole.length - 1));
  await assert.rejects(start(inputs, context), { message: /has the hash .*: it is damaged/ });
  await rm(file);
  await assert.rejects(start(inputs, context), { message: /is missing: run the command again/ });
  await writeFile(file, whole);
  await start(inputs, context);
  assert.deepEqual(await readdir(join(home, "releases")), [inputs.release]);
});

test("inputs that cannot be meant are refused", async (t) => {
  const { inputs } = await ready(t);
  const problems = (changes: Partial<LocalNodeInputs>, old?: LocalNodeInputs) =>
    handler.check?.({ ...inputs, ...changes }, old).map(({ property }) => property);
  assert.deepEqual(problems({}), []);
  assert.deepEqual(problems({ directory: "net/w" }, inputs), ["directory"]);
  assert.deepEqual(problems({ apiAddr: "127.0.0.1:99999" }), ["apiAddr"]);
  assert.deepEqual(problems({ files: [] }), ["files"]);
});
