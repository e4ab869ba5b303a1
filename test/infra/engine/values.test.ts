/**
 * Proves: values survive the wire, property paths select and reset what they name, differences and equality see what matters.
 *
 * Does not prove: agreement with Pulumi on every odd path; the recorded cases show the common ones.
 */
import assert from "node:assert/strict";
import { mkdtempSync, mkdirSync, rmSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { test } from "node:test";
import fc from "fast-check";
import { withAssetHashes } from "../../../infra/engine/values/assets.ts";
import { diffInputs, equal } from "../../../infra/engine/values/compare.ts";
import { contains, parsePath, resetPath } from "../../../infra/engine/values/paths.ts";
import * as v from "../../../infra/engine/values/value.ts";
import { decodeStruct, encodeStruct } from "../../../infra/engine/values/wire.ts";

const FULL = { secrets: true, resources: true, outputs: true };
const SEED = 7;

const { value: anyValue } = fc.letrec<{ value: v.Value }>((tie) => ({
  value: fc.oneof(
    { maxDepth: 3 },
    fc.constantFrom<v.Value>(null, true, 0, -1.5, "", "text", v.UNKNOWN),
    fc.array(tie("value"), { maxLength: 3 }),
    fc
      .dictionary(fc.string({ maxLength: 4 }), tie("value"), { maxKeys: 3 })
      .map((o) => v.mapOf(Object.entries(o))),
    tie("value").map((inner) => new v.Secret(inner)),
    tie("value").map((inner) => new v.OutputValue(inner, true, ["urn:a"])),
    fc.constant(new v.ResourceReference("urn:b", "id", "1.0.0")),
    fc.constant(new v.Asset("asset", "h", { text: "t" })),
  ),
}));

test("values survive the wire", () => {
  fc.assert(
    fc.property(fc.dictionary(fc.string({ maxLength: 4 }), anyValue, { maxKeys: 4 }), (object) => {
      const map = v.mapOf(Object.entries(object));
      assert.ok(equal(decodeStruct(encodeStruct(map, FULL)), map));
    }),
    { seed: SEED, numRuns: 300 },
  );
});

test("a receiver that knows no secrets gets none, and outside a preview nobody gets an unknown", () => {
  const map = v.mapOf([
    ["s", new v.Secret("x")],
    ["u", v.UNKNOWN],
    ["l", [1, v.UNKNOWN]],
    ["r", new v.ResourceReference("urn:b", "id", "")],
  ]);
  assert.deepEqual(
    encodeStruct(map, { secrets: false, resources: false, dropUnknowns: true }).toJavaScript(),
    { s: "x", l: [1], r: "id" },
  );
});

test("paths are read", () => {
  assert.deepEqual(parsePath("a.b[0].c"), ["a", "b", 0, "c"]);
  assert.deepEqual(parsePath('["key with.dots"][*].x'), ["key with.dots", "*", "x"]);
  for (const text of ["a.", "a[", "a[x]", "."]) assert.equal(parsePath(text), undefined, text);
});

test("a path contains what lies at or below it", () => {
  const path = (text: string): (string | number)[] => [...(parsePath(text) ?? assert.fail(text))];
  assert.ok(contains(path("a"), path("a.b[0]")));
  assert.ok(contains(path("*"), path("a")));
  assert.ok(contains(path("a[*].x"), path("a[1].x.y")));
  assert.ok(!contains(path("a.b"), path("a")));
  assert.ok(!contains(path("a"), path("b")));
});

for (const [path, olds, news, expected, complete] of [
  ["a", { a: 1 }, { a: 2, b: 3 }, { a: 1, b: 3 }, true],
  ["a", { a: 1 }, {}, { a: 1 }, true],
  ["a", {}, { a: 2 }, {}, true],
  ["a.x", { a: { x: 1, y: 1 } }, { a: { x: 2, y: 2 } }, { a: { x: 1, y: 2 } }, true],
  ["a[1]", { a: [1, 2, 3] }, { a: [9, 8, 7] }, { a: [9, 2, 7] }, true],
  ["a[3]", { a: [1] }, { a: [1, 2, 3, 4] }, { a: [1, 2, 3, 4] }, false],
  ["a[*].x", { a: [{ x: 1, y: 1 }] }, { a: [{ x: 2, y: 2 }] }, { a: [{ x: 1, y: 2 }] }, true],
  ["*", { a: 1 }, { a: 2, b: 1 }, { a: 1 }, true],
  ["a.x", { a: { x: 1 } }, {}, {}, false],
] as [string, v.ValueMap, v.ValueMap, object, boolean][])
  test(`reset ${path} of ${JSON.stringify(news)} to ${JSON.stringify(olds)}`, () => {
    const result = resetPath(parsePath(path) ?? [], olds, news);
    assert.deepEqual({ ...JSON.parse(JSON.stringify(result.value)) }, expected);
    assert.equal(result.complete, complete);
  });

test("a reset keeps what was secret a secret", () => {
  const { value } = resetPath(["a"], { a: new v.Secret(1) }, { a: 2 });
  assert.ok(equal(value, { a: new v.Secret(1) }));
});

test("differences name their paths, and secrecy is none", () => {
  assert.equal(diffInputs({ a: new v.Secret(1), n: null }, { a: 1 }), undefined);
  assert.deepEqual(
    diffInputs(
      { a: { x: 1, "b.c": 1 }, l: [1, 2], gone: 1 },
      { a: { x: 2, "b.c": 2 }, l: [1], fresh: 1 },
    ),
    {
      changedKeys: ["a", "fresh", "gone", "l"],
      detailed: {
        "a.x": { kind: "update", inputDiff: true },
        'a["b.c"]': { kind: "update", inputDiff: true },
        "l[1]": { kind: "delete", inputDiff: true },
        gone: { kind: "delete", inputDiff: true },
        fresh: { kind: "add", inputDiff: true },
      },
    },
  );
});

test("the hash of an asset follows its content, that of a folder names and contents of its files", (t) => {
  const directory = mkdtempSync(join(tmpdir(), "assets-"));
  t.after(() => rmSync(directory, { recursive: true }));
  mkdirSync(join(directory, "d", "sub"), { recursive: true });
  writeFileSync(join(directory, "d", "sub", "f"), "1");
  const hash = (asset: v.Asset): string =>
    (withAssetHashes({ a: asset }, directory).a as v.Asset).hash;
  assert.equal(
    hash(new v.Asset("asset", "", { text: "a" })),
    "ca978112ca1bbdcafac231b39a23dc4da786eff8147c4e72b9807785afee48bb",
  );
  const folder = new v.Asset("archive", "", { path: "d" }),
    before = hash(folder);
  assert.equal(hash(folder), before);
  writeFileSync(join(directory, "d", "sub", "f"), "2");
  assert.notEqual(hash(folder), before);
});
