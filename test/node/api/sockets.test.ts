/**
 * What needs real sockets: event streams, draining, the internal address and taken ports.
 *
 * Proves: streams are bounded, cut off when slow, and resume; a write under way is answered while the
 * node stops; metrics are only on the internal address. Does not prove behaviour under many clients.
 */
import assert from "node:assert/strict";
import { once } from "node:events";
import { connect, createServer, type Socket } from "node:net";
import { suite, test, type TestContext } from "node:test";
import { createInternalApi } from "../../../node/api/internal.ts";
import { createApi } from "../../../node/api/server.ts";
import { parseAddress, type NodeSettings } from "../../../node/formats/configuration.ts";
import { ExitError } from "../../../node/operations/exit.ts";
import { fakeNode } from "./fake-node.ts";

async function running(context: TestContext, changes: Partial<NodeSettings> = {}) {
  const node = await fakeNode(changes);
  const api = await createApi(node.context);
  const life = new AbortController();
  await api.start(life.signal);
  context.after(async () => {
    await api.stop();
    life.abort();
  });
  return { ...node, api };
}

async function until(what: string, done: () => boolean): Promise<void> {
  const end = performance.now() + 5000;
  while (!done()) {
    if (performance.now() > end) throw new Error(`not within 5 s: ${what}`);
    await new Promise((resolve) => setImmediate(resolve));
  }
}

/** A stream of events, read as text. */
async function listen(url: string, headers: Record<string, string> = {}) {
  const abort = new AbortController();
  const response = await fetch(`${url}/api/events`, { headers, signal: abort.signal });
  const state = { text: "", ended: false };
  const reading = (async () => {
    const decoder = new TextDecoder();
    try {
      for await (const chunk of response.body ?? []) state.text += decoder.decode(chunk);
    } catch {
      // Cut off, by us or by the node.
    }
    state.ended = true;
  })();
  return { response, state, reading, close: () => abort.abort() };
}

suite("events", () => {
  test("blocks are sent as they are finalized", async (context) => {
    const { api, chain } = await running(context);
    const stream = await listen(api.url);
    assert.equal(stream.response.headers.get("content-type"), "text/event-stream");
    await until("the stream is open", () => api.streams.size === 1);
    chain.finalize();
    await until("the block arrives", () => stream.state.text.includes("\n\nevent: block"));
    const [, id, data] = /event: block\nid: (\d+)\ndata: (.*)\n\n/.exec(stream.state.text) ?? [];
    assert.equal(id, "26");
    assert.equal((JSON.parse(data ?? "{}") as { height: number }).height, 26);
    stream.close();
    await until("the stream is closed", () => api.streams.size === 0);
  });

  test("after Last-Event-ID the blocks since then come first", async (context) => {
    const { api } = await running(context);
    const stream = await listen(api.url, { "last-event-id": "22" });
    await until("three blocks arrive", () => stream.state.text.includes("id: 25"));
    assert.deepEqual(
      [...stream.state.text.matchAll(/^id: (\d+)$/gm)].map(([, id]) => id),
      ["23", "24", "25"],
    );
    stream.close();
  });

  test("one stream too many is refused", async (context) => {
    const { api } = await running(context, { maxEventStreams: 1 });
    const stream = await listen(api.url);
    await until("the stream is open", () => api.streams.size === 1);
    const second = await fetch(`${api.url}/api/events`);
    assert.equal(second.status, 429);
    assert.equal(((await second.json()) as { error: string }).error, "too-many-event-streams");
    stream.close();
  });

  test("a client that does not read is cut off", async (context) => {
    const { api, chain } = await running(context);
    const { host, port } = parseAddress(api.url.replace("http://", ""))!;
    const slow: Socket = connect(port, host);
    context.after(() => slow.destroy());
    await once(slow, "connect");
    slow.pause();
    slow.write(`GET /api/events HTTP/1.1\r\nHost: ${host}\r\n\r\n`);
    await until("the stream is open", () => api.streams.size === 1);
    for (let i = 0; i < 20_000 && api.streams.size > 0; i += 1) {
      chain.finalize();
      if (i % 100 === 0) await new Promise((resolve) => setImmediate(resolve));
    }
    await until("it is cut off", () => api.streams.size === 0);
  });
});

