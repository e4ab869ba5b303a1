/**
 * Proves: values of the wire lose and regain their wrappers; differences name exactly the leaves that differ
 * and applying them leads from one value to the other; paths stay under home; writes are whole or not at all.
 * Does not prove: that a write survives a power failure.
 */
import assert from "node:assert/strict";
import { chmod, readdir, readFile, stat, writeFile } from "node:fs/promises";
import { join } from "node:path";
import { test } from "node:test";
import fc from "fast-check";
import struct from "google-protobuf/google/protobuf/struct_pb.js";
import { changesBetween, valueAt } from "../../../infra/provider/differences.ts";
import { ProviderError } from "../../../infra/provider/errors.ts";
import { inHome, makeDirectory, writeAtomically } from "../../../infra/provider/files.ts";
import {
  decodeProperties,
  encodeProperties,
  hasUnknown,
  UNKNOWN,
} from "../../../infra/provider/wire.ts";
import { temporaryDirectory } from "./support/harness.ts";

const SIGNATURE = "4dabf18193072939515e22adb298388d";
const SECRET = "1b47061264138c4ac30d75fd1eb44270";
const OUTPUT = "d0e6a833031e9bbcd3f4e8bde6ca49a4";
const secret = (value: unknown) => ({ [SIGNATURE]: SECRET, value });
const decode = (value: object) => decodeProperties(struct.Struct.fromJavaScript(value as never));

test("secrets are unwrapped at any depth and marked at the top again", () => {
  const { values, secrets } = decode({ a: secret("s"), b: { c: [secret({ d: 1 })] }, e: 2 });
  assert.deepEqual(values, { a: "s", b: { c: [{ d: 1 }] }, e: 2 });
  assert.deepEqual([...secrets], ["a", "b"]);
  assert.deepEqual(encodeProperties(values, secrets).toJavaScript(), {
    a: secret("s"),
    b: secret({ c: [{ d: 1 }] }),
    e: 2,
  });
});

test("output values give their value, their secrecy, or that it is not known", () => {
  const output = (rest: object) => ({ [SIGNATURE]: OUTPUT, ...rest });
  const { values, secrets } = decode({
    known: output({ value: 1, dependencies: [] }),
    secret: output({ value: 2, secret: true }),
    unknown: output({}),
    unknownSecret: secret(UNKNOWN),
  });
  assert.deepEqual(values, { known: 1, secret: 2, unknown: UNKNOWN, unknownSecret: UNKNOWN });
  assert.deepEqual([...secrets], ["secret", "unknownSecret"]);
  assert.ok(hasUnknown([{ a: UNKNOWN }]));
  assert.ok(!hasUnknown({ a: ["b", null, 1] }));
});

test("undefined is left out of objects and null in lists, as the engine has it", () => {
  const encoded = encodeProperties(
    { a: undefined, b: [1, undefined], c: { d: undefined } },
    new Set(),
  );
  assert.deepEqual(encoded.toJavaScript(), { b: [1, null], c: {} });
});

const plain = fc.object({
  key: fc.stringMatching(/^[a-z][a-z-]{0,4}$/),
  maxDepth: 3,
  values: [fc.integer(), fc.string(), fc.boolean()],
});

test("equal values have no difference; different ones differ at every path that is named", () => {
  fc.assert(
    fc.property(plain, plain, (one, other) => {
      assert.deepEqual(changesBetween(one, structuredClone(one)), []);
      for (const { path, kind } of changesBetween(one, other)) {
        const [was, is] = [valueAt(one, path), valueAt(other, path)];
        assert.notDeepEqual(was, is, path);
        if (kind === "add") assert.equal(was ?? undefined, undefined);
        if (kind === "delete") assert.equal(is ?? undefined, undefined);
      }
    }),
    { seed: 7, numRuns: 300 },
  );
});

test("paths are written as Pulumi writes them", () => {
  const changes = changesBetween(
    { a: { b: 1 }, list: [{ x: 1 }, 2], "odd-name": 1 },
    { a: { b: 2 }, list: [{ x: 2 }], "odd-name": 2, fresh: true },
  );
  assert.deepEqual(changes, [
    { path: "a.b", kind: "update" },
    { path: "list[0].x", kind: "update" },
    { path: "list[1]", kind: "delete" },
    { path: '["odd-name"]', kind: "update" },
    { path: "fresh", kind: "add" },
  ]);
});

test("paths of inputs stay under home", () => {
  assert.equal(inHome("/home", "net/keys"), "/home/net/keys");
  for (const path of ["../x", "/etc/x", "a/../../x", "./a", "a/.", "", "a b"])
    assert.throws(() => inHome("/home", path), ProviderError, path);
});

test("an atomic write replaces content and mode, and a failed one leaves the old file", async (t) => {
  const directory = await temporaryDirectory(t);
  const file = join(directory, "file");
  await writeFile(file, "old");
  await chmod(file, 0o644);
  await writeAtomically(file, "new", { mode: 0o600 });
  assert.equal(await readFile(file, "utf8"), "new");
  assert.equal((await stat(file)).mode & 0o777, 0o600);
  await makeDirectory(join(directory, "taken"));
  await writeFile(join(directory, "taken", "inside"), "");
  await assert.rejects(writeAtomically(join(directory, "taken"), "new"));
  assert.deepEqual((await readdir(directory)).sort(), ["file", "taken"]);
});
