/**
 * Proves: the plan of the local stack is the one that was reviewed; equal descriptions give equal bytes;
 * nothing about a node changes when a site or full nodes are added or sites move; no port is planned
 * twice, no path is absolute and no name is longer than a DNS label.
 * Does not prove: that ports are free or that a node starts with what is planned.
 *
 * `GUTS_UPDATE=1 node --test test/infra/plan/network.test.ts` writes the golden plan anew; format it
 * with prettier and read the difference before you commit it.
 */
import assert from "node:assert/strict";
import { readFileSync, writeFileSync } from "node:fs";
import { suite, test } from "node:test";
import fc from "fast-check";
import { parse } from "yaml";
import { planNetwork } from "../../../infra/plan/network.ts";
import type { NetworkPlan, NodePlan } from "../../../infra/plan/types.ts";
import { federation, localNetwork, localSite, parsed } from "../topology/descriptions.ts";
import { localPlan, type LocalSite, localSites, planOf, seed } from "./plans.ts";

const golden = new URL("golden/local.json", import.meta.url);

/** JSON with what fits on a line on one line; the formatter does the spaces. */
function readable(value: unknown, indent = ""): string {
  const flat = JSON.stringify(value);
  if (typeof value !== "object" || value === null || indent.length + flat.length <= 90) return flat;
  const inner = `${indent}  `;
  const isList = Array.isArray(value);
  const parts = Object.entries(value).map(([key, part]) =>
    isList
      ? `${inner}${readable(part, inner)}`
      : `${inner}${JSON.stringify(key)}: ${readable(part, inner)}`,
  );
  const [open, close] = isList ? "[]" : "{}";
  return `${open}\n${parts.join(",\n")}\n${indent}${close}`;
}

test("the local stack has the plan that was reviewed", () => {
  const stack = new URL("../../../stacks/Pulumi.local.yaml", import.meta.url);
  const { config } = parse(readFileSync(stack, "utf8")) as { config: Record<string, object> };
  const plan = planOf(config["guts:network"] ?? {});
  if (process.env.GUTS_UPDATE === "1") writeFileSync(golden, `${readable(plan)}\n`);
  assert.deepEqual(plan, JSON.parse(readFileSync(golden, "utf8")));
});

suite("one full node beside the validators", () => {
  const plan = localPlan(4, 1);
  const full = plan.nodes.at(-1);

  test("has no key and no vote, and starts from the validators", () => {
    assert.equal(full?.id, "local-full-1");
    assert.equal(full?.key, undefined);
    assert.equal(full?.settings.privateKeyFile, undefined);
    assert.equal(full?.settings.consensusEnabled, false);
    assert.deepEqual(
      full?.bootstrap,
      [1, 2, 3, 4].map((k) => `local-validator-${k}`),
    );
  });

  test("changes nothing else in the plan", () => {
    const { nodes, sites, cost, ...rest } = plan;
    const before = localPlan(4, 0);
    assert.deepEqual(nodes.slice(0, 4), before.nodes);
    assert.deepEqual({ ...before, nodes, sites, cost }, { ...rest, nodes, sites, cost });
  });
});

