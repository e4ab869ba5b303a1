/**
 * Proves: which source of a setting wins, that mistakes are collected with the nearest name, and
 * that settings which contradict each other are refused. Does not prove what the settings do.
 */
import assert from "node:assert/strict";
import { mkdtempSync, rmSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { suite, test, type TestContext } from "node:test";
import { loadSettings } from "../../../node/operations/load-settings.ts";
import { editDistance, nearest } from "../../../node/operations/suggest.ts";

function file(context: TestContext, text: string): string {
  const directory = mkdtempSync(join(tmpdir(), "guts-settings-"));
  context.after(() => rmSync(directory, { recursive: true }));
  const path = join(directory, "node.yaml");
  writeFileSync(path, text);
  return path;
}

const reasons = (args: string[], environment = {}) =>
  loadSettings(args, environment).problems.map(({ name, reason }) => `${name}: ${reason}`);

suite("sources", () => {
  test("flag beats environment beats file beats default", (context) => {
    const path = file(
      context,
      "api-addr: 127.0.0.1:1\ninternal-addr: 127.0.0.1:1001\np2p-addr: 127.0.0.1:1002\n",
    );
    const { settings, sources, problems } = loadSettings(
      ["--config", path, "--api-addr", "127.0.0.1:3"],
      { GUTS_API_ADDR: "127.0.0.1:2", GUTS_INTERNAL_ADDR: "127.0.0.1:2002", PATH: "/bin" },
    );
    assert.deepEqual(problems, []);
    assert.equal(settings.apiAddr, "127.0.0.1:3");
    assert.equal(settings.internalAddr, "127.0.0.1:2002");
    assert.equal(settings.p2pAddr, "127.0.0.1:1002");
    assert.equal(settings.dataDir, "./data");
    assert.equal(sources["api-addr"], "flag --api-addr");
    assert.equal(sources["internal-addr"], "environment GUTS_INTERNAL_ADDR");
    assert.equal(sources["p2p-addr"], `file ${path}, p2p-addr`);
    assert.equal(sources["data-dir"], "default");
  });

  test("GUTS_CONFIG names the file, --config wins over it", (context) => {
    const one = file(context, "log-level: warn\n");
    const other = file(context, "log-level: error\n");
    assert.equal(loadSettings([], { GUTS_CONFIG: one }).settings.logLevel, "warn");
    const both = loadSettings([`--config=${other}`], { GUTS_CONFIG: one });
    assert.equal(both.settings.logLevel, "error");
  });

  test("the command lines of the operator guide", () => {
    const full = ["--api-addr", "0.0.0.0:8080", "--p2p-addr", "0.0.0.0:9000"];
    assert.deepEqual(reasons(full), []);
    const validator = loadSettings(
      [
        ...full,
        "--private-key",
        "ab".repeat(32),
        "--consensus-enabled",
        "--consensus-use-simplex-bft",
        "--genesis-file",
        "genesis.json",
      ],
      {},
    );
    assert.deepEqual(validator.problems, []);
    assert.equal(validator.settings.consensusEnabled, true);
    assert.equal(validator.settings.consensusUseSimplexBft, true);
    assert.equal(validator.settings.genesisFile, "genesis.json");
  });

  test("a repeated list grows, anything else given twice is a mistake", () => {
    const { settings } = loadSettings(["--bootstrap", "a@b:1,c@d:2", "--bootstrap", "e@f:3"], {});
    assert.deepEqual(settings.bootstrap, ["a@b:1", "c@d:2", "e@f:3"]);
    assert.deepEqual(reasons(["--log-level", "info", "--log-level", "warn"]), [
      "flag --log-level: given twice, allowed: once",
    ]);
  });

  test("a boolean flag takes a value when one follows", () => {
    const { settings } = loadSettings(["--p2p-quic", "false", "--consensus-enabled"], {});
    assert.equal(settings.p2pQuic, false);
    assert.equal(settings.consensusEnabled, true);
  });
});

suite("mistakes", () => {
  test("are collected, with the nearest name", (context) => {
    const path = file(context, "rate-limt: 3\nlog-level: loud\n");
    assert.deepEqual(reasons(["--config", path, "--api-adr", "x", "--quux", "--data-dir"]), [
      "flag --data-dir: got no value, allowed: one",
      `file ${path}, rate-limt: unknown setting rate-limt; did you mean rate-limit?`,
      `file ${path}, log-level: got "loud", allowed: fatal, error, warn, info, debug, trace`,
      "flag --api-adr: unknown setting api-adr; did you mean api-addr?",
      "flag --quux: unknown setting quux; see guts-node help for the settings there are",
    ]);
  });

  test("a variable one slip from a setting is a mistake, others are told", () => {
    const { problems, warnings } = loadSettings([], {
      GUTS_API_ADRR: "x",
      GUTS_SERVICE_HOST: "10.0.0.1",
    });
    assert.deepEqual(problems, [
      {
        name: "environment GUTS_API_ADRR",
        reason: "unknown setting; did you mean GUTS_API_ADDR?",
      },
    ]);
    assert.equal(warnings.length, 1);
  });

  test("a stray argument is not repeated, because it may be a key", () => {
    const key = "ab".repeat(32);
    assert.ok(!JSON.stringify(loadSettings([key], {}).problems).includes(key));
  });

  test("a file that is not there, or no map", (context) => {
    assert.match(reasons(["--config", "/nowhere/x.yaml"])[0] ?? "", /ENOENT/);
    assert.match(reasons(["--config", file(context, "- a")])[0] ?? "", /no map at the top/);
  });
});

suite("settings that contradict each other", () => {
  const cases: [string, string[], RegExp][] = [
    ["another engine", ["--consensus-use-simplex-bft", "false"], /Simplex BFT is the only/],
    ["genesis by URL without its hash", ["--genesis-url", "http://x/g"], /got no genesis-hash/],
    [
      "a validator with a genesis by URL",
      ["--genesis-url", "http://x/g", "--genesis-hash", "ab".repeat(32), "--consensus-enabled"],
      /got a URL for a validator/,
    ],
    ["a public internal address", ["--internal-addr", "0.0.0.0:9090"], /internal-addr-public/],
    ["an address twice", ["--api-addr", "0.0.0.0:9000"], /clashes with api-addr 0.0.0.0:9000/],
    [
      "two places for the key",
      ["--private-key-file", "a", "--key-source", "file:b"],
      /got private-key-file and key-source/,
    ],
    [
      "open writes for everybody",
      ["--open-writes", "loopback", "--devnet-account-key-file", "k", "--api-addr", "0.0.0.0:8080"],
      /allowed: only with a loopback api-addr/,
    ],
    ["open writes without a key", ["--open-writes", "loopback"], /no devnet-account-key-file/],
  ];
  for (const [what, args, reason] of cases)
    test(what, () => assert.match(reasons(args).join("\n"), reason));

  test("private internal addresses and loopback writes are fine", () => {
    for (const host of [
      "10.1.2.3",
      "172.20.0.1",
      "192.168.1.1",
      "100.64.0.1",
      "[fd00::1]",
      "[::1]",
    ])
      assert.deepEqual(reasons(["--internal-addr", `${host}:9090`]), [], host);
    for (const host of ["172.32.0.1", "8.8.8.8", "[2001:db8::1]", "example.org"])
      assert.equal(reasons(["--internal-addr", `${host}:9090`]).length, 1, host);
    const writes = ["--open-writes", "loopback", "--devnet-account-key-file", "k"];
    for (const host of ["127.0.0.1", "[::1]", "localhost", "127.9.9.9"])
      assert.deepEqual(reasons([...writes, "--api-addr", `${host}:8080`]), [], host);
  });
});

test("the nearest name counts swapped neighbours as one slip", () => {
  assert.equal(editDistance("api-addr", "api-adrd"), 1);
  assert.equal(editDistance("", "abc"), 3);
  assert.equal(nearest("genesis-fil", ["genesis-file", "genesis-url"]), "genesis-file");
  assert.equal(nearest("zzz", ["api-addr"]), undefined);
});
