/**
 * Proves: the table and the picture of a plan, to the letter; that the table keeps to its width and to
 * ASCII; the warnings; and what a comparison of two plans says.
 * Does not prove: that Mermaid draws the picture well.
 */
import assert from "node:assert/strict";
import { suite, test } from "node:test";
import { comparePlans } from "../../../infra/plan/compare.ts";
import { describePlan } from "../../../infra/plan/describe.ts";
import { textTable, wrap } from "../../../infra/plan/text-table.ts";
import type { NetworkPlan } from "../../../infra/plan/types.ts";
import { planWarnings } from "../../../infra/plan/warnings.ts";
import { localNetwork, localSite, publicKey } from "../topology/descriptions.ts";
import { localPlan, planOf } from "./plans.ts";

const plan = localPlan(4, 1);

suite("table", () => {
  test("says what will be, in plain text", () => {
    assert.equal(
      describePlan(plan, "table"),
      `chain     guts-local, a devnet
nodes     4 validators, 1 full node; 3 votes needed to finalize, 1 fault survived
blocks    every 2s, up to 1048576 bytes and 4096 transactions
timeouts  2500ms for a proposal, 3s for a certified block
keys      4 validator keys, 1 account key
accounts  devnet (devnet)
files     node.yaml, genesis.json in a directory for each node
open to   127.0.0.0/8 (p2p-tcp, p2p-udp, api, internal)
cost      0 USD per month at the prices of 2026-11-24
verdict   finality seen within 84 s, or the network is not up

NODE               ROLE       API             P2P             INTERNAL        FAILS WITH
-----------------  ---------  --------------  --------------  --------------  ------------
local-validator-1  validator  127.0.0.1:8080  127.0.0.1:9000  127.0.0.1:9200  this-machine
local-validator-2  validator  127.0.0.1:8081  127.0.0.1:9001  127.0.0.1:9201  this-machine
local-validator-3  validator  127.0.0.1:8082  127.0.0.1:9002  127.0.0.1:9202  this-machine
local-validator-4  validator  127.0.0.1:8083  127.0.0.1:9003  127.0.0.1:9203  this-machine
local-full-1       full node  127.0.0.1:8084  127.0.0.1:9004  127.0.0.1:9204  this-machine
`,
    );
  });

  test("leaves out the least important columns when it is narrow, and wraps what it says", () => {
    assert.equal(
      describePlan(localPlan(1, 0), "table", { width: 50, unicode: true }),
      `chain     guts-local, a devnet
nodes     1 validator, 0 full nodes; 1 vote needed
          to finalize, 0 faults survived
blocks    every 2s, up to 1048576 bytes and 4096
          transactions
timeouts  2500ms for a proposal, 3s for a
          certified block
keys      1 validator key, 1 account key
accounts  devnet (devnet)
files     node.yaml, genesis.json in a directory
          for each node
open to   127.0.0.0/8 (p2p-tcp, p2p-udp, api,
          internal)
cost      0 USD per month at the prices of
          2026-11-24
verdict   finality seen within 81 s, or the
          network is not up
warning   one validator: when it stops, the chain
          stops; 4 validators survive one fault

NODE               ROLE       API
─────────────────  ─────────  ──────────────
local-validator-1  validator  127.0.0.1:8080
`,
    );
  });

  test("keeps to any width that has room for its longest word, and to ASCII", () => {
    for (let width = 40; width <= 140; width++)
      for (const line of describePlan(plan, "table", { width }).split("\n")) {
        assert.ok(line.length <= width, `${width}: ${line}`);
        assert.match(line, /^[ -~]*$/);
        assert.ok(!line.endsWith(" "), `${width}: ${line}`);
      }
  });

  test("names the budget and the end of the network", () => {
    const text = describePlan(
      localPlan(4, 0, { budget: { monthlyUsd: 5, expires: "2027-01-31" } }),
      "table",
    );
    assert.match(text, /^cost {6}0 USD per month at the prices of 2026-11-24, budget 5 USD$/m);
    assert.match(text, /^expires {3}2027-01-31$/m);
  });

  test("a single column that is too wide is cut", () => {
    const columns = [{ title: "NAME", keep: 1, cell: (name: string) => name }];
    assert.deepEqual(textTable(columns, ["abcdefghij"], { width: 8 }), [
      "NAME",
      "--------",
      "abcde...",
    ]);
    assert.deepEqual(
      textTable(columns, ["abcdefghij"], { width: 8, unicode: true })[2],
      "abcdefg…",
    );
    assert.deepEqual(textTable(columns, [], { width: 2 }), ["NAME", "----"]);
  });

  test("words longer than a line stay whole", () => {
    assert.deepEqual(wrap("a bb cccccc d", 4), ["a bb", "cccccc", "d"]);
  });
});

