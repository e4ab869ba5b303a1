/**
 * Proves: frames survive any cutting of the byte stream, and no length is believed before it was
 * checked. Does not prove: anything about real streams.
 */
import assert from "node:assert/strict";
import test from "node:test";
import fc from "fast-check";
import {
  creditFrame,
  FrameError,
  type FrameHandlers,
  FrameReader,
} from "../../../node/network/frames.ts";
import { frame } from "./support/raw.ts";

function reader(handlers: Partial<FrameHandlers> = {}): {
  reader: FrameReader;
  messages: Uint8Array[];
  credits: number[];
} {
  const messages: Uint8Array[] = [];
  const credits: number[] = [];
  const handled: FrameHandlers = {
    announced: () => undefined,
    data: (message) => messages.push(message),
    credit: (bytes) => credits.push(bytes),
    ...handlers,
  };
  return { reader: new FrameReader(handled), messages, credits };
}

test("messages and credit come out as they went in, however the bytes are cut", () => {
  const message = fc.uint8Array({ minLength: 1, maxLength: 200 });
  const cuts = fc.array(fc.integer({ min: 1, max: 60 }), { minLength: 1, maxLength: 400 });
  fc.assert(
    fc.property(fc.array(message, { maxLength: 20 }), cuts, (sent, sizes) => {
      const bytes = Buffer.concat(sent.flatMap((one) => [frame(one), creditFrame(one.length)]));
      const { reader: frames, messages, credits } = reader();
      for (let offset = 0, i = 0; offset < bytes.length; i += 1) {
        const size = sizes[i % sizes.length] as number;
        frames.push(bytes.subarray(offset, offset + size));
        offset += size;
      }
      assert.deepEqual(messages.map(Buffer.from), sent.map(Buffer.from));
      assert.deepEqual(
        credits,
        sent.map(({ length }) => length),
      );
      assert.equal(frames.partial, false);
    }),
    { seed: 42 },
  );
});

test("a large message costs memory only as its bytes arrive", () => {
  const { reader: frames, messages } = reader();
  const before = process.memoryUsage().arrayBuffers;
  const many = Array.from(
    { length: 200 },
    () =>
      new FrameReader({
        announced: () => undefined,
        data: () => undefined,
        credit: () => undefined,
      }),
  );
  const header = frame(new Uint8Array(4 * 1024 * 1024)).subarray(0, 6);
  for (const one of many) one.push(header);
  assert.ok(process.memoryUsage().arrayBuffers - before < 50_000_000);
  assert.ok(many.every(({ partial }) => partial));
  const large = new Uint8Array(200_000).map((_, i) => i % 251);
  const bytes = frame(large);
  for (let offset = 0; offset < bytes.length; offset += 7_000)
    frames.push(bytes.subarray(offset, offset + 7_000));
  assert.deepEqual(messages, [large]);
});

test("messages do not keep the chunk they came in alive", () => {
  const { reader: frames, messages } = reader();
  const chunk = new Uint8Array(frame(Uint8Array.of(1, 2, 3)));
  frames.push(chunk);
  chunk.fill(9);
  assert.deepEqual(messages, [Uint8Array.of(1, 2, 3)]);
});

test("refuses unknown kinds, empty frames, and lengths the owner does not like", () => {
  assert.throws(() => reader().reader.push(Uint8Array.of(7, 0, 0, 0, 1)), FrameError);
  assert.throws(() => reader().reader.push(Uint8Array.of(0, 0, 0, 0, 0)), FrameError);
  const { reader: frames, messages } = reader({
    announced: (length) => {
      throw new FrameError(`no ${length}`);
    },
  });
  assert.throws(() => frames.push(Uint8Array.of(0, 0, 0, 0, 9, 1)), /no 9/);
  assert.deepEqual(messages, []);
});
