/**
 * Proves: the network over real loopback sockets, several nodes in this process: who is let in, who
 * may say what, what happens to the slow, the rude and the lost. Does not prove: behaviour with loss
 * or delay on the way, or with more than a handful of nodes.
 */
import assert from "node:assert/strict";
import { createSocket } from "node:dgram";
import test, { type TestContext } from "node:test";
import { setFlagsFromString } from "node:v8";
import { runInNewContext } from "node:vm";
import { defaultLimits } from "../../../node/network/limits.ts";
import { noMetrics, type NetworkOptions } from "../../../node/network/options.ts";
import { RequestError } from "../../../node/network/questions.ts";
import {
  addressOf,
  isConnected,
  publicKeyOf,
  startMesh,
  stopAll,
  type TestNode,
  testNode,
  until,
} from "./support/nodes.ts";
import { frame, rogue } from "./support/raw.ts";

const signal = new AbortController().signal;

setFlagsFromString("--expose-gc");
const collectGarbage = runInNewContext("gc") as () => void;

/** Starts nodes and stops them when the test ends. */
async function started(t: TestContext, ...nodes: TestNode[]): Promise<void> {
  t.after(() => stopAll(nodes));
  for (const node of nodes) await node.start();
}

async function mesh(
  t: TestContext,
  count: number,
  options?: (n: number) => Partial<NetworkOptions>,
): Promise<TestNode[]> {
  const nodes = await startMesh(count, options);
  t.after(() => stopAll(nodes));
  return nodes;
}

function warnings({ log }: TestNode, message: string): Record<string, unknown>[] {
  return log
    .filter((line) => line.level === "warn" && line.message === message)
    .map(({ fields }) => fields);
}

for (const transport of ["tcp", "quic"] as const)
  test(`four validators over ${transport} alone: broadcast, send, request, heights`, async (t) => {
    const nodes = await mesh(t, 4, () => ({
      tcp: transport === "tcp",
      quic: transport === "quic",
    }));
    const [first, second] = nodes as [TestNode, TestNode];
    const got: string[] = [];
    for (const [n, { network }] of nodes.entries()) {
      network.onMessage("votes", (peer, message) =>
        got.push(`${n} ${peer.slice(0, 4)} ${Buffer.from(message).toString()}`),
      );
      network.onRequest((_, message) => Buffer.concat([message, Uint8Array.of(n)]));
    }
    first.network.broadcast("votes", Buffer.from("hello"), "validators");
    const from = first.network.publicKey.slice(0, 4);
    await until("three votes", () => got.length === 3);
    assert.deepEqual(
      got.toSorted(),
      [1, 2, 3].map((n) => `${n} ${from} hello`),
    );
    assert.equal(first.network.send(second.network.publicKey, "votes", Buffer.from("you")), true);
    await until("one vote", () => got.includes(`1 ${from} you`));
    const answer = await first.network.request(second.network.publicKey, Buffer.of(9), signal);
    assert.deepEqual([...answer], [9, 1]);
    const info = first.network.peers().find(({ publicKey }) => publicKey === publicKeyOf(1));
    assert.deepEqual(
      [info?.name, info?.role, info?.nodeVersion, info?.height, info?.transport],
      ["validator-1", "validator", "0.1.0", 100, transport],
    );
    await until("round trips", () =>
      first.network.peers().every(({ roundTripMs }) => (roundTripMs ?? 0) > 0),
    );
  });

test("TCP and UDP listen on the same port, and TCP is preferred", async (t) => {
  const nodes = await mesh(t, 2, () => ({ quic: true }));
  const ports = nodes[0]?.network.listenAddresses.map((one) => /\/(\d+)/.exec(one.slice(14))?.[1]);
  assert.equal(ports?.length, 2);
  assert.equal(ports[0], ports[1]);
  assert.equal(nodes[1]?.network.peers()[0]?.transport, "tcp");
});

test("QUIC is used where nothing listens on TCP, and TCP where nothing answers on UDP", async (t) => {
  const quicOnly = testNode(0, [0, 1], { tcp: false, quic: true });
  await started(t, quicOnly);
  const both = testNode(1, [0, 1], { quic: true, bootstrap: [addressOf(quicOnly)] });
  await started(t, both);
  await until("connected by QUIC", () => isConnected(both, quicOnly));
  assert.equal(both.network.peers()[0]?.transport, "quic");
  const silent = createSocket("udp4");
  await new Promise<void>((resolve) => silent.bind(0, "127.0.0.1", resolve));
  t.after(() => silent.close());
  const tcpOnly = testNode(2, [2, 3]);
  await started(t, tcpOnly);
  const deadUdp = `/ip4/127.0.0.1/udp/${silent.address().port}/quic-v1`;
  const other = testNode(3, [2, 3], {
    quic: true,
    bootstrap: [addressOf(tcpOnly)],
    validators: [{ name: "v2", publicKey: publicKeyOf(2), p2pAddress: deadUdp }],
    role: "full",
  });
  await started(t, other);
  await until("connected by TCP", () => isConnected(other, tcpOnly));
});