suite("picture", () => {
  test("is a flowchart of sites, consensus and full nodes", () => {
    const sites = [
      { ...localSite, validators: 1 },
      {
        ...{ name: "readers", kind: "local", validators: 0, fullNodes: 1 },
        ports: { api: 8180, p2p: 9100, internal: 9300 },
      },
    ];
    assert.equal(
      describePlan(planOf({ ...localNetwork, sites }), "mermaid"),
      `flowchart LR
  chain(("guts-local<br/>1 of 1 votes finalize"))
  subgraph s0["local (local)"]
    n0["local-validator-1<br/>api 8080, p2p 9000"]
  end
  subgraph s1["readers (local)"]
    n1["readers-full-1<br/>api 8180, p2p 9100"]
  end
  n0 === chain
  n1 -.-> n0
`,
    );
  });

  test("shows validators of other organisations", () => {
    const external = [{ name: "acme", publicKey, p2pAddress: "/ip4/203.0.113.7/tcp/9000" }];
    const validators = [...plan.genesis.validators, { name: "acme", publicKey }];
    const federated: NetworkPlan = { ...plan, external, genesis: { ...plan.genesis, validators } };
    const lines = describePlan(federated, "mermaid").split("\n");
    assert.ok(lines.includes('  n5["acme<br/>/ip4/203.0.113.7/tcp/9000"]'));
    assert.ok(lines.includes("  n5 === chain"));
  });
});

suite("warnings", () => {
  test("none for an ordinary network", () => assert.deepEqual(planWarnings(plan), []));

  test("one validator, a reset that is left on, and a cost above the budget", () => {
    const single = localPlan(1, 0, { reset: true });
    const costly: NetworkPlan = {
      ...single,
      cost: { ...single.cost, monthlyUsd: 300 },
      budget: { monthlyUsd: 200 },
    };
    assert.deepEqual(planWarnings(costly), [
      "costs 300 USD per month, budget.monthlyUsd is 200; take nodes away or raise it",
      "one validator: when it stops, the chain stops; 4 validators survive one fault",
      "reset is true: a changed genesis starts a new chain and leaves the old one behind; set it to false once that is done",
    ]);
  });
});

suite("comparison", () => {
  test("nothing for equal plans", () => assert.deepEqual(comparePlans(plan, plan), []));

  test("five more full nodes are five lines", () => {
    assert.deepEqual(
      comparePlans(localPlan(4, 0), localPlan(4, 5)),
      [1, 2, 3, 4, 5].map((k) => `+ node local-full-${k} (full, api 127.0.0.1:${8083 + k})`),
    );
  });

  test("another chain id is another chain and nothing else", () => {
    assert.deepEqual(comparePlans(plan, localPlan(4, 1, { chainId: "other" })), [
      "! genesis: this makes a new chain",
      '    chainId: "guts-local" -> "other"',
    ]);
  });

  test("a validator less is another chain, and its key stays", () => {
    const lines = comparePlans(localPlan(5, 0), localPlan(4, 0));
    assert.deepEqual(lines.slice(0, 5), [
      "! genesis: this makes a new chain",
      '    validators[4].name: "local-validator-5" -> nothing',
      "- node local-validator-5",
      "~ node local-validator-1",
      '    bootstrap[3]: "local-validator-5" -> nothing',
    ]);
    assert.deepEqual(lines.slice(-2), [
      "- key local-validator-5, which stays in keys/local-validator-5.key",
      "~ verdict.waitSeconds: 85 -> 84",
    ]);
  });

  test("another port changes the nodes and no chain", () => {
    const ports = { api: 8180, p2p: 9000, internal: 9200 };
    const sites = [{ ...localSite, validators: 1, ports }];
    assert.deepEqual(comparePlans(localPlan(1, 0), planOf({ ...localNetwork, sites })), [
      "~ node local-validator-1",
      "    api.port: 8080 -> 8180",
      '    settings.apiAddr: "127.0.0.1:8080" -> "127.0.0.1:8180"',
      "    firewall[2].port: 8080 -> 8180",
    ]);
  });

  test("leave to start a new chain", () => {
    assert.deepEqual(comparePlans(plan, localPlan(4, 1, { reset: true })), [
      "~ reset: false -> true",
    ]);
  });

  test("a key that is added, and a budget", () => {
    const lines = comparePlans(localPlan(4, 0), localPlan(5, 0, { budget: { monthlyUsd: 1 } }));
    assert.deepEqual(lines.slice(-3), [
      "+ key local-validator-5 in keys/local-validator-5.key",
      "~ verdict.waitSeconds: 84 -> 85",
      "~ budget.monthlyUsd: nothing -> 1",
    ]);
  });
});
