/**
 * Proves: defaults, every rule about single fields and about fields together with its exact message,
 * all problems at once, and what this version refuses as not available.
 * Does not prove: that a cloud accepts what is described, or that ports are free on a machine.
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
  otherPublicKey,
  parsed,
  problemsOf,
  publicKey,
  today,
  warningsOf,
} from "./descriptions.ts";

const external = { name: "acme", publicKey, p2pAddress: "/dns4/v.acme.example/tcp/9000" };
const rack = { name: "rack", kind: "ssh", hosts: [{ address: "10.0.0.1" }], validators: 1 };
const clouds = federation.sites;

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

function hosts(first: number, count: number) {
  return Array.from({ length: count }, (_, i) => ({ address: `10.0.0.${first + i}` }));
}
