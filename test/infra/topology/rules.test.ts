/**
 * Proves: every rule about fields together but for those about places, with its exact message.
 * Does not prove: that a cloud accepts what is described.
 */
import assert from "node:assert/strict";
import { suite, test } from "node:test";
import {
  federation,
  hosts,
  localNetwork,
  localSite,
  otherPublicKey,
  problemsOf,
  publicKey,
  today,
  warningsOf,
} from "./descriptions.ts";

const external = { name: "acme", publicKey, p2pAddress: "/dns4/v.acme.example/tcp/9000" };
const rack = { name: "rack", kind: "ssh", hosts: [{ address: "10.0.0.1" }], validators: 1 };

suite("rules", () => {
  const withSites = (...sites: object[]) => ({ ...localNetwork, sites });
  const local = (fields: object) => withSites({ ...localSite, ...fields });
  const consensus = (fields: object) => ({ ...localNetwork, consensus: fields });
  const cases: readonly [name: string, value: unknown, problems: readonly string[]][] = [
    ["one validator on a devnet", local({ validators: 1 }), []],
    ["a hundred validators", local({ validators: 100 }), []],
    [
      "three validators",
      local({ validators: 3 }),
      [
        "sites: got 3 validators in all, allowed on a devnet: 1, or 4 and more; 4 survive one fault, fewer survive none",
      ],
    ],
    [
      "one validator on a mainnet",
      { ...withSites(rack), purpose: "mainnet" },
      [
        "sites: got 1 validator in all, allowed on a mainnet: 4 and more; 4 survive one fault, fewer survive none",
      ],
    ],
    [
      "full nodes alone",
      local({ validators: 0, fullNodes: 1 }),
      [
        "sites: got 0 validators in all, allowed on a devnet: 1, or 4 and more; 4 survive one fault, fewer survive none",
      ],
    ],
    [
      "more validators than votes can be counted for",
      withSites(localSite, {
        ...localSite,
        name: "other",
        validators: 97,
        ports: { api: 18_080, p2p: 19_000, internal: 19_200 },
      }),
      [
        "sites: got 101 validators in all, allowed: at most 100; more readers are better served by fullNodes",
      ],
    ],
    [
      "an empty site",
      withSites(
        { ...rack, validators: 0 },
        { ...rack, name: "b", hosts: hosts(4, 4), validators: 4 },
      ),
      [
        "sites[0]: got no validators and no full nodes, allowed: at least one node; remove the site or raise [validators]",
      ],
    ],
    [
      "two sites of one name, which share ports as well",
      withSites(localSite, { ...localSite, ports: { api: 8180, p2p: 9100, internal: 9300 } }),
      ['sites[1].name: got "local", as in [sites[0].name]; change one of them'],
    ],
    [
      "fewer hosts than nodes",
      withSites({ ...rack, validators: 4, fullNodes: 1 }),
      ["sites[0].hosts: got 1 for 5 nodes, allowed: one host per node; add 4"],
    ],
    [
      "one host in two sites",
      withSites(
        { ...rack, hosts: hosts(1, 4), validators: 4 },
        { ...rack, name: "b", hosts: hosts(4, 1), validators: 1 },
      ),
      [
        'sites[1].hosts[0].address: got "10.0.0.4", as in [sites[0].hosts[3].address]; change one of them',
      ],
    ],
    [
      "loopback beside the internet",
      withSites(localSite, rack),
      [
        'sites[0].kind: got "local" together with [sites[1]], allowed: local sites among themselves, because their nodes listen on loopback and nobody else reaches them; use kind ssh for this machine',
      ],
    ],
    [
      "loopback with a validator elsewhere",
      { ...localNetwork, external: [external] },
      [
        'sites[0].kind: got "local" together with [external], allowed: local sites among themselves, because their nodes listen on loopback and nobody else reaches them; use kind ssh for this machine',
      ],
    ],
    [
      "interval below the least",
      consensus({ blockInterval: "49ms" }),
      ['consensus.blockInterval: got "49ms", allowed: 50ms to 1m'],
    ],
    ["the least interval", consensus({ blockInterval: "50ms" }), []],
    [
      "interval above the most",
      consensus({ blockInterval: "61s", nullifyRetry: "20m" }),
      [
        'consensus.blockInterval: got "61s", allowed: 50ms to 1m',
        'consensus.nullifyRetry: got "20m", allowed: 100ms to 10m',
      ],
    ],
    [
      "a leader without time to wait for the interval",
      consensus({ leaderTimeout: "2s" }),
      [
        'consensus.leaderTimeout: got "2s", allowed: more than [blockInterval], which is 2s; raise it or leave it out',
      ],
    ],
    [
      "certification before the proposal",
      consensus({ leaderTimeout: "3s", certificationTimeout: "2500ms" }),
      [
        'consensus.certificationTimeout: got "2500ms", allowed: more than [leaderTimeout], which is 3s; raise it or leave it out',
      ],
    ],
    [
      "an expired network",
      { ...localNetwork, budget: { expires: "2026-06-14" } },
      [
        'budget.expires: got "2026-06-14", allowed: 2026-06-15 or later; move the date or take the network down',
      ],
    ],
    ["a network that expires today", { ...localNetwork, budget: { expires: today } }, []],
    [
      "a day that does not exist",
      { ...localNetwork, budget: { expires: "2027-02-30" } },
      ['budget.expires: got "2027-02-30", allowed: a day of the calendar; correct it'],
    ],
    [
      "a month that does not exist",
      { ...localNetwork, budget: { expires: "2027-13-01" } },
      ['budget.expires: got "2027-13-01", allowed: a day of the calendar; correct it'],
    ],
    [
      "administration from anywhere",
      { ...localNetwork, access: { admin: ["0.0.0.0/0", "::/0"] } },
      ["0.0.0.0/0", "::/0"].map(
        (range, i) =>
          `access.admin[${i}]: got "${range}", allowed: not the whole internet; name the addresses of the operators, such as 198.51.100.7/32`,
      ),
    ],
    ["the API from anywhere", { ...localNetwork, access: { api: ["0.0.0.0/0", "::/0"] } }, []],
    [
      "a range that says less than it covers",
      { ...localNetwork, access: { api: ["198.51.100.7/24"] } },
      [
        'access.api[0]: got "198.51.100.7/24", allowed: the first address of the range, so that it says what it covers, such as 198.51.100.0/24',
      ],
    ],
    [
      "a range of no addresses",
      { ...localNetwork, access: { api: ["300.0.0.0/8"] } },
      [
        'access.api[0]: got "300.0.0.0/8", allowed: an address range such as 203.0.113.0/24 or 2001:db8::/32',
      ],
    ],
    [
      "an external validator twice",
      { ...federation, external: [external, external] },
      [
        'external[1]: got {"name":"acme","publicKey":"d75a980182b10ab7d54bfed3c964073a0ee172f3daa62325a..., as in external[0]; remove one of them',
      ],
    ],
    [
      "an external validator with the key and address of another and the name of a node",
      { ...federation, external: [external, { ...external, name: "virginia-validator-1" }] },
      [
        'external[1].name: got "virginia-validator-1", which is a node of [sites]; rename it',
        `external[1].publicKey: got "${publicKey}", as in [external[0].publicKey]; change one of them`,
        'external[1].p2pAddress: got "/dns4/v.acme.example/tcp/9000", as in [external[0].p2pAddress]; change one of them',
      ],
    ],
    [
      "an external validator whose key verifies anything",
      {
        ...federation,
        external: [
          { ...external, publicKey: `01${"00".repeat(31)}`, p2pAddress: "/ip4/203.0.113.7/tcp/0" },
        ],
      },
      [
        `external[0].publicKey: got the public key 01${"00".repeat(31)}, which is of small order; ask its operator for the line that guts-node keygen prints`,
        "external[0].p2pAddress: got port 0, allowed: 1 to 65535",
      ],
    ],
    [
      "two external validators",
      {
        ...federation,
        external: [
          external,
          { name: "other", publicKey: otherPublicKey, p2pAddress: "/ip6/2001:db8::1/tcp/9000" },
        ],
      },
      [],
    ],
  ];
  for (const [name, value, problems] of cases)
    test(name, () => assert.deepEqual(problemsOf(value), problems));

  test("all rules are reported together", () => {
    const value = {
      ...local({ validators: 2 }),
      consensus: { blockInterval: "10ms" },
      budget: { expires: "2020-01-01" },
    };
    assert.deepEqual(
      problemsOf(value).map((line) => line.split(":")[0]),
      ["sites", "consensus.blockInterval", "budget.expires"],
    );
  });
});

suite("warnings", () => {
  test("validators that add no safety", () => {
    const sites = [{ ...localSite, validators: 6 }];
    assert.deepEqual(warningsOf({ ...localNetwork, sites }), [
      "sites: got 6 validators, which survive no more faults than 4 do (1), recommended: 4 or 7",
    ]);
  });

  test("no recommendation beyond a hundred", () => {
    const sites = [{ ...localSite, validators: 100 }];
    assert.deepEqual(warningsOf({ ...localNetwork, sites }), []);
  });

  for (const validators of [1, 4, 7, 10])
    test(`none for ${validators}`, () =>
      assert.deepEqual(warningsOf({ ...localNetwork, sites: [{ ...localSite, validators }] }), []));
});
