/**
 * Proves: a genesis has one canonical text and hash, and every kind of mistake in one is found and
 * named with its place.
 * Does not prove: that a network with this genesis works.
 */
import assert from "node:assert/strict";
import { test } from "node:test";
import { sha256, toHex } from "../../../node/formats/bytes.ts";
import { SigningKey } from "../../../node/formats/ed25519.ts";
import {
  encodeGenesis,
  type Genesis,
  GenesisError,
  genesisHash,
  genesisProblems,
  parseGenesis,
  parseGenesisText,
} from "../../../node/formats/genesis.ts";

const publicKey = (label: string) => toHex(new SigningKey(sha256(label)).publicKey);

function validGenesis(): Genesis {
  return {
    format: 1,
    chainId: "test-1",
    purpose: "devnet",
    protocolVersion: 0,
    consensus: {
      blockIntervalMs: 2000,
      leaderTimeoutMs: 4000,
      certificationTimeoutMs: 6000,
      nullifyRetryMs: 2000,
      maxBlockBytes: 1_048_576,
      maxBlockTransactions: 4096,
    },
    validators: [1, 2, 3, 4].map((i) => ({
      name: `validator-${i}`,
      publicKey: publicKey(`validator ${i}`),
      weight: 1,
    })),
    accounts: [{ name: "devnet", publicKeys: [publicKey("devnet")], role: "devnet" }],
  };
}

/** A copy with one value at a path replaced. */
function changed(path: string, value: unknown): unknown {
  const copy = structuredClone(validGenesis()) as unknown as Record<string, unknown>;
  const parts = path.split("/").slice(1);
  const last = parts.pop() as string;
  const parent = parts.reduce<Record<string, unknown>>(
    (object, part) => object[part] as Record<string, unknown>,
    copy,
  );
  if (value === undefined) delete parent[last];
  else parent[last] = value;
  return copy;
}

test("a good genesis has no problems, and its text gives it back", () => {
  const genesis = validGenesis();
  assert.deepEqual(genesisProblems(genesis), []);
  assert.deepEqual(parseGenesisText(encodeGenesis(genesis)), genesis);
});

test("the text does not depend on the order of the fields", () => {
  const genesis = validGenesis();
  const reversed = Object.fromEntries(Object.entries(genesis).reverse()) as unknown as Genesis;
  assert.notEqual(JSON.stringify(reversed), JSON.stringify(genesis));
  assert.equal(encodeGenesis(reversed), encodeGenesis(genesis));
  assert.equal(genesisHash(reversed), genesisHash(genesis));
});

test("the hash is the SHA-256 of the text, and golden", () => {
  const genesis = validGenesis();
  assert.equal(genesisHash(genesis), toHex(sha256(encodeGenesis(genesis))));
  // Changes only with the format: then every existing chain gets another identity.
  assert.equal(
    genesisHash(genesis),
    "78b8a113133572eb4f45c1685880d585d445e0b18073a6ec42d62e56473a9d96",
  );
});

test("every field counts for the hash", () => {
  const before = genesisHash(validGenesis());
  for (const [path, value] of [
    ["/chainId", "test-2"],
    ["/consensus/blockIntervalMs", 1999],
    ["/validators/0/name", "other"],
    ["/accounts", []],
  ] as const)
    assert.notEqual(genesisHash(parseGenesis(changed(path, value))), before, path);
});

const mistakes: readonly [path: string, value: unknown, where: string, reason: RegExp][] = [
  ["/format", 2, "/format", /expected 1/],
  ["/chainId", "Upper", "/chainId", /match/],
  ["/chainId", undefined, "/chainId", /required/],
  ["/extra", 1, "/extra", /unexpected/],
  ["/consensus/blockIntervalMs", 49, "/consensus/blockIntervalMs", /greater or equal to 50/],
  ["/consensus/blockIntervalMs", 2000.5, "/consensus/blockIntervalMs", /integer/],
  ["/consensus/leaderTimeoutMs", 2000, "/consensus/leaderTimeoutMs", /more than blockIntervalMs/],
  [
    "/consensus/certificationTimeoutMs",
    4000,
    "/consensus/certificationTimeoutMs",
    /more than leaderTimeoutMs/,
  ],
  ["/purpose", "testnet", "/protocolVersion", /allowed on a testnet: 1/],
  ["/purpose", "testnet", "/accounts/0/role", /allowed on a testnet: user/],
  ["/protocolVersion", 1, "/protocolVersion", /allowed on a devnet: 0/],
  ["/validators", validGenesis().validators.slice(0, 3), "/validators", /got 3, allowed: 4 to 100/],
  ["/validators/1/name", "validator-1", "/validators/1/name", /as in \/validators\/0\/name/],
  [
    "/validators/1/publicKey",
    publicKey("validator 1"),
    "/validators/1/publicKey",
    /as in \/validators\/0\/publicKey/,
  ],
  ["/validators/0/publicKey", "00".repeat(32), "/validators/0/publicKey", /small order/],
  ["/validators/0/weight", 2, "/validators/0/weight", /expected 1/],
  [
    "/accounts/0/publicKeys/0",
    publicKey("validator 1"),
    "/accounts/0/publicKeys/0",
    /as in \/validators\/0\/publicKey/,
  ],
  ["/accounts/0/publicKeys", [], "/accounts/0/publicKeys", /greater or equal to 1/],
  ["/accounts/1", validGenesis().accounts[0], "/accounts/1/name", /as in \/accounts\/0\/name/],
];

for (const [path, value, where, reason] of mistakes)
  test(`a wrong ${path} is found at ${where}`, () => {
    const problems = genesisProblems(changed(path, value));
    assert.ok(
      problems.some((problem) => problem.path === where && reason.test(problem.reason)),
      JSON.stringify(problems),
    );
    assert.throws(() => parseGenesis(changed(path, value)), GenesisError);
  });

test("several mistakes are reported at once", () => {
  const genesis = changed("/protocolVersion", 1) as Genesis;
  const problems = genesisProblems({ ...genesis, validators: genesis.validators.slice(0, 2) });
  assert.deepEqual(
    problems.map(({ path }) => path),
    ["/protocolVersion", "/validators"],
  );
});

test("one validator is enough for a devnet only", () => {
  const one = { ...validGenesis(), validators: validGenesis().validators.slice(0, 1) };
  assert.deepEqual(genesisProblems(one), []);
  const testnet = { ...one, purpose: "testnet", protocolVersion: 1, accounts: [] };
  assert.deepEqual(
    genesisProblems(testnet).map(({ path }) => path),
    ["/validators"],
  );
});

test("a text that is not JSON is refused as such", () => {
  assert.throws(() => parseGenesisText("{"), /not JSON/);
});
