/**
 * Proves: a checkpoint survives reading and writing, tampered and newer ones are refused, and each integrity rule is enforced.
 *
 * Does not prove: that Pulumi reads what is written; exchange.test.ts does.
 */
import assert from "node:assert/strict";
import { test } from "node:test";
import {
  decodeSnapshot,
  encodeCheckpoint,
  parseCheckpoint,
} from "../../../infra/engine/backend/checkpoint.ts";
import { verifyIntegrity } from "../../../infra/engine/backend/integrity.ts";
import { openCrypter } from "../../../infra/engine/secrets.ts";
import { newState, type ResourceState } from "../../../infra/engine/steps/state.ts";
import * as v from "../../../infra/engine/values/value.ts";

const SALT = "v1:g6H8u3UYxjo=:v1:rXhT01NETZRfZHso:NASJRbCtSCvK93PeOWzdbWHufcc1GQ==";
const crypter = await openCrypter("", SALT);
const urn = (type: string, name: string): string => `urn:pulumi:dev::t::${type}::${name}`;
const STACK = newState({
  urn: urn("pulumi:pulumi:Stack", "t-dev"),
  type: "pulumi:pulumi:Stack",
  custom: false,
});
const PROVIDER = newState({
  urn: urn("pulumi:providers:p", "default"),
  type: "pulumi:providers:p",
  custom: true,
  id: "one",
});
const thing = (name: string, more: Partial<ResourceState> = {}): ResourceState =>
  newState({
    urn: urn("p:index:T", name),
    type: "p:index:T",
    custom: true,
    id: name,
    parent: STACK.urn,
    provider: `${PROVIDER.urn}::one`,
    ...more,
  });

const write = (
  resources: readonly ResourceState[],
  pendingOperations: Parameters<typeof encodeCheckpoint>[0]["pendingOperations"] = [],
): string =>
  encodeCheckpoint({ stack: "organization/t/dev", resources, pendingOperations, crypter });

test("what is written is read again, secrets and marked values included", () => {
  const inputs = v.mapOf([
    [
      "secret",
      new v.Secret(
        v.mapOf([
          ["inner", new v.Secret("x")],
          ["list", [1, null, "ü"]],
        ]),
      ),
    ],
    ["numbers", [NaN, Infinity, -Infinity, 0.1, 1e21]],
    ["asset", new v.Asset("asset", "abc", { text: "hello" })],
    [
      "archive",
      new v.Asset("archive", "def", { assets: { f: new v.Asset("asset", "1", { path: "f" }) } }),
    ],
    ["reference", new v.ResourceReference(STACK.urn, undefined, "1.0.0")],
    ["bytes", new v.ByteString("/w==")],
    ["__proto__", "a key like any other"],
    ["empty", v.mapOf([])],
  ]);
  const state = thing("a", {
    inputs,
    outputs: inputs,
    protect: true,
    dependencies: [STACK.urn],
    propertyDependencies: { secret: [], numbers: [STACK.urn] },
    initErrors: ["not well"],
    customTimeouts: { create: 300 },
    ignoreChanges: ["a.b"],
    created: "2026-01-01T00:00:00Z",
    modified: "2026-01-02T00:00:00Z",
    replacementTrigger: "t",
    resourceHooks: { BeforeDelete: ["h"] },
    replaceWith: [STACK.urn],
    importID: "i",
  });
  const text = write([STACK, PROVIDER, state], [{ resource: state, type: "updating" }]),
    file = parseCheckpoint(text, "f");
  assert.equal(file.version, 4);
  assert.deepEqual(file.features, ["hooks", "replaceWith"]);
  assert.ok(!text.includes('"x"') && !text.includes("ü"), "no secret in the clear");
  const snapshot = decodeSnapshot(file, crypter);
  assert.deepEqual(snapshot.resources, [STACK, PROVIDER, state]);
  assert.deepEqual(
    snapshot.pendingOperations.map((o) => [o.type, o.resource.urn]),
    [["updating", state.urn]],
  );
  assert.equal(snapshot.salt, SALT);
});

test("an unchanged secret keeps its ciphertext within a run", () => {
  const text = write([
    STACK,
    PROVIDER,
    thing("a", { inputs: v.mapOf([["s", new v.Secret("x")]]) }),
  ]);
  const { resources } = decodeSnapshot(parseCheckpoint(text, "f"), crypter),
    cipher = /"ciphertext":"([^"]+)"/;
  assert.equal(cipher.exec(write(resources))?.[1], cipher.exec(text)?.[1]);
});

test("damaged, tampered and newer files are refused by name", () => {
  const good = JSON.parse(write([STACK])) as {
    version: number;
    features?: string[];
    checkpoint: { latest: { manifest: { version: string }; secrets_providers: { type: string } } };
  };
  const refused = (change: (file: typeof good) => void, message: RegExp): void => {
    const file = structuredClone(good);
    change(file);
    assert.throws(() => parseCheckpoint(JSON.stringify(file), "the-file"), message);
  };
  assert.throws(() => parseCheckpoint("{", "the-file"), /the-file is not JSON .*the-file\.bak/);
  assert.throws(() => parseCheckpoint("{}", "the-file"), /the-file has no checkpoint/);
  refused((f) => (f.version = 5), /version 5, readable are 1 to 4/);
  refused((f) => (f.features = ["views"]), /the feature views/);
  refused((f) => (f.checkpoint.latest.manifest.version = "other"), /tampered/);
  refused((f) => (f.checkpoint.latest.secrets_providers.type = "cloud"), /secrets provider cloud/);
});

for (const [rule, resources, message] of [
  ["a component with an id", [{ ...STACK, id: "x" }], /is a component but has the id x/],
  [
    "a provider that comes later",
    [STACK, thing("a"), PROVIDER],
    /refers to the provider .* does not come before it/,
  ],
  [
    "a provider with another id",
    [STACK, { ...PROVIDER, id: "two" }, thing("a")],
    /refers to the provider/,
  ],
  [
    "a custom resource without a provider",
    [STACK, thing("a", { provider: "" })],
    /without a provider/,
  ],
  ["a parent that is missing", [PROVIDER, thing("a")], /\(parent\), which does not come before it/],
  [
    "a dependency that comes later",
    [STACK, PROVIDER, thing("a", { dependencies: [urn("p:index:T", "b")] }), thing("b")],
    /\(dependency\)/,
  ],
  [
    "a property dependency that is missing",
    [STACK, PROVIDER, thing("a", { propertyDependencies: { x: [urn("p:index:T", "b")] } })],
    /\(property\)/,
  ],
  [
    "a container that is missing",
    [STACK, PROVIDER, thing("a", { deletedWith: urn("p:index:T", "b") })],
    /\(deletedWith\)/,
  ],
  ["the same URN twice", [STACK, PROVIDER, thing("a"), thing("a")], /occurs twice/],
] as const)
  test(`integrity: ${rule} is refused`, () => {
    assert.throws(() => verifyIntegrity(resources, "here"), message);
  });

test("integrity: an entry marked for deletion may share its URN, one that is pending replacement may have lost its provider", () => {
  verifyIntegrity([STACK, PROVIDER, thing("a"), thing("a", { id: "old", delete: true })], "here");
  verifyIntegrity([STACK, thing("a", { pendingReplacement: true })], "here");
});
