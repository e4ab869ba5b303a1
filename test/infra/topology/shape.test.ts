/**
 * Proves: the JSON Schema that editors use and the validator accept and refuse the same documents, over
 * ten thousand valid, damaged and random ones; the validator survives any JSON; and filling in defaults
 * twice is the same as once.
 * Does not prove: rules that need more than one field, which a JSON Schema cannot say.
 */
import assert from "node:assert/strict";
import { test } from "node:test";
import { Value } from "@sinclair/typebox/value";
import fc from "fast-check";
import { writtenNetworkSchema } from "../../../infra/topology/editor-schema.ts";
import { parseNetwork } from "../../../infra/topology/parse.ts";
import type { Problem } from "../../../infra/topology/problem.ts";
import { networkSchema } from "../../../infra/topology/schema.ts";
import { readShape, ROOT } from "../../../infra/topology/shape.ts";
import { everything, federation, localNetwork, localSite, publicKey } from "./descriptions.ts";

const seed = 20_260_615;

/** Something for every field. */
const complete = {
  ...federation,
  sites: [
    ...federation.sites,
    { ...localSite, fullNodes: 1, ports: { api: 8180, p2p: 9100, internal: 9300 } },
    {
      name: "cluster",
      kind: "kubernetes",
      validators: 1,
      context: "staging",
      namespace: "guts",
      exposure: "node-port",
      storageClass: "fast",
      diskGiB: 20,
    },
  ],
  external: [{ name: "acme", publicKey, p2pAddress: "/ip4/203.0.113.7/tcp/9000" }],
  access: { api: ["0.0.0.0/0"], admin: ["198.51.100.7/32"] },
  consensus: { blockInterval: "500ms", leaderTimeout: "3s", maxBlockBytes: 100_000 },
  budget: { monthlyUsd: 900, expires: "2027-01-31" },
  reset: true,
};

type Damage = readonly [path: number, how: "remove" | "replace" | "add" | "double", value: unknown];

const word = fc.constantFrom("local", "aws", "devnet", "2s", "a", "", "0.0.0.0/0", "2027-01-31");
const replacement = fc.oneof(word, fc.integer({ min: -1, max: 70_000 }), fc.jsonValue());
const damage: fc.Arbitrary<Damage> = fc.tuple(
  fc.nat(200),
  fc.constantFrom("remove", "replace", "add", "double"),
  replacement,
);

/** The same document with one place changed. */
function damaged(document: unknown, [path, how, value]: Damage): unknown {
  const copy: unknown = structuredClone(document);
  const places = placesOf(copy);
  const place = places[path % Math.max(1, places.length)];
  if (!place) return value;
  const { holder, key } = place;
  if (Array.isArray(holder)) {
    if (how === "remove") holder.splice(Number(key), 1);
    else if (how === "double") holder.push(structuredClone(holder[Number(key)]));
    else holder[Number(key)] = value;
  } else if (how === "remove") delete holder[key];
  else holder[how === "add" ? `${key}s` : key] = value;
  return copy;
}

type Holder = unknown[] | Record<string, unknown>;

function placesOf(value: unknown): { holder: Holder; key: string }[] {
  if (typeof value !== "object" || value === null) return [];
  const holder = value as Holder;
  return Object.entries(value).flatMap(([key, inner]) => [{ holder, key }, ...placesOf(inner)]);
}

function isOfShape(value: unknown): boolean {
  const problems: Problem[] = [];
  readShape(networkSchema, value, ROOT, problems);
  return problems.length === 0;
}

test("the documents the tests start from are accepted by both", () => {
  for (const document of [localNetwork, federation, complete]) {
    assert.ok(isOfShape(document));
    assert.ok(Value.Check(writtenNetworkSchema, document));
  }
});

test("editor and validator agree on damaged documents", () => {
  const tally = { accepted: 0, refused: 0 };
  fc.assert(
    fc.property(
      fc.constantFrom(localNetwork, federation, complete),
      fc.array(damage, { minLength: 1, maxLength: 2 }),
      (start, damages) => {
        const document = damages.reduce(damaged, start as unknown);
        const accepted = isOfShape(document);
        tally[accepted ? "accepted" : "refused"]++;
        assert.equal(Value.Check(writtenNetworkSchema, document), accepted);
      },
    ),
    { seed, numRuns: 8000 },
  );
  assert.ok(tally.accepted > 300 && tally.refused > 3000, JSON.stringify(tally));
});

test("editor and validator agree on any JSON, and nothing throws", () => {
  fc.assert(
    fc.property(fc.jsonValue(), (document) => {
      assert.equal(Value.Check(writtenNetworkSchema, document), isOfShape(document));
      parseNetwork(document, everything);
    }),
    { seed, numRuns: 2000 },
  );
});

test("a network that was read once reads the same again, and is of its own type", () => {
  for (const document of [localNetwork, federation, complete]) {
    const once = readShape(networkSchema, document, ROOT, []);
    assert.ok(Value.Check(networkSchema, once));
    assert.deepEqual(readShape(networkSchema, once, ROOT, []), once);
  }
});

test("keys of the object prototype are unknown fields like any other", () => {
  const document: unknown = JSON.parse(
    '{"chainId":"a","purpose":"devnet","sites":[{"name":"l","kind":"local","validators":1}],"__proto__":{"reset":true},"constructor":1}',
  );
  const problems: Problem[] = [];
  readShape(networkSchema, document, ROOT, problems);
  assert.deepEqual(
    problems.map(({ reason }) => reason.split(",")[0]),
    ['got the unknown field "__proto__"', 'got the unknown field "constructor"'],
  );
});
