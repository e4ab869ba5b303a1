/**
 * Proves: with the public keys at hand, every node of a plan gets a configuration that the node's own
 * reader accepts, and the plan a genesis that the node's own parser accepts; without them both refuse.
 * Does not prove: that the node starts with them.
 */
import assert from "node:assert/strict";
import { suite, test } from "node:test";
import fc from "fast-check";
import { bootstrapSetting } from "../../../infra/plan/bootstrap.ts";
import { genesisOf } from "../../../infra/plan/genesis.ts";
import { renderNodeConfiguration } from "../../../infra/plan/startup.ts";
import type { NetworkPlan } from "../../../infra/plan/types.ts";
import { sha256, toHex } from "../../../node/formats/bytes.ts";
import { parseConfigurationText } from "../../../node/formats/configuration.ts";
import { SigningKey } from "../../../node/formats/ed25519.ts";
import { GenesisError, genesisHash } from "../../../node/formats/genesis.ts";
import { localNetwork, publicKey } from "../topology/descriptions.ts";
import { localPlan, localSites, planOf, seed } from "./plans.ts";

/** A key for every id, the same in every run. */
function publicKeysOf({ keys }: NetworkPlan): Record<string, string> {
  return Object.fromEntries(
    keys.map(({ id }) => [id, toHex(new SigningKey(sha256(id)).publicKey)]),
  );
}

const plan = localPlan(4, 1);
const publicKeys = publicKeysOf(plan);
const [validator, ...others] = plan.nodes;
const full = others.at(-1);
assert.ok(validator && full);

suite("configuration", () => {
  const bootstrapOf = (k: number) => `${publicKeys[`local-validator-${k}`]}@127.0.0.1:${8999 + k}`;

  test("of a validator", () => {
    const text = renderNodeConfiguration(plan, validator, publicKeys);
    assert.deepEqual(parseConfigurationText(text), {
      "api-addr": "127.0.0.1:8080",
      "internal-addr": "127.0.0.1:9200",
      "p2p-addr": "127.0.0.1:9000",
      bootstrap: [2, 3, 4].map(bootstrapOf),
      "data-dir": "data",
      "private-key-file": "../keys/local-validator-1.key",
      "genesis-file": "genesis.json",
      "consensus-enabled": true,
      "open-writes": "loopback",
      "devnet-account-key-file": "../keys/devnet-account.key",
      "log-format": "json",
    });
  });

  test("of a full node", () => {
    const text = renderNodeConfiguration(plan, full, publicKeys);
    assert.deepEqual(parseConfigurationText(text), {
      "api-addr": "127.0.0.1:8084",
      "internal-addr": "127.0.0.1:9204",
      "p2p-addr": "127.0.0.1:9004",
      bootstrap: [1, 2, 3, 4].map(bootstrapOf),
      "data-dir": "data",
      "genesis-file": "genesis.json",
      "consensus-enabled": false,
      "open-writes": "loopback",
      "devnet-account-key-file": "../keys/devnet-account.key",
      "log-format": "json",
    });
  });

  test("what only the site knows comes on top", () => {
    const changes = { dataDir: "/srv/guts/data", genesisHash: "0".repeat(64) };
    const text = renderNodeConfiguration(plan, validator, publicKeys, changes);
    const read = parseConfigurationText(text);
    assert.equal(read["data-dir"], "/srv/guts/data");
    assert.equal(read["genesis-hash"], "0".repeat(64));
  });

  test("a public key that is missing is named", () => {
    const { "local-validator-3": _, ...some } = publicKeys;
    assert.throws(
      () => renderNodeConfiguration(plan, validator, some),
      new RangeError(
        "got no public key for local-validator-3, allowed: one for every key of the plan",
      ),
    );
  });

  test("a validator of another organisation is a multiaddr with its peer id", () => {
    const external = [{ name: "acme", publicKey, p2pAddress: "/dns4/v.acme.example/tcp/9000" }];
    assert.deepEqual(
      bootstrapSetting({ nodes: plan.nodes, external }, { bootstrap: ["acme"] }, publicKeys),
      ["/dns4/v.acme.example/tcp/9000/p2p/12D3KooWQK1wnefoLrcVHbbnf5tLzbopUd3K3bFAoJpA7YJgL5pV"],
    );
  });

  test("a peer that is not in the plan is refused", () => {
    assert.throws(
      () => bootstrapSetting(plan, { bootstrap: ["nobody"] }, publicKeys),
      new RangeError("got the peer nobody, allowed: a validator of the plan"),
    );
  });
});

suite("genesis", () => {
  test("has every validator with its key, and the account of a devnet", () => {
    const genesis = genesisOf(plan, publicKeys);
    assert.deepEqual(genesis, {
      format: 1,
      chainId: "guts-local",
      purpose: "devnet",
      protocolVersion: 0,
      consensus: {
        blockIntervalMs: 2000,
        leaderTimeoutMs: 2500,
        certificationTimeoutMs: 3000,
        nullifyRetryMs: 1000,
        maxBlockBytes: 1_048_576,
        maxBlockTransactions: 4096,
      },
      validators: [1, 2, 3, 4].map((k) => ({
        name: `local-validator-${k}`,
        publicKey: publicKeys[`local-validator-${k}`],
        weight: 1,
      })),
      accounts: [{ name: "devnet", role: "devnet", publicKeys: [publicKeys["devnet-account"]] }],
    });
  });

  test("ports and full nodes are no part of it", () => {
    const ports = { api: 18_080, p2p: 19_000, internal: 19_200 };
    const sites = [{ name: "local", kind: "local", validators: 4, fullNodes: 7, ports }];
    const moved = planOf({ ...localNetwork, sites });
    assert.equal(
      genesisHash(genesisOf(moved, publicKeys)),
      genesisHash(genesisOf(plan, publicKeys)),
    );
  });

  test("a key that is missing is named", () => {
    const { "devnet-account": _, ...some } = publicKeys;
    assert.throws(
      () => genesisOf(plan, some),
      new RangeError(
        "got no public key for devnet-account, allowed: one for every key of the plan",
      ),
    );
  });

  test("a key that is none is refused", () => {
    assert.throws(
      () => genesisOf(plan, { ...publicKeys, "local-validator-2": "00".repeat(32) }),
      GenesisError,
    );
  });

  test("every local network has a genesis and configurations the node accepts", () => {
    fc.assert(
      fc.property(localSites, (sites) => {
        const any = planOf({ ...localNetwork, sites });
        const keys = publicKeysOf(any);
        assert.equal(genesisOf(any, keys).validators.length, any.genesis.validators.length);
        for (const node of any.nodes)
          parseConfigurationText(renderNodeConfiguration(any, node, keys));
      }),
      { seed, numRuns: 5 },
    );
  });
});
