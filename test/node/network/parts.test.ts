/**
 * Proves: the small parts (outbox, token bucket, inlet, reputation, address gate, control messages,
 * questions) keep their bounds and codes. Does not prove: that the network wires them up.
 */
import assert from "node:assert/strict";
import test from "node:test";
import { DecodeError } from "../../../node/formats/binary.ts";
import { AddressGate } from "../../../node/network/address-gate.ts";
import {
  type ControlMessage,
  decodeControl,
  encodeControl,
  type Hello,
  judgeHello,
} from "../../../node/network/control.ts";
import { Inlet } from "../../../node/network/inlet.ts";
import { defaultLimits, windowFor } from "../../../node/network/limits.ts";
import { Outbox } from "../../../node/network/outbox.ts";
import { encodeAnswer, Questions, RequestError } from "../../../node/network/questions.ts";
import { Reputation } from "../../../node/network/reputation.ts";
import { TokenBucket } from "../../../node/network/token-bucket.ts";
import { genesisHash, until } from "./support/nodes.ts";

test("every window can hold a message of its channel at any time", () => {
  for (const [channel, limits] of Object.entries(defaultLimits.channels)) {
    assert.ok(windowFor(limits.maxMessageBytes) <= limits.windowBytes, channel);
    assert.ok(limits.maxMessageBytes < limits.queueBytes, channel);
  }
});

test("an outbox gives up its oldest messages, but not one that is partly written", () => {
  const outbox = new Outbox(1_000, 3);
  const [a, b, c, d] = [1, 2, 3, 4].map((n) => Uint8Array.of(n)) as [
    Uint8Array,
    Uint8Array,
    Uint8Array,
    Uint8Array,
  ];
  assert.ok(outbox.offer(a) && outbox.offer(b) && outbox.offer(c));
  assert.equal(outbox.offer(d), false);
  outbox.startHead();
  assert.equal(outbox.replaceOldest(d), 1);
  assert.deepEqual([outbox.head(), outbox.length], [a, 3]);
  outbox.shift();
  assert.deepEqual(outbox.head(), c);
  assert.equal(outbox.replaceOldest(new Uint8Array(2_000)), 3);
  assert.deepEqual([outbox.length, outbox.bytes], [0, 0]);
});

test("an outbox of many messages stays in order", () => {
  const outbox = new Outbox(1_000_000, 1_000);
  let next = 0;
  for (let i = 0; i < 5_000; i += 1) {
    outbox.offer(Uint8Array.of(i % 251));
    if (i % 3 === 2) continue;
    assert.equal(outbox.head()?.[0], next % 251);
    next += 1;
    outbox.shift();
    if (outbox.length > 900) break;
  }
  assert.ok(next > 1_000);
});

test("a token bucket allows its rate after a burst, and lets one large message pass on credit", () => {
  const bucket = new TokenBucket(10, 2, 0);
  assert.equal(Array.from({ length: 30 }, () => bucket.take(1, 0)).filter(Boolean).length, 20);
  assert.equal(bucket.waitMs(0), 100);
  assert.equal(bucket.take(1, 200), true);
  assert.equal(bucket.take(100, 10_000), true);
  assert.equal(bucket.take(1, 15_000), false);
  assert.equal(bucket.take(1, 19_000), true);
});

test("an inlet slows a fast sender down instead of dropping, and holds while it is not ready", async () => {
  let isReady = false;
  const delivered: number[] = [];
  let released = 0;
  const inlet = new Inlet({
    messagesPerSecond: 100,
    bytesPerSecond: 1_000_000,
    ready: () => isReady,
    deliver: ([first]) => delivered.push(first as number),
    release: (bytes) => (released += bytes),
  });
  for (let n = 0; n < 203; n += 1) inlet.push(Uint8Array.of(n));
  assert.deepEqual([delivered.length, released], [0, 0]);
  isReady = true;
  inlet.resume();
  assert.ok(delivered.length >= 200 && delivered.length < 203, `${delivered.length}`);
  await until("the rest", () => delivered.length === 203);
  assert.deepEqual(
    delivered,
    Array.from({ length: 203 }, (_, n) => n),
  );
  assert.equal(released, 203);
  inlet.close();
});

test("points add up to a ban, fade with time, and bans end", () => {
  const reputation = new Reputation();
  assert.equal(reputation.penalize("a", "bad-frame", 0), false);
  assert.equal(reputation.penalize("a", "bad-frame", 300_000), false);
  assert.equal(reputation.penalize("a", "bad-frame", 300_000), true);
  reputation.ban("a", 1_000, 0);
  assert.equal(reputation.banned("a", 999), true);
  assert.equal(reputation.banned("a", 1_000), false);
  assert.equal(reputation.banned("b", 0), false);
});

