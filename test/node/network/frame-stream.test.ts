/**
 * Proves: credit, drain waiting, caps and error containment of the stream layer, over streams in
 * memory. Does not prove: how libp2p behaves; network.test.ts and traps.test.ts use real sockets.
 */
import assert from "node:assert/strict";
import test from "node:test";
import fc from "fast-check";
import { FrameStream, type FrameStreamOptions } from "../../../node/network/frame-stream.ts";
import { creditFrame, dataHeader, FrameError } from "../../../node/network/frames.ts";
import { Outbox } from "../../../node/network/outbox.ts";
import { frame, joined, StubStream } from "./support/raw.ts";

const NO_LIMIT = Number.MAX_SAFE_INTEGER;

function options(changes: Partial<FrameStreamOptions> = {}): FrameStreamOptions {
  return {
    maxReceiveBytes: () => 1_000,
    receiveWindowBytes: 10_000,
    sendWindowBytes: 10_000,
    onMessage: () => undefined,
    onWritable: () => undefined,
    onClose: () => undefined,
    ...changes,
  };
}

function outboxOf(...messages: Uint8Array[]): Outbox {
  const outbox = new Outbox(100_000_000, 100_000);
  for (const message of messages) assert.ok(outbox.offer(message));
  return outbox;
}

test("everything said in one tick leaves in one write", () => {
  const raw = new StubStream();
  const stream = new FrameStream(raw, options());
  const messages = [1, 2, 3].map((n) => new Uint8Array(50).fill(n));
  assert.equal(stream.pump(outboxOf(...messages), NO_LIMIT, 0), false);
  assert.equal(raw.written.length, 1);
  assert.deepEqual(Buffer.from(raw.written[0] as Uint8Array), Buffer.concat(messages.map(frame)));
  assert.equal(stream.sent, 3);
});

test("both directions at once deliver every message in order, with credit in between", () => {
  const sizes = fc.array(fc.integer({ min: 1, max: 7_000 }), { minLength: 1, maxLength: 60 });
  fc.assert(
    fc.property(sizes, sizes, (sizesA, sizesB) => {
      const [rawA, rawB] = joined();
      const got: { a: number[]; b: number[] } = { a: [], b: [] };
      const limits = { maxReceiveBytes: () => 7_000, receiveWindowBytes: 10_000 };
      const a: FrameStream = new FrameStream(
        rawA,
        options({ ...limits, onMessage: (m) => (got.a.push(m.length), a.release(m.length)) }),
      );
      const b: FrameStream = new FrameStream(
        rawB,
        options({ ...limits, onMessage: (m) => (got.b.push(m.length), b.release(m.length)) }),
      );
      const fromA = outboxOf(...sizesA.map((size) => new Uint8Array(size)));
      const fromB = outboxOf(...sizesB.map((size) => new Uint8Array(size)));
      for (let i = 0; i < 1_000 && fromA.length + fromB.length > 0; i += 1) {
        a.pump(fromA, 100, 0);
        b.pump(fromB, 100, 0);
      }
      assert.deepEqual(got, { a: sizesB, b: sizesA });
      assert.ok(!a.closed && !b.closed);
    }),
    { seed: 7, numRuns: 50 },
  );
});

test("a sender stops at its credit and goes on when it comes back", () => {
  const raw = new StubStream();
  let writable = 0;
  const stream = new FrameStream(raw, options({ onWritable: () => (writable += 1) }));
  const outbox = outboxOf(...Array.from({ length: 100 }, () => new Uint8Array(936)));
  stream.pump(outbox, NO_LIMIT, 0);
  assert.equal(stream.sent, 10);
  raw.emit("message", creditFrame(3_000));
  assert.equal(writable, 1);
  stream.pump(outbox, NO_LIMIT, 0);
  assert.equal(stream.sent, 13);
});

test("a partly written message starts again on another stream", () => {
  const outbox = outboxOf(new Uint8Array(200_000).fill(5));
  const first = new StubStream();
  new FrameStream(first, options({ sendWindowBytes: 1_000_000 })).pump(outbox, 1, 0);
  assert.ok(first.writtenBytes < 200_000);
  outbox.restartHead();
  const second = new StubStream();
  new FrameStream(second, options({ sendWindowBytes: 1_000_000 })).pump(outbox, NO_LIMIT, 0);
  assert.equal(second.writtenBytes, 200_005);
});

test("a frame above the cap, above the credit, or of garbage ends the stream with a FrameError", () => {
  const cases: [string, Uint8Array[]][] = [
    ["above the cap", [dataHeader(1_001)]],
    ["above the credit", Array.from({ length: 20 }, () => frame(new Uint8Array(900)))],
    ["garbage", [Uint8Array.of(99, 1, 2, 3, 4, 5)]],
    ["credit for nothing", [creditFrame(1)]],
  ];
  for (const [name, chunks] of cases) {
    const raw = new StubStream();
    const errors: (Error | undefined)[] = [];
    const stream = new FrameStream(raw, options({ onClose: (error) => errors.push(error) }));
    for (const chunk of chunks) raw.emit("message", chunk);
    assert.ok(stream.closed, name);
    assert.equal(errors.length, 1, name);
    assert.ok(errors[0] instanceof FrameError, name);
    assert.ok(raw.aborted, name);
  }
});

test("credit comes back in quarters, and never inside a message of the other direction", () => {
  const raw = new StubStream();
  const stream = new FrameStream(raw, options({ sendWindowBytes: 1_000_000 }));
  const outbox = outboxOf(new Uint8Array(100_000));
  stream.pump(outbox, 1, 0);
  assert.equal(outbox.length, 1);
  for (let i = 0; i < 4; i += 1) {
    raw.emit("message", frame(new Uint8Array(900)));
    stream.release(900);
  }
  assert.equal(raw.written.length, 1);
  stream.pump(outbox, NO_LIMIT, 0);
  const rest = Buffer.concat(raw.written.slice(1));
  assert.deepEqual(rest.subarray(-5), Buffer.from(creditFrame(4 * 964)));
  assert.equal(raw.writtenBytes, 100_005 + 5);
});

test("tells when a waiting message or a begun frame does not move", async () => {
  const raw = new StubStream();
  const stream = new FrameStream(raw, options({ sendWindowBytes: 10 }));
  assert.equal(stream.stalled(1e9, 1_000), false);
  const outbox = outboxOf(new Uint8Array(100));
  stream.pump(outbox, NO_LIMIT, 5_000);
  assert.equal(stream.stalled(5_900, 1_000), false);
  assert.equal(stream.stalled(6_100, 1_000), true);
  const reading = new StubStream();
  const half = new FrameStream(reading, options());
  reading.emit("message", dataHeader(10));
  assert.equal(half.stalled(performance.now() + 2_000, 1_000), true);
  await new Promise((resolve) => setTimeout(resolve, 50));
  reading.emit("message", Buffer.concat([new Uint8Array(10), dataHeader(10)]));
  assert.equal(half.stalled(performance.now() + 980, 1_000), false);
  reading.emit("message", new Uint8Array(10));
  assert.equal(half.stalled(performance.now() + 2_000, 1_000), false);
});