suite("stopping", () => {
  const write = (url: string) =>
    fetch(`${url}/api/repos`, {
      method: "POST",
      headers: { "content-type": "application/json" },
      body: JSON.stringify({ owner: "alice", name: "one" }),
    });

  test("a write under way is answered, new requests are refused, streams end", async (context) => {
    const { api, chain, context: node } = await running(context, { openWrites: "loopback" });
    const stream = await listen(api.url);
    await until("the stream is open", () => api.streams.size === 1);
    let settle: () => void = () => undefined;
    const begun = new Promise<void>((resolve) => {
      chain.settled = () => {
        resolve();
        return new Promise((done) => {
          settle = () => done({ status: "finalized", height: 26, index: 0 });
        });
      };
    });
    const answer = write(api.url);
    await begun;
    const stopped = Promise.resolve(api.stop());
    await stream.reading;
    assert.ok(node.health.draining);
    settle();
    assert.equal((await answer).status, 201);
    await stopped;
    await assert.rejects(fetch(`${api.url}/health/live`));
  });
});

suite("a stop is not held up", () => {
  test("by a write that is not finalized: it is answered with its transaction", async () => {
    const node = await fakeNode({ openWrites: "loopback" });
    node.chain.hold = true;
    const api = await createApi(node.context, 50);
    await api.start(new AbortController().signal);
    const waiting = new Promise<void>((resolve) => {
      const { settled } = node.chain;
      node.chain.settled = (id, signal) => {
        resolve();
        return settled.call(node.chain, id, signal);
      };
    });
    const answer = fetch(`${api.url}/api/repos`, {
      method: "POST",
      headers: { "content-type": "application/json" },
      body: JSON.stringify({ owner: "alice", name: "one" }),
    });
    await waiting;
    await api.stop();
    assert.equal((await answer).status, 202);
  });

  test("by a client that never finishes its request", async (context) => {
    const node = await fakeNode({ openWrites: "loopback" });
    const api = await createApi(node.context, 50);
    await api.start(new AbortController().signal);
    const { host, port } = parseAddress(api.url.replace("http://", ""))!;
    const slow = connect(port, host);
    context.after(() => slow.destroy());
    slow.on("error", () => undefined);
    const head = "POST /api/repos HTTP/1.1\r\nHost: x\r\nContent-Type: application/json";
    slow.write(`${head}\r\nContent-Length: 9\r\nExpect: 100-continue\r\n\r\n`);
    // The answer to Expect says that the request has begun.
    await once(slow, "data");
    const started = performance.now();
    await api.stop();
    assert.ok(performance.now() - started < 3000);
  });
});

suite("addresses", () => {
  test("metrics and health are on the internal address, metrics only there", async (context) => {
    const { api, context: node } = await running(context);
    const internal = await createInternalApi({
      address: "127.0.0.1:0",
      health: node.health,
      metrics: node.metrics,
    });
    node.metrics.watch({
      height: () => 25,
      view: () => 26,
      mempool: () => ({ size: 2, bytes: 100 }),
      peers: () => node.peers(),
      eventStreams: () => 0,
    });
    await internal.start(new AbortController().signal);
    context.after(() => internal.stop());
    const response = await fetch(`${internal.url}/metrics`);
    assert.match(response.headers.get("content-type") ?? "", /^text\/plain; version=0\.0\.4/);
    const text = await response.text();
    for (const line of [
      "guts_consensus_finalized_height 25",
      "guts_consensus_block_height 25",
      "guts_consensus_commits_total 0",
      "guts_consensus_mempool_size 2",
      "guts_consensus_view 26",
      'guts_p2p_peers{transport="tcp",role="validator"} 3',
      'guts_p2p_peers{transport="quic",role="full"} 0',
    ])
      assert.ok(text.includes(`\n${line}\n`), line);
    assert.match(text, /guts_event_loop_delay_seconds\{quantile="0.99"\} [\d.e-]+/);
    assert.match(text, /process_resident_memory_bytes \d+/);
    assert.equal((await fetch(`${internal.url}/health/ready`)).status, 200);
    assert.equal((await fetch(`${api.url}/metrics`)).status, 404);
  });

  test("a taken port is told with its setting and ends with exit code 2", async (context) => {
    const taken = createServer();
    await new Promise<void>((resolve) => taken.listen(0, "127.0.0.1", resolve));
    context.after(() => taken.close());
    const address = taken.address();
    const port = typeof address === "object" ? address?.port : 0;
    const api = await createApi((await fakeNode({ apiAddr: `127.0.0.1:${port}` })).context);
    await assert.rejects(Promise.resolve(api.start(new AbortController().signal)), (error) => {
      assert.ok(error instanceof ExitError && error.exitCode === 2);
      assert.match(error.message, /^api-addr: cannot listen on 127\.0\.0\.1:\d+: another process/);
      return true;
    });
  });
});