test("another chain and another protocol are refused, both sides saying which, once", async (t) => {
  const limits = { redialBaseMs: 5, redialCapMs: 10, redialPrivateCapMs: 10 };
  const node = testNode(0, [0, 1, 2]);
  await started(t, node);
  const bootstrap = [addressOf(node)];
  const otherChain = testNode(1, [0, 1, 2], { genesisHash: "ab".repeat(32), bootstrap, limits });
  const otherProtocol = testNode(2, [0, 1, 2], { protocolVersion: 1, bootstrap, limits });
  await started(t, otherChain, otherProtocol);
  const refusals = (one: TestNode, by: string) => warnings(one, `refused${by}`);
  await until("refusals", () =>
    [otherChain, otherProtocol].every((one) => refusals(one, " by a peer").length > 0),
  );
  const dials = () =>
    otherChain.log.filter(({ message }) => message === "connection closed").length;
  await until("several tries", () => dials() >= 2);
  const [chain] = refusals(otherChain, " by a peer");
  assert.equal(chain?.["code"], "other-chain");
  assert.match(String(chain?.["reason"]), /^got genesis hash abab.*, allowed: [0-9a-f]{64}$/);
  const [protocol] = refusals(otherProtocol, " by a peer");
  assert.equal(protocol?.["reason"], "got protocol version 1, allowed: 0");
  assert.equal(refusals(otherChain, " by a peer").length, 1);
  assert.equal(refusals(node, " a peer").length, 2);
  assert.equal(node.network.peers().length, 0);
});

test("a full node gets blocks, gives transactions, and no consensus message of it is accepted", async (t) => {
  const nodes = await mesh(t, 2);
  const full = testNode(9, [0, 1], { bootstrap: nodes.map(addressOf) });
  await started(t, full);
  await until("full node connected", () => full.network.peers().length === 2);
  const got: string[] = [];
  full.network.onMessage("blocks", () => got.push("block at full"));
  full.network.onMessage("votes", () => got.push("vote at full"));
  nodes[0]?.network.onMessage("transactions", () => got.push("transaction at 0"));
  nodes[0]?.network.onMessage("votes", () => got.push("vote at 0"));
  nodes[1]?.network.broadcast("votes", Buffer.from("v"), "validators");
  nodes[1]?.network.broadcast("blocks", Buffer.from("b"), "everyone");
  full.network.broadcast("votes", Buffer.from("v"), "everyone");
  assert.equal(full.network.send(publicKeyOf(0), "votes", Buffer.from("v")), false);
  full.network.broadcast("transactions", Buffer.from("t"), "validators");
  await until("all three", () => got.length === 3);
  assert.deepEqual(got.toSorted(), ["block at full", "transaction at 0", "vote at 0"]);
});

test("a stranger that opens a consensus stream anyway is punished, and banned when it goes on", async (t) => {
  const node = testNode(0, [0, 1]);
  await started(t, node);
  let votes = 0;
  node.network.onMessage("votes", () => (votes += 1));
  const stranger = await rogue(50, node);
  t.after(() => stranger.stop());
  await until("hello accepted", () => node.network.peers().length === 1);
  for (const channel of ["votes", "certificates"]) {
    const stream = await stranger.open(channel).catch(() => undefined);
    try {
      stream?.send(frame(Buffer.from("fake")));
    } catch {
      // The node may have reset the stream already.
    }
    await until(channel, () =>
      warnings(node, "peer misbehaved").some(({ detail }) => String(detail).includes(channel)),
    );
  }
  await until("banned", () => warnings(node, "peer banned").length === 1);
  await until("cut off", () => node.network.peers().length === 0);
  assert.equal(votes, 0);
  await stranger.stop();
  const again = await rogue(50, node).catch(() => undefined);
  t.after(() => again?.stop());
  await until("refused", () => again === undefined || again.connection.status !== "open");
  assert.equal(node.network.peers().length, 0);
});

