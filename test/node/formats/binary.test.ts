/**
 * Proves: what the writer writes the reader reads back, byte for byte as written down here, and the
 * reader refuses short, long, over-limit and badly encoded input without reading past the end.
 * Does not prove: anything about the messages that are built from these pieces.
 */
import assert from "node:assert/strict";
import { test } from "node:test";
import fc from "fast-check";
import { BinaryReader, BinaryWriter, DecodeError } from "../../../node/formats/binary.ts";
import { fromHex, toHex } from "../../../node/formats/bytes.ts";

type Field =
  | { readonly type: "u8" | "u16" | "u32" | "u64"; readonly value: number }
  | { readonly type: "bytes" | "raw"; readonly value: Uint8Array }
  | { readonly type: "text"; readonly value: string };

const integer = (type: "u8" | "u16" | "u32" | "u64", max: number) =>
  fc.record({ type: fc.constant(type), value: fc.maxSafeNat().map((n) => n % (max + 1)) });
const field: fc.Arbitrary<Field> = fc.oneof(
  integer("u8", 0xff),
  integer("u16", 0xffff),
  integer("u32", 0xffff_ffff),
  integer("u64", Number.MAX_SAFE_INTEGER - 1),
  fc.record({
    type: fc.constantFrom("bytes" as const, "raw" as const),
    value: fc.uint8Array({ maxLength: 300 }),
  }),
  fc.record({ type: fc.constant("text" as const), value: fc.string({ unit: "grapheme" }) }),
);

function write(fields: readonly Field[], capacity?: number): Uint8Array {
  const writer = new BinaryWriter(capacity);
  for (const { type, value } of fields) (writer[type] as (value: unknown) => unknown)(value);
  return writer.finish();
}

function read(reader: BinaryReader, { type, value }: Field): unknown {
  if (type === "raw") return reader.raw(value.length);
  if (type === "bytes" || type === "text") return reader[type](100_000);
  return reader[type]();
}

test("fields come back in order, whatever the writer's first capacity", () => {
  fc.assert(
    fc.property(fc.array(field), fc.nat(64), (fields, capacity) => {
      const bytes = write(fields, capacity);
      const reader = new BinaryReader(bytes);
      for (const each of fields) {
        const got = read(reader, each);
        if (typeof each.value === "object")
          assert.equal(toHex(got as Uint8Array), toHex(each.value));
        else assert.equal(got, each.value);
      }
      reader.finish();
    }),
  );
});

test("integers are big-endian and of fixed width", () => {
  const bytes = new BinaryWriter(0)
    .u8(1)
    .u16(0x0203)
    .u32(0x04050607)
    .u64(2 ** 53 - 1)
    .bytes(Uint8Array.of(0xaa))
    .text("é")
    .finish();
  assert.equal(toHex(bytes), "01020304050607001fffffffffffff00000001aa00000002c3a9");
});

test("every prefix of an encoding is refused", () => {
  const fields: Field[] = [
    { type: "u64", value: 7 },
    { type: "text", value: "name" },
    { type: "bytes", value: new Uint8Array(5) },
    { type: "u16", value: 1 },
  ];
  const bytes = write(fields);
  for (let length = 0; length < bytes.length; length++) {
    const reader = new BinaryReader(bytes.subarray(0, length));
    assert.throws(() => fields.forEach((each) => read(reader, each)), DecodeError, `${length}`);
  }
});

test("bytes behind the end are refused", () => {
  const reader = new BinaryReader(Uint8Array.of(1, 2));
  reader.u8();
  assert.throws(() => reader.finish(), DecodeError);
});

test("a length above the limit is refused before anything is taken", () => {
  const huge = new BinaryReader(fromHex("ffffffff00", 5));
  assert.throws(() => huge.bytes(10), /got 4294967295 bytes, allowed: up to 10/);
  const long = new BinaryReader(fromHex("0000000b00", 5));
  assert.throws(() => long.bytes(100), DecodeError);
});

test("integers above 2^53 - 1 are refused", () => {
  assert.throws(() => new BinaryReader(fromHex("0020000000000000", 8)).u64(), DecodeError);
});

test("texts that are not UTF-8 are refused", () => {
  // A lone continuation byte, an overlong encoding, a surrogate half, a cut sequence.
  for (const hex of ["80", "c080", "eda080", "e282"]) {
    const bytes = new BinaryWriter().bytes(fromHex(hex, hex.length / 2)).finish();
    assert.throws(() => new BinaryReader(bytes).text(10), /not UTF-8/, hex);
  }
});

test("a byte order mark stays part of the text", () => {
  const bytes = new BinaryWriter().text("\ufeffa").finish();
  assert.equal(new BinaryReader(bytes).text(10), "\ufeffa");
});

test("values that do not fit are refused by the writer", () => {
  for (const value of [-1, 256, 1.5, NaN])
    assert.throws(() => new BinaryWriter().u8(value), RangeError, `${value}`);
  assert.throws(() => new BinaryWriter().u64(2 ** 53), RangeError);
});

test("the reader reads views of larger buffers", () => {
  const larger = Uint8Array.of(9, 9, 0, 5, 9);
  assert.equal(new BinaryReader(larger.subarray(2, 4)).u16(), 5);
});

test("what was read is a copy, of a Buffer too", () => {
  const buffer = Buffer.from([1, 2, 3]);
  const read = new BinaryReader(buffer).raw(2);
  buffer.fill(0);
  assert.deepEqual(read, Uint8Array.of(1, 2));
});
