/**
 * Proves: defaults, and what this version refuses as not available.
 * Does not prove: the single messages, which have suites of their own.
 */
import assert from "node:assert/strict";
import { suite, test } from "node:test";
import { parseNetwork } from "../../../infra/topology/parse.ts";
import { formatProblems } from "../../../infra/topology/problem.ts";
import {
  everything,
  federation,
  localNetwork,
  localSite,
  parsed,
  problemsOf,
  today,
  warningsOf,
} from "./descriptions.ts";

suite("defaults", () => {
  test("four lines of intent are a network", () => {
    assert.deepEqual(parsed(localNetwork, { today }), {
      chainId: "guts-local",
      purpose: "devnet",
      sites: [
        {
          name: "local",
          kind: "local",
          validators: 4,
          fullNodes: 0,
          ports: { api: 8080, p2p: 9000, internal: 9200 },
        },
      ],
      external: [],
      access: { api: [], admin: [] },
      consensus: { blockInterval: "2s", maxBlockBytes: 1_048_576, maxBlockTransactions: 4096 },
      reset: false,
    });
  });

  test("an object that is given in part keeps the defaults of its other fields", () => {
    const { sites } = parsed({ ...localNetwork, sites: [{ ...localSite, ports: { api: 8180 } }] });
    assert.deepEqual(sites[0]?.kind === "local" && sites[0].ports, {
      api: 8180,
      p2p: 9000,
      internal: 9200,
    });
  });

  test("a date that YAML turned into a time is a date again", () => {
    const network = parsed({ ...localNetwork, budget: { expires: "2027-01-31T00:00:00Z" } });
    assert.deepEqual(network.budget, { expires: "2027-01-31" });
  });

  test("the description that was read is left as it is", () => {
    const value = structuredClone(localNetwork);
    const network = parsed(value);
    network.access.api.push("0.0.0.0/0");
    assert.deepEqual(value, localNetwork);
    assert.deepEqual(parsed(value).access.api, []);
  });

  test("a network over three clouds and a rack is accepted without warnings", () => {
    assert.deepEqual(warningsOf(federation), []);
  });
});

suite("what this version cannot build", () => {
  test("kinds without a site, each with the list of those there are", () => {
    assert.deepEqual(problemsOf({ ...federation, purpose: "devnet" }, { today }), [
      'sites[0].kind: got "aws", which is not available in this version, allowed: local',
      'sites[1].kind: got "gcp", which is not available in this version, allowed: local',
      'sites[2].kind: got "azure", which is not available in this version, allowed: local',
      'sites[3].kind: got "ssh", which is not available in this version, allowed: local',
    ]);
  });

  test("purposes that the node of this version may not join", () => {
    assert.deepEqual(problemsOf({ ...localNetwork, purpose: "testnet" }, { today }), [
      'purpose: got "testnet", which is not available in this version, allowed: devnet',
    ]);
  });

  test("it is said beside mistakes in the same site", () => {
    const sites = [{ name: "x", kind: "aws", validators: 4 }];
    assert.deepEqual(problemsOf({ ...localNetwork, sites }, { today }), [
      "sites[0].region: got nothing, allowed: 1 to 63 letters, digits, dots, hyphens and underscores; add it",
      'sites[0].kind: got "aws", which is not available in this version, allowed: local',
    ]);
  });
});

test("a day that is none is the caller's mistake", () => {
  assert.throws(
    () => parseNetwork(localNetwork, { ...everything, today: "15.6.2026" }),
    new RangeError('got today = "15.6.2026", allowed: a day as 2027-01-31'),
  );
});

test("problems print one per line", () => {
  const problems = [
    { path: "a", reason: "x" },
    { path: "b", reason: "y" },
  ];
  assert.equal(formatProblems(problems), "a: x\nb: y");
});