test("one public address starts few connections, a private one many", () => {
  const gate = new AddressGate(defaultLimits);
  const admitted = (host: string) =>
    Array.from({ length: 300 }, () => gate.admit(host, 0)).filter(Boolean).length;
  assert.equal(admitted("203.0.113.7"), 16);
  assert.equal(admitted("203.0.113.8"), 16);
  assert.equal(admitted("127.0.0.1"), 300);
  assert.equal(admitted("10.1.2.3"), 300);
});

const hello: Hello = {
  genesisHash,
  protocolVersion: 1,
  nodeVersion: "1.2.3",
  role: "validator",
  height: 77,
  instance: "00112233445566aa",
};

test("control messages decode to what was encoded, and nothing else decodes", () => {
  const messages: ControlMessage[] = [
    { kind: "hello", ...hello },
    { kind: "welcome" },
    { kind: "refusal", code: "other-protocol", reason: "got 0, allowed: 1" },
    { kind: "ping", nonce: 4_294_967_295, height: 9 },
    { kind: "pong", nonce: 0, height: 2 ** 50 },
  ];
  for (const message of messages) {
    const bytes = encodeControl(message);
    assert.deepEqual(decodeControl(bytes), message);
    assert.throws(() => decodeControl(bytes.subarray(0, -1)), DecodeError);
    assert.throws(() => decodeControl(Buffer.concat([bytes, Uint8Array.of(0)])), DecodeError);
  }
  for (const bytes of [[], [0], [9, 9], [1, 2], [2, 200, 0, 0, 0, 0]])
    assert.throws(() => decodeControl(Uint8Array.from(bytes)), DecodeError, bytes.join());
});

test("a hello is judged by chain, protocol and claimed role, in words", () => {
  const own = { genesisHash, protocolVersion: 1 };
  assert.equal(judgeHello(hello, own, true), undefined);
  assert.equal(judgeHello({ ...hello, role: "full" }, own, false), undefined);
  assert.deepEqual(judgeHello({ ...hello, genesisHash: "ab".repeat(32) }, own, true), {
    code: "other-chain",
    reason: `got genesis hash ${"ab".repeat(32)}, allowed: ${genesisHash}`,
  });
  assert.deepEqual(judgeHello({ ...hello, protocolVersion: 0 }, own, true), {
    code: "other-protocol",
    reason: "got protocol version 0, allowed: 1",
  });
  assert.equal(judgeHello(hello, own, false)?.code, "not-a-validator");
});

function questions(changes: { send?: (frame: Uint8Array) => boolean; timeoutMs?: number } = {}) {
  return new Questions({
    peer: "p",
    maxPending: 2,
    maxRequestBytes: 10,
    timeoutMs: 1_000,
    send: () => true,
    ...changes,
  });
}

function failsWith(code: string) {
  return (error: unknown) => error instanceof RequestError && error.code === code;
}

test("a question ends with its answer, a time-out, an abort, a refusal or the connection", async () => {
  const signal = new AbortController().signal;
  const asked = questions();
  const first = asked.ask(Uint8Array.of(1), signal);
  asked.answered(encodeAnswer(1, Uint8Array.of(5, 6)));
  assert.deepEqual(await first, Uint8Array.of(5, 6));
  asked.answered(encodeAnswer(1, Uint8Array.of(7)));
  const refused = asked.ask(Uint8Array.of(1), signal);
  asked.answered(encodeAnswer(2, undefined));
  await assert.rejects(refused, failsWith("refused"));
  const cut = asked.ask(Uint8Array.of(1), signal);
  asked.disconnect();
  await assert.rejects(cut, failsWith("disconnected"));
  await assert.rejects(
    questions({ timeoutMs: 5 }).ask(Uint8Array.of(1), signal),
    failsWith("timed-out"),
  );
  const controller = new AbortController();
  const aborted = asked.ask(Uint8Array.of(1), controller.signal);
  controller.abort();
  await assert.rejects(aborted, failsWith("aborted"));
  await assert.rejects(asked.ask(Uint8Array.of(1), controller.signal), failsWith("aborted"));
  assert.equal(asked.size, 0);
});

test("questions are bounded in size and number", async () => {
  const signal = new AbortController().signal;
  const asked = questions();
  await assert.rejects(asked.ask(new Uint8Array(11), signal), failsWith("too-large"));
  const waiting = [asked.ask(Uint8Array.of(1), signal), asked.ask(Uint8Array.of(1), signal)];
  await assert.rejects(asked.ask(Uint8Array.of(1), signal), failsWith("too-many"));
  asked.disconnect();
  for (const one of waiting) await assert.rejects(one, failsWith("disconnected"));
  const full = questions({ send: () => false });
  await assert.rejects(full.ask(Uint8Array.of(1), signal), failsWith("too-many"));
  assert.equal(full.size, 0);
});
