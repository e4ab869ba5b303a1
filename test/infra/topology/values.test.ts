/**
 * Proves: durations, address ranges, name suggestions and consensus parameters, at their edges.
 * Does not prove: that the derived timeouts suit a real network.
 */
import assert from "node:assert/strict";
import { suite, test } from "node:test";
import fc from "fast-check";
import { addressRangeProblem, coversEverything } from "../../../infra/topology/address-range.ts";
import { consensusParameters } from "../../../infra/topology/consensus.ts";
import { durationMs, durationText } from "../../../infra/topology/duration.ts";
import { toleratedFaults } from "../../../infra/topology/nodes.ts";
import { nearest, shown } from "../../../infra/topology/problem.ts";
import { localNetwork, parsed } from "./descriptions.ts";

const seed = 20_260_615;

suite("durations", () => {
  test("units", () => {
    assert.deepEqual(["50ms", "2s", "1m"].map(durationMs), [50, 2000, 60_000]);
    assert.deepEqual([50, 1500, 2000, 60_000, 90_000].map(durationText), [
      "50ms",
      "1500ms",
      "2s",
      "1m",
      "90s",
    ]);
  });

  test("what is written is read back", () => {
    fc.assert(
      fc.property(fc.integer({ min: 1, max: 600_000 }), (ms) =>
        assert.equal(durationMs(durationText(ms)), ms),
      ),
      { seed },
    );
  });

  for (const text of ["", "2", "0s", "-1s", "1.5s", "2 s", "2h", "2S", "1s1ms", "1000000s"])
    test(`"${text}" is refused`, () =>
      assert.throws(
        () => durationMs(text),
        new RangeError(`got "${text}", allowed: a duration such as 500ms, 2s or 1m`),
      ));
});

suite("address ranges", () => {
  for (const range of [
    "0.0.0.0/0",
    "10.0.0.0/8",
    "203.0.113.7/32",
    "::/0",
    "2001:db8::/32",
    "::1/128",
    "1:2:3:4:5:6:7:8/128",
    "1:2:3:4:5:6:7::/112",
  ])
    test(`${range} is one`, () => assert.equal(addressRangeProblem(range), undefined));

  for (const range of [
    "10.0.0.0",
    "10.0.0.0/33",
    "10.0.0.0/-1",
    "10.0.0/8",
    "10.0.0.00/8",
    "256.0.0.0/8",
    "10.0.0.0/8/8",
    "::/129",
    ":::/0",
    "1::2::3/0",
    "1:2:3:4:5:6:7/0",
    "1:2:3:4:5:6:7:8:9/0",
    "1:2:3:4:5:6:7:8::/0",
    "12345::/16",
    "g::/16",
    "",
  ])
    test(`"${range}" is none`, () =>
      assert.equal(
        addressRangeProblem(range),
        `got "${range}", allowed: an address range such as 203.0.113.0/24 or 2001:db8::/32`,
      ));

  test("the range that was meant is proposed, and accepted", () => {
    const octet = fc.integer({ min: 0, max: 255 });
    fc.assert(
      fc.property(
        fc.tuple(octet, octet, octet, octet),
        fc.integer({ min: 0, max: 32 }),
        (a, bits) => {
          const problem = addressRangeProblem(`${a.join(".")}/${bits}`);
          const proposed = problem?.split(", such as ")[1];
          if (problem === undefined) return;
          assert.ok(proposed !== undefined && proposed.endsWith(`/${bits}`), problem);
          assert.equal(addressRangeProblem(proposed), undefined);
        },
      ),
      { seed, numRuns: 1000 },
    );
  });

  test("bits to spare are refused in IPv6 too", () => {
    assert.equal(
      addressRangeProblem("2001:db8::1/32"),
      'got "2001:db8::1/32", allowed: the first address of the range, so that it says what it covers',
    );
  });

  test("only /0 is everything", () => {
    assert.deepEqual(["0.0.0.0/0", "::/0", "0.0.0.0/1"].map(coversEverything), [true, true, false]);
  });
});

suite("names", () => {
  const words = ["chainId", "purpose", "sites", "validators", "fullNodes"];
  for (const [wrong, right] of [
    ["chainid", "chainId"],
    ["validatrs", "validators"],
    ["vlaidators", "validators"],
    ["site", "sites"],
    ["full_nodes", "fullNodes"],
  ] as const)
    test(`${wrong} is ${right}`, () => assert.equal(nearest(wrong, words), right));

  for (const wrong of ["", "x", "region", "validators".repeat(20)])
    test(`"${wrong.slice(0, 20)}" is like none`, () =>
      assert.equal(nearest(wrong, words), undefined));

  test("a value is shown as JSON, cut to 80 characters", () => {
    assert.equal(shown({ a: [1] }), '{"a":[1]}');
    assert.equal(shown("x".repeat(100)).length, 80);
    assert.equal(shown(null), "nothing");
  });
});

suite("consensus parameters", () => {
  const sizes = { maxBlockBytes: 1_048_576, maxBlockTransactions: 4096 };
  const parameters = (consensus: object, purpose = "devnet") =>
    consensusParameters(parsed({ ...localNetwork, sites: sitesFor(purpose), purpose, consensus }));

  test("a devnet waits half a second beyond the interval", () => {
    assert.deepEqual(parameters({}), {
      blockIntervalMs: 2000,
      leaderTimeoutMs: 2500,
      certificationTimeoutMs: 3000,
      nullifyRetryMs: 1000,
      ...sizes,
    });
    assert.deepEqual(parameters({ blockInterval: "50ms" }), {
      blockIntervalMs: 50,
      leaderTimeoutMs: 550,
      certificationTimeoutMs: 1050,
      nullifyRetryMs: 1000,
      ...sizes,
    });
  });

  test("elsewhere it is a whole second", () => {
    assert.deepEqual(parameters({ blockInterval: "1s" }, "testnet"), {
      blockIntervalMs: 1000,
      leaderTimeoutMs: 2000,
      certificationTimeoutMs: 3000,
      nullifyRetryMs: 1000,
      ...sizes,
    });
  });

  test("what is given is taken, and the rest follows from it", () => {
    const given = { leaderTimeout: "4s", nullifyRetry: "200ms", maxBlockTransactions: 10 };
    assert.deepEqual(parameters(given), {
      blockIntervalMs: 2000,
      leaderTimeoutMs: 4000,
      certificationTimeoutMs: 4500,
      nullifyRetryMs: 200,
      maxBlockBytes: 1_048_576,
      maxBlockTransactions: 10,
    });
  });

  test("faults tolerated", () => {
    assert.deepEqual([1, 3, 4, 6, 7, 100].map(toleratedFaults), [0, 0, 1, 1, 2, 33]);
  });

  function sitesFor(purpose: string) {
    if (purpose === "devnet") return localNetwork.sites;
    const region = "us-east-1";
    return [{ name: "virginia", kind: "aws", region, validators: 4 }];
  }
});