test("a stranger that claims to be a validator is told why it is refused", async (t) => {
  const node = testNode(0, [0, 1]);
  await started(t, node);
  const stranger = await rogue(51, node, { hello: { role: "validator" } });
  t.after(() => stranger.stop());
  await until("a refusal", () => stranger.heard.some(({ kind }) => kind === "refusal"));
  const refusal = stranger.heard.find(({ kind }) => kind === "refusal");
  assert.equal(refusal?.kind === "refusal" && refusal.code, "not-a-validator");
});

test("oversize frames, garbage and garbled control messages cost the peer, not the process", async (t) => {
  const node = testNode(0, [0, 1]);
  await started(t, node);
  const attacks: [string, (bad: Awaited<ReturnType<typeof rogue>>) => Promise<void>][] = [
    [
      "bad-frame",
      async (bad) =>
        void (await bad.open("transactions")).send(Uint8Array.of(0, 255, 255, 255, 255, 1)),
    ],
    ["bad-frame", async (bad) => void (await bad.open("sync")).send(Buffer.from("GET / HTTP/1.1"))],
    ["bad-message", async (bad) => void (await bad.open("peers")).send(frame(Uint8Array.of(9)))],
    ["bad-message", async (bad) => bad.say({ kind: "welcome" })],
    [
      "bad-message",
      async (bad) => {
        for (let nonce = 0; nonce < 100; nonce += 1) bad.say({ kind: "ping", nonce, height: 0 });
      },
    ],
  ];
  for (const [i, [offence, attack]] of attacks.entries()) {
    const bad = await rogue(60 + i, node);
    t.after(() => bad.stop());
    await until("hello accepted", () => isKnown(node, 60 + i));
    await attack(bad);
    await until(`${offence} ${i}`, () =>
      warnings(node, "peer misbehaved").some(
        (fields) => fields["peer"] === publicKeyOf(60 + i) && fields["offence"] === offence,
      ),
    );
  }
});

function isKnown(node: TestNode, n: number): boolean {
  return node.network.peers().some(({ publicKey }) => publicKey === publicKeyOf(n));
}

test("a throw in a listener costs the sender, and the fifth one bans it", async (t) => {
  const [first, second] = (await mesh(t, 2)) as [TestNode, TestNode];
  first.network.onMessage("votes", () => {
    throw new Error("cannot decode");
  });
  for (let i = 0; i < 5; i += 1) second.network.broadcast("votes", Buffer.of(1), "validators");
  await until("banned", () => warnings(first, "peer banned").length === 1);
  await until("cut off", () => !isConnected(first, second) && !isConnected(second, first));
  assert.match(String(warnings(first, "peer misbehaved")[0]?.["detail"]), /votes: cannot decode/);
});

test("a ban cuts the peer off, keeps it out, and ends", async (t) => {
  const limits = { redialBaseMs: 20, redialCapMs: 50, redialPrivateCapMs: 50 };
  const [first, second] = (await mesh(t, 2, () => ({ limits }))) as [TestNode, TestNode];
  const events: boolean[] = [];
  first.network.onPeers(({ connected }) => events.push(connected));
  const bannedAt = performance.now();
  first.network.ban(second.network.publicKey, "test", 600);
  await until("cut off", () => !isConnected(second, first));
  await until("back again", () => isConnected(first, second) && isConnected(second, first));
  assert.ok(performance.now() - bannedAt >= 600);
  assert.deepEqual(events, [false, true]);
});

test("a peer that stops without a word is missed, and found again after its restart", async (t) => {
  const [first, second] = (await mesh(t, 2)) as [TestNode, TestNode];
  const address = second.network.listenAddresses[0] ?? "";
  const port = Number(/tcp\/(\d+)/.exec(address)?.[1]);
  await second.network.stop();
  await until("gone", () => first.network.peers().length === 0, 1_000);
  assert.equal(first.network.send(second.network.publicKey, "votes", Buffer.of(1)), false);
  await assert.rejects(
    first.network.request(second.network.publicKey, Buffer.of(1), signal),
    (error) => error instanceof RequestError && error.code === "not-connected",
  );
  const again = testNode(1, [0, 1], {
    listen: { host: "127.0.0.1", port },
    bootstrap: [addressOf(first)],
  });
  await started(t, again);
  await until("back", () => isConnected(first, again), 3_000);
});

