/**
 * Proves: physical names keep to any limit and to the letters every service allows, are the same for the
 * same input and differ for different input.
 * Does not prove: that a name is free, or that no two of all names ever share a hash of 32 bits.
 */
import assert from "node:assert/strict";
import { test } from "node:test";
import fc from "fast-check";
import { physicalName } from "../../../infra/plan/naming.ts";
import { seed } from "./plans.ts";

const context = { project: "guts", stack: "federation" };

test("a name is readable and ends in a hash", () => {
  assert.equal(
    physicalName(context, "virginia-bundle", 63),
    "guts-federation-virginia-bundle-d6c6b699",
  );
});

test("what is too long is cut in front of the hash", () => {
  assert.equal(physicalName(context, "virginia-bundle", 24), "guts-federation-d6c6b699");
  assert.equal(physicalName(context, "virginia-bundle", 16), "guts-fe-d6c6b699");
});

test("parts that join to the same text have different names", () => {
  const names = [
    physicalName({ project: "a", stack: "b-c" }, "d", 63),
    physicalName({ project: "a-b", stack: "c" }, "d", 63),
    physicalName({ project: "a", stack: "b" }, "c-d", 63),
  ];
  assert.equal(new Set(names).size, 3);
});

test("a limit without room for the hash is refused", () => {
  for (const limit of [15, 0, -1, 20.5, NaN])
    assert.throws(
      () => physicalName(context, "x", limit),
      new RangeError(`got a limit of ${limit}, allowed: an integer of 16 or more`),
    );
});

test("any name keeps to its limit and to letters, digits and hyphens", () => {
  fc.assert(
    fc.property(
      fc.string({ unit: "binary" }),
      fc.string(),
      fc.string(),
      fc.integer({ min: 16, max: 255 }),
      (project, stack, logical, limit) => {
        const name = physicalName({ project, stack }, logical, limit);
        assert.ok(name.length <= limit, name);
        assert.match(name, /^[a-z]([a-z0-9]|-(?!-))*-[0-9a-f]{8}$/);
        assert.equal(physicalName({ project, stack }, logical, limit), name);
      },
    ),
    { seed, numRuns: 1000 },
  );
});

test("the hash tells apart what the readable part does not", () => {
  fc.assert(
    fc.property(fc.uniqueArray(fc.string(), { maxLength: 20 }), (logicals) => {
      const names = logicals.map((logical) => physicalName(context, logical, 24));
      assert.equal(new Set(names).size, logicals.length);
    }),
    { seed },
  );
});
