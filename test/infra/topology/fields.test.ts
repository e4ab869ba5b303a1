/**
 * Proves: the exact message for every way in which one field can be wrong.
 * Does not prove: rules about more than one field.
 */
import assert from "node:assert/strict";
import { suite, test } from "node:test";
import { localNetwork, localSite, problemsOf } from "./descriptions.ts";

suite("fields", () => {
  const cases: readonly [name: string, value: unknown, problems: readonly string[]][] = [
    [
      "no map",
      "local",
      [
        'guts:network: got "local", allowed: fields chainId, purpose, sites, external, access, consensus, budget, reset',
      ],
    ],
    [
      "nothing",
      undefined,
      [
        "guts:network: got nothing, allowed: fields chainId, purpose, sites, external, access, consensus, budget, reset",
      ],
    ],
    [
      "an empty map",
      {},
      [
        "chainId: got nothing, allowed: 1 to 63 lower-case letters, digits and hyphens, with no hyphen at either end; add it",
        "purpose: got nothing, allowed: devnet, testnet, mainnet; add it",
        "sites: got nothing, allowed: a list of 1 to 50 entries; add it",
      ],
    ],
    [
      "a number as a name",
      { ...localNetwork, chainId: 7 },
      [
        "chainId: got 7, allowed: 1 to 63 lower-case letters, digits and hyphens, with no hyphen at either end; put the value in quotes",
      ],
    ],
    [
      "an upper-case name",
      { ...localNetwork, chainId: "Guts" },
      [
        'chainId: got "Guts", allowed: 1 to 63 lower-case letters, digits and hyphens, with no hyphen at either end',
      ],
    ],
    [
      "a mistyped field",
      { ...localNetwork, acess: {} },
      [
        'guts:network: got the unknown field "acess", allowed: chainId, purpose, sites, external, access, consensus, budget, reset; did you mean "access"?',
      ],
    ],
    [
      "a field that is like no other",
      { ...localNetwork, consensus: { gasLimit: 1 } },
      [
        'consensus: got the unknown field "gasLimit", allowed: blockInterval, leaderTimeout, certificationTimeout, nullifyRetry, maxBlockBytes, maxBlockTransactions',
      ],
    ],
    [
      "a mistyped purpose",
      { ...localNetwork, purpose: "tesnet" },
      ['purpose: got "tesnet", allowed: devnet, testnet, mainnet; did you mean "testnet"?'],
    ],
    [
      "a mistyped kind",
      { ...localNetwork, sites: [{ ...localSite, kind: "locla" }] },
      [
        'sites[0].kind: got "locla", allowed: local, ssh, aws, gcp, azure, kubernetes; did you mean "local"?',
      ],
    ],
    [
      "no kind",
      { ...localNetwork, sites: [{ name: "local", validators: 4 }] },
      ["sites[0].kind: got nothing, allowed: local, ssh, aws, gcp, azure, kubernetes"],
    ],
    [
      "a site that is no map",
      { ...localNetwork, sites: ["local"] },
      ['sites[0]: got "local", allowed: fields name, kind, validators'],
    ],
    [
      "no sites",
      { ...localNetwork, sites: [] },
      ["sites: got 0 entries, allowed: 1 to 50 entries"],
    ],
    [
      "sites as a map",
      { ...localNetwork, sites: { local: localSite } },
      [
        'sites: got {"local":{"name":"local","kind":"local","validators":4}}, allowed: a list of 1 to 50 entries',
      ],
    ],
    [
      "a field of another kind of site",
      { ...localNetwork, sites: [{ ...localSite, region: "us-east-1" }] },
      [
        'sites[0]: got the unknown field "region", allowed: name, kind, validators, fullNodes, ports',
      ],
    ],
    [
      "half a validator",
      { ...localNetwork, sites: [{ ...localSite, validators: 4.5 }] },
      ["sites[0].validators: got 4.5, allowed: an integer from 0 to 100"],
    ],
    [
      "a count as a text",
      { ...localNetwork, sites: [{ ...localSite, fullNodes: "2" }] },
      ['sites[0].fullNodes: got "2", allowed: an integer from 0 to 100'],
    ],
    [
      "a port that needs root",
      { ...localNetwork, sites: [{ ...localSite, ports: { api: 80 } }] },
      ["sites[0].ports.api: got 80, allowed: an integer from 1024 to 65535"],
    ],
    [
      "a site name that makes node names too long",
      { ...localNetwork, sites: [{ ...localSite, name: "a".repeat(33) }] },
      [
        `sites[0].name: got "${"a".repeat(33)}", allowed: 1 to 32 lower-case letters, digits and hyphens, starting with a letter, with no hyphen at the end`,
      ],
    ],
    [
      "an interval without unit",
      { ...localNetwork, consensus: { blockInterval: 2 } },
      [
        "consensus.blockInterval: got 2, allowed: a duration such as 500ms, 2s or 1m; put the value in quotes",
      ],
    ],
    [
      "a block that fits no message",
      { ...localNetwork, consensus: { maxBlockBytes: 4_194_304 } },
      ["consensus.maxBlockBytes: got 4194304, allowed: an integer from 65536 to 4128768"],
    ],
    [
      "an empty key",
      { ...localNetwork, access: null },
      ["access: got nothing, allowed: fields api, admin"],
    ],
    [
      "the same range twice",
      { ...localNetwork, access: { api: ["10.0.0.0/8", "10.0.0.0/8"] } },
      ['access.api[1]: got "10.0.0.0/8", as in access.api[0]; remove one of them'],
    ],
    [
      "a yes that is a text",
      { ...localNetwork, reset: "yes" },
      ['reset: got "yes", allowed: true or false'],
    ],
    [
      "a long value is cut",
      { ...localNetwork, chainId: "x".repeat(200) },
      [
        `chainId: got "${"x".repeat(76)}..., allowed: 1 to 63 lower-case letters, digits and hyphens, with no hyphen at either end`,
      ],
    ],
  ];
  for (const [name, value, problems] of cases)
    test(name, () => assert.deepEqual(problemsOf(value), problems));
});