test("a peer that says nothing any more is given up after the deadline", async (t) => {
  const limits = { peerTimeoutMs: 1_000 };
  const node = testNode(0, [0, 1], { limits });
  await started(t, node);
  const mute = await rogue(52, node);
  t.after(() => mute.stop());
  await until("connected", () => node.network.peers().length === 1);
  await until("given up", () => node.network.peers().length === 0, 5_000);
  const [line] = node.log.filter(({ message }) => message === "peer disconnected");
  assert.match(String(line?.fields["reason"]), /nothing heard for 1000 ms/);
});

test("a connection without hello is closed after the deadline", async (t) => {
  const node = testNode(0, [0, 1], { limits: { handshakeTimeoutMs: 300 } });
  await started(t, node);
  const silent = await rogue(53, node, { silent: true });
  t.after(() => silent.stop());
  await until("closed", () => silent.connection.status !== "open", 4_000);
});

test("a reader that gives no credit back does not grow the sender's memory", async (t) => {
  let dropped = 0;
  const metrics = { ...noMetrics, messageDropped: () => (dropped += 1) };
  const node = testNode(0, [0, 1], { metrics });
  await started(t, node);
  const slow = await rogue(1, node, { hello: { role: "validator" } });
  t.after(() => slow.stop());
  await until("connected", () => node.network.peers().length === 1);
  collectGarbage();
  const before = process.memoryUsage().arrayBuffers;
  for (let i = 0; i < 200; i += 1) {
    node.network.broadcast("blocks", new Uint8Array(1_000_000), "everyone");
    await new Promise((resolve) => setImmediate(resolve));
  }
  assert.ok(dropped > 150, `${dropped} of 200 were given up`);
  // What has just been given up is freed by and by; what is kept stays.
  await until("the memory is free again", () => {
    collectGarbage();
    return process.memoryUsage().arrayBuffers - before < 40_000_000;
  });
});

test("a sender that ignores its credit is cut off", async (t) => {
  const node = testNode(0, [0, 1], {
    limits: {
      channels: {
        ...defaultLimits.channels,
        transactions: { ...defaultLimits.channels.transactions, messagesPerSecond: 4 },
      },
    },
  });
  await started(t, node);
  const flood = await rogue(54, node);
  t.after(() => flood.stop());
  await until("connected", () => node.network.peers().length === 1);
  const stream = await flood.open("transactions");
  const transaction = frame(new Uint8Array(10_000));
  try {
    for (let i = 0; i < 100; i += 1) {
      stream.send(transaction);
      await new Promise((resolve) => setImmediate(resolve));
    }
  } catch {
    // Reset by the node while the flood went on.
  }
  await until("cut off", () => node.network.peers().length === 0);
  assert.match(String(warnings(node, "peer misbehaved")[0]?.["detail"]), /more than the credit/);
});

test("large answers arrive whole, many at a time, and questions beyond the limit are refused here", async (t) => {
  const [first, second] = (await mesh(t, 2)) as [TestNode, TestNode];
  let most = 0;
  let busy = 0;
  second.network.onRequest(async (_, message) => {
    busy += 1;
    most = Math.max(most, busy);
    await new Promise((resolve) => setImmediate(resolve));
    busy -= 1;
    return new Uint8Array(4 * 1024 * 1024).fill(message[0] as number);
  });
  const ask = (n: number) => first.network.request(second.network.publicKey, Buffer.of(n), signal);
  const asked = Array.from({ length: 16 }, (_, n) => ask(n));
  await assert.rejects(
    ask(99),
    (error) => error instanceof RequestError && error.code === "too-many",
  );
  const answers = await Promise.all(asked);
  for (const [n, answer] of answers.entries()) {
    assert.equal(answer.length, 4 * 1024 * 1024);
    assert.ok(Buffer.alloc(answer.length, n).equals(answer));
  }
  assert.ok(most <= 4, `${most} at once`);
});

test("a question ends by time-out, by abort, by failure there, and by the connection", async (t) => {
  const [first, second] = (await mesh(t, 2, () => ({
    limits: { requestTimeoutMs: 200 },
  }))) as [TestNode, TestNode];
  const never = Promise.withResolvers<Uint8Array>();
  second.network.onRequest((_, [what]) => {
    if (what === 1) throw new Error("cannot");
    return never.promise;
  });
  const ask = (what: number, abort = signal) =>
    first.network.request(second.network.publicKey, Buffer.of(what), abort);
  const code = (expected: string) => (error: unknown) =>
    error instanceof RequestError && error.code === expected;
  await assert.rejects(ask(1), code("refused"));
  await assert.rejects(ask(2), code("timed-out"));
  const controller = new AbortController();
  const aborted = ask(2, controller.signal);
  controller.abort();
  await assert.rejects(aborted, code("aborted"));
  const cut = ask(2);
  const stopping = second.network.stop();
  await assert.rejects(cut, code("disconnected"));
  await stopping;
  never.resolve(Buffer.of(1));
});

