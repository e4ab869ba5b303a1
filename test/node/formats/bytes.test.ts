/**
 * Proves: digests, hexadecimal text and comparison do what their contracts say, and refuse the rest.
 * Does not prove: SHA-256 itself beyond two published values.
 */
import assert from "node:assert/strict";
import { test } from "node:test";
import fc from "fast-check";
import { equalBytes, fromHex, sha256, toHex } from "../../../node/formats/bytes.ts";

test("SHA-256 gives the published digests", () => {
  // FIPS 180-4 examples: the empty message and "abc".
  assert.equal(
    toHex(sha256("")),
    "e3b0c44298fc1c149afbf4c8996fb92427ae41e4649b934ca495991b7852b855",
  );
  assert.equal(
    toHex(sha256(Buffer.from("abc"))),
    "ba7816bf8f01cfea414140de5dae2223b00361a396177a9cb410ff61f20015ad",
  );
});

test("hexadecimal text comes back as the same bytes, views of larger buffers too", () => {
  fc.assert(
    fc.property(fc.uint8Array({ maxLength: 64 }), fc.nat(8), (bytes, offset) => {
      const larger = new Uint8Array(offset + bytes.length);
      larger.set(bytes, offset);
      const view = larger.subarray(offset);
      assert.deepEqual([...fromHex(toHex(view), bytes.length)], [...bytes]);
      assert.ok(equalBytes(view, bytes));
    }),
  );
});

test("text that is not exactly the expected digits is refused", () => {
  for (const text of ["", "0", "000", "0G", "AB", " a", "0x"])
    assert.throws(() => fromHex(text, 1), RangeError, text);
});

test("bytes of different lengths are different", () => {
  assert.equal(equalBytes(Uint8Array.of(1), Uint8Array.of(1, 0)), false);
  assert.equal(equalBytes(Uint8Array.of(1), Uint8Array.of(2)), false);
});