suite("any local network", () => {
  const property = (check: (sites: readonly LocalSite[]) => void) =>
    fc.assert(fc.property(localSites, check), { seed, numRuns: 100 });
  const plan = (sites: readonly object[]) => planOf({ ...localNetwork, sites });
  const nodeOf = ({ nodes }: NetworkPlan, id: string) => nodes.find((node) => node.id === id);

  test("equal descriptions give equal bytes", () => {
    property((sites) => {
      const reordered = sites.map(({ ports, ...site }) => ({ ports, ...site }));
      assert.equal(JSON.stringify(plan(sites)), JSON.stringify(plan(structuredClone(reordered))));
    });
  });

  test("a plan is JSON and nothing more", () => {
    property((sites) => {
      const value = plan(sites);
      assert.deepEqual(JSON.parse(JSON.stringify(value)), value);
    });
  });

  test("no port is planned twice", () => {
    property((sites) => {
      const ports = plan(sites).nodes.flatMap(({ api, p2p, internal }) => [
        api.port,
        p2p.port,
        internal.port,
      ]);
      assert.equal(new Set(ports).size, ports.length);
    });
  });

  test("names are unique DNS labels, and no path is absolute", () => {
    property((sites) => {
      const { nodes, keys } = plan(sites);
      assert.equal(new Set(nodes.map(({ id }) => id)).size, nodes.length);
      for (const { id, directory, files, settings } of nodes) {
        assert.match(id, /^[a-z0-9]([a-z0-9-]{0,61}[a-z0-9])?$/);
        const { dataDir, genesisFile, privateKeyFile, devnetAccountKeyFile } = settings;
        const paths = [directory, dataDir, genesisFile, privateKeyFile, devnetAccountKeyFile];
        for (const path of [...paths, ...files.map((file) => file.path)])
          assert.ok(!path?.startsWith("/"), path);
      }
      for (const { file } of keys) assert.match(file, /^keys\/[a-z0-9-]+\.key$/);
    });
  });

  test("more full nodes move nobody", () => {
    property((sites) => {
      const before = plan(sites);
      const after = plan(sites.map((site) => ({ ...site, fullNodes: site.fullNodes + 5 })));
      for (const node of before.nodes) assert.deepEqual(nodeOf(after, node.id), node);
      assert.deepEqual(after.genesis, before.genesis);
      assert.deepEqual(after.keys, before.keys);
      assert.deepEqual(after.verdict, before.verdict);
    });
  });

  test("a site of full nodes, before or after the others, moves nobody", () => {
    property((sites) => {
      const before = plan(sites);
      const ports = { api: 30_000, p2p: 30_300, internal: 30_600 };
      const added = { ...localSite, name: "zz-added", validators: 0, fullNodes: 3, ports };
      for (const after of [plan([...sites, added]), plan([added, ...sites])]) {
        for (const node of before.nodes) assert.deepEqual(nodeOf(after, node.id), node);
        assert.deepEqual(after.genesis, before.genesis);
        assert.deepEqual(after.keys, before.keys);
      }
    });
  });

  test("a site of validators keeps ids, ports and keys of the others", () => {
    property((sites) => {
      const before = plan(sites);
      const ports = { api: 30_000, p2p: 30_300, internal: 30_600 };
      const after = plan([{ ...localSite, name: "aa-added", ports }, ...sites]);
      const placed = ({ id, api, p2p, internal, key, directory, firewall }: NodePlan) => ({
        ...{ id, api, p2p, internal, key, directory, firewall },
      });
      for (const node of before.nodes)
        assert.deepEqual(placed(nodeOf(after, node.id) ?? assert.fail(node.id)), placed(node));
      for (const key of before.keys.filter(({ use }) => use === "validator"))
        assert.deepEqual(
          after.keys.find(({ id }) => id === key.id),
          key,
        );
    });
  });

  test("the order of the sites makes no other chain and no other node", () => {
    property((sites) => {
      const before = plan(sites);
      const after = plan(sites.toReversed());
      assert.deepEqual(after.genesis, before.genesis);
      for (const node of before.nodes) assert.deepEqual(nodeOf(after, node.id), node);
      const account = ({ keys }: NetworkPlan) => keys.find(({ use }) => use === "account");
      assert.deepEqual(account(after), account(before));
    });
  });

  test("validators know all others, full nodes a few, and nobody itself", () => {
    property((sites) => {
      const { nodes, genesis } = plan(sites);
      const names = new Set(genesis.validators.map(({ name }) => name));
      for (const { id, role, bootstrap } of nodes) {
        assert.equal(new Set(bootstrap).size, bootstrap.length);
        assert.ok(bootstrap.every((name) => name !== id && names.has(name)));
        const expected = role === "validator" ? names.size - 1 : Math.min(8, names.size);
        assert.equal(bootstrap.length, expected);
      }
    });
  });

  test("everything listens on loopback and is open to loopback only", () => {
    property((sites) => {
      for (const { api, p2p, internal, firewall } of plan(sites).nodes) {
        for (const { host } of [api, p2p, internal]) assert.equal(host, "127.0.0.1");
        for (const { from } of firewall) assert.deepEqual(from, ["127.0.0.0/8"]);
      }
    });
  });
});

test("the verdict waits for the start and ten blocks", () => {
  const wait = (blockInterval: string) =>
    localPlan(4, 0, { consensus: { blockInterval } }).verdict.waitSeconds;
  assert.deepEqual(["50ms", "2s", "1m"].map(wait), [65, 84, 664]);
});

test("budget and reset pass through", () => {
  const budget = { monthlyUsd: 5, expires: "2027-01-31" };
  const plan = localPlan(4, 0, { budget, reset: true });
  assert.deepEqual(plan.budget, budget);
  assert.equal(plan.genesis.reset, true);
});

test("a kind that cannot be built is the caller's mistake", () => {
  assert.throws(
    () => planNetwork(parsed(federation)),
    new RangeError('got a site of kind "aws", allowed: local'),
  );
});
