/**
 * Proves: ports of local sites never collide without a message that names both sides, and no place may
 * hold a third of the votes, by purpose.
 * Does not prove: that a port is free on a machine, or that two places do not fail together.
 */
import assert from "node:assert/strict";
import { suite, test } from "node:test";
import { failureDomain } from "../../../infra/topology/failure-domains.ts";
import { listNodes } from "../../../infra/topology/nodes.ts";
import {
  federation,
  hosts,
  localNetwork,
  localSite,
  parsed,
  problemsOf,
  publicKey,
  warningsOf,
} from "./descriptions.ts";

const external = { name: "acme", publicKey, p2pAddress: "/dns4/v.acme.example/tcp/9000" };
const rack = { name: "rack", kind: "ssh", hosts: [{ address: "10.0.0.1" }], validators: 1 };
const clouds = federation.sites;

suite("ports of local sites", () => {
  test("two sites with the default ports collide in every range, and a free one is named", () => {
    const sites = [localSite, { ...localSite, name: "other" }];
    assert.deepEqual(problemsOf({ ...localNetwork, sites }), [
      "sites[1].ports.api: got port 8080 for other-validator-1, which is [sites[0].ports.api] of local-validator-1, allowed: a port of its own; choose another range, such as 8180",
      "sites[1].ports.p2p: got port 9000 for other-validator-1, which is [sites[0].ports.p2p] of local-validator-1, allowed: a port of its own; choose another range, such as 9100",
      "sites[1].ports.internal: got port 9200 for other-validator-1, which is [sites[0].ports.internal] of local-validator-1, allowed: a port of its own; choose another range, such as 9300",
    ]);
  });

  test("ranges of one site may not run into each other", () => {
    const sites = [{ ...localSite, ports: { api: 8998 } }];
    assert.deepEqual(problemsOf({ ...localNetwork, sites }), [
      "sites[0].ports.api: got port 9000 for local-validator-3, which is [sites[0].ports.p2p] of local-validator-1, allowed: a port of its own; choose another range, such as 9098",
    ]);
  });

  test("no port is beyond the last one", () => {
    const sites = [{ ...localSite, ports: { api: 65_533 } }];
    assert.deepEqual(problemsOf({ ...localNetwork, sites }), [
      "sites[0].ports.api: got port 65536 for local-validator-4, allowed: at most 65535; lower it",
    ]);
  });

  test("what the message proposes is accepted", () => {
    const other = { ...localSite, name: "other", ports: { api: 8180, p2p: 9100, internal: 9300 } };
    assert.deepEqual(problemsOf({ ...localNetwork, sites: [localSite, other] }), []);
  });
});

suite("failure domains", () => {
  const skewed = (purpose: string) => ({
    ...federation,
    purpose,
    sites: [
      clouds[0],
      { ...clouds[0], name: "oregon", region: "us-west-2" },
      { ...clouds[1], validators: 3 },
    ],
  });
  const lines = [
    "sites: got 4 of 7 votes on provider aws [sites[0], sites[1]], allowed: at most 2 in one place, so that the network survives its loss; spread the validators over at least 4 places, such as 2+2+2+1",
    "sites: got 3 of 7 votes on provider gcp [sites[2]], allowed: at most 2 in one place, so that the network survives its loss; spread the validators over at least 4 places, such as 2+2+2+1",
  ];

  test("an error on a mainnet, a warning on a testnet, nothing on a devnet", () => {
    assert.deepEqual(problemsOf(skewed("mainnet")), lines);
    assert.deepEqual(warningsOf(skewed("testnet")), lines);
    assert.deepEqual(warningsOf(skewed("devnet")), []);
  });

  test("a machine is one place, whatever its sites are called", () => {
    const sites = [
      { ...localSite, validators: 2 },
      { ...localSite, name: "b", validators: 2, ports: { api: 8180, p2p: 9100, internal: 9300 } },
    ];
    assert.deepEqual(problemsOf({ ...localNetwork, purpose: "mainnet", sites }), [
      "sites: got 4 of 4 votes on this machine [sites[0], sites[1]], allowed: at most 1 in one place, so that the network survives its loss; spread the validators over at least 4 places, such as 1+1+1+1",
    ]);
  });

  test("clusters and racks are places of their own", () => {
    const sites = [
      { ...rack, hosts: hosts(1, 2), validators: 2 },
      { name: "k", kind: "kubernetes", validators: 1 },
      { name: "l", kind: "kubernetes", validators: 1 },
    ];
    assert.deepEqual(problemsOf({ ...federation, sites }), [
      "sites: got 2 of 4 votes on site rack [sites[0]], allowed: at most 1 in one place, so that the network survives its loss; spread the validators over at least 4 places, such as 1+1+1+1",
    ]);
  });

  test("a validator of another organisation counts among the votes", () => {
    const sites = clouds.map((site) => ({ ...site, validators: 1 }));
    assert.deepEqual(warningsOf({ ...federation, sites, external: [] }), []);
    assert.deepEqual(
      problemsOf({ ...federation, sites: sites.slice(1), external: [external] }),
      [],
    );
  });
});

test("every node has the list of what fails with it, and zones take turns", () => {
  const sites = [...clouds, { name: "k", kind: "kubernetes", validators: 1 }];
  const domains = listNodes(parsed({ ...federation, purpose: "testnet", sites })).map((node) => [
    node.id,
    failureDomain(node).join("/"),
  ]);
  assert.deepEqual(Object.fromEntries(domains), {
    "virginia-validator-1": "aws/us-east-1/a/virginia-validator-1",
    "virginia-validator-2": "aws/us-east-1/b/virginia-validator-2",
    "belgium-validator-1": "gcp/europe-west1/belgium-validator-1",
    "belgium-validator-2": "gcp/europe-west1/belgium-validator-2",
    "belgium-full-1": "gcp/europe-west1/belgium-full-1",
    "singapore-validator-1": "azure/southeastasia/singapore-validator-1",
    "singapore-validator-2": "azure/southeastasia/singapore-validator-2",
    "rack-validator-1": "site rack/203.0.113.10",
    "k-validator-1": "site k/k-validator-1",
  });
});