test("an answer nobody asked for is not taken", async (t) => {
  const node = testNode(0, [0, 1]);
  await started(t, node);
  const pushy = await rogue(1, node, { hello: { role: "validator" } });
  t.after(() => pushy.stop());
  await until("connected", () => node.network.peers().length === 1);
  const stream = await pushy.open("sync");
  stream.send(frame(Uint8Array.of(0, 0, 0, 1, 42)));
  await until("an answer or a failure", () => stream.readBufferLength > 0);
  assert.equal(node.network.peers().length, 1);
});

test("two nodes that dial each other at once keep exactly one connection", async (t) => {
  for (let round = 0; round < 2; round += 1) {
    const open = [0, 0];
    const make = (n: number, port: number, bootstrap: string[]) =>
      testNode(n, [0, 1], {
        listen: { host: "127.0.0.1", port },
        bootstrap,
        // Both claim to be no validator, so neither gives the other a head start.
        validators: [],
        role: "full",
        metrics: { ...noMetrics, connections: (count) => (open[n] = count) },
      });
    const probes = [make(0, 0, []), make(1, 0, [])];
    for (const probe of probes) await probe.start();
    const ports = probes.map((probe) => Number(/tcp\/(\d+)/.exec(addressFor(probe))?.[1]));
    await stopAll(probes);
    const nodes = [0, 1].map((n) =>
      make(n, ports[n] as number, [`${publicKeyOf(1 - n)}@127.0.0.1:${ports[1 - n]}`]),
    ) as [TestNode, TestNode];
    t.after(() => stopAll(nodes));
    await Promise.all(nodes.map((node) => node.start()));
    await until(
      "connected",
      () => isConnected(nodes[0], nodes[1]) && isConnected(nodes[1], nodes[0]),
    );
    await until("one connection each", () => open[0] === 1 && open[1] === 1);
    const directions = nodes.map(({ network }) => network.peers()[0]?.direction);
    assert.deepEqual(directions.toSorted(), ["inbound", "outbound"]);
    assert.equal(nodes[0].log.filter(({ message }) => message === "peer disconnected").length, 0);
    await stopAll(nodes);
  }
});

function addressFor({ network }: TestNode): string {
  return network.listenAddresses[0] ?? "";
}

test("peer exchange finds a validator that nobody was told about, and remembers it", async (t) => {
  const hub = testNode(0, [0, 1, 2]);
  await started(t, hub);
  let saved: Parameters<NonNullable<NetworkOptions["addressBook"]>["save"]>[0] = [];
  const addressBook = { load: () => [], save: (peers: typeof saved) => (saved = peers) };
  const first = testNode(1, [0, 1, 2], { bootstrap: [addressOf(hub)], addressBook });
  const second = testNode(2, [0, 1, 2], { bootstrap: [addressOf(hub)] });
  await started(t, first, second);
  await until("found", () => isConnected(first, second) && isConnected(second, first));
  await first.network.stop();
  const book = saved.map(({ publicKey }) => publicKey).toSorted();
  assert.deepEqual(book, [publicKeyOf(0), publicKeyOf(2)].toSorted());
  const again = testNode(1, [0, 1, 2], {
    addressBook: { load: () => saved, save: () => undefined },
  });
  await started(t, again);
  await until("found in the book", () => again.network.peers().length === 2);
});

test("start refuses a port that is taken, and says which", async (t) => {
  const node = testNode(0, [0]);
  await started(t, node);
  const port = Number(/tcp\/(\d+)/.exec(addressFor(node))?.[1]);
  const other = testNode(1, [0, 1], { listen: { host: "127.0.0.1", port } });
  await assert.rejects(
    other.start(),
    new RegExp(`cannot listen on 127.0.0.1, .* port ${port}: .*EADDRINUSE`),
  );
  await other.network.stop();
});

test("a message of a wrong size is a mistake of this node", async (t) => {
  const node = testNode(0, [0]);
  await started(t, node);
  const allowed = defaultLimits.channels.votes.maxMessageBytes;
  for (const bytes of [0, allowed + 1])
    assert.throws(
      () => node.network.broadcast("votes", new Uint8Array(bytes), "validators"),
      new RegExp(`got a message of ${bytes} bytes for votes, allowed: 1 to ${allowed}`),
    );
});
