/**
 * Proves: the table of settings is consistent, values are read and refused as it says, and a
 * written configuration file reads back to the same settings. Does not prove that a setting has an
 * effect; the tests of the parts do.
 */
import assert from "node:assert/strict";
import { suite, test } from "node:test";
import {
  defaultSettings,
  environmentNameOf,
  formatAddress,
  type NodeSettings,
  parseAddress,
  parseConfigurationText,
  parseSetting,
  propertyOf,
  renderConfiguration,
  type SettingDefinition,
  settingNamed,
  settings,
} from "../../../node/formats/configuration.ts";

const table: readonly SettingDefinition[] = settings;
const setting = (name: string) => settingNamed(name) as SettingDefinition;
const read = (name: string, got: unknown) => parseSetting(setting(name), got);

suite("the table of settings", () => {
  test("names are unique in every form", () => {
    for (const form of [
      (name: string) => name,
      environmentNameOf,
      (name: string) => propertyOf(name as (typeof settings)[number]["name"]),
    ])
      assert.equal(new Set(table.map(({ name }) => form(name))).size, table.length);
    assert.equal(propertyOf("p2p-addr"), "p2pAddr");
    assert.equal(environmentNameOf("private-key-file"), "GUTS_PRIVATE_KEY_FILE");
  });

  test("every default and every example is a value the setting takes", () => {
    for (const definition of table) {
      const written =
        definition.type === "duration" && definition.default !== undefined
          ? `${String(definition.default)}ms`
          : definition.default;
      for (const value of [written, definition.secret ? "ab".repeat(32) : definition.example])
        if (value !== undefined)
          assert.ok("value" in parseSetting(definition, value), `${definition.name}: ${value}`);
      assert.ok(definition.help.length > 10);
    }
  });

  test("defaults are those of the table", () => {
    const defaults = defaultSettings();
    assert.equal(defaults.apiAddr, "127.0.0.1:8080");
    assert.equal(defaults.requestTimeout, 30_000);
    assert.equal(defaults.genesisFile, undefined);
    assert.equal(Object.keys(defaults).length, table.length);
  });
});

suite("values", () => {
  const good: [string, unknown, unknown][] = [
    ["p2p-quic", "false", false],
    ["p2p-quic", true, true],
    ["rate-limit", "0", 0],
    ["rate-limit", 5, 5],
    ["write-timeout", "1500ms", 1500],
    ["write-timeout", "2s", 2000],
    ["write-timeout", "1m", 60_000],
    ["bootstrap", "a@b:1, c@d:2", ["a@b:1", "c@d:2"]],
    ["bootstrap", ["a@b:1"], ["a@b:1"]],
    ["api-addr", "[::1]:8080", "[::1]:8080"],
    ["open-writes", "loopback", "loopback"],
    ["key-source", "systemd:node-key", "systemd:node-key"],
  ];
  for (const [name, got, value] of good)
    test(`${name} takes ${JSON.stringify(got)}`, () =>
      assert.deepEqual(read(name, got), { value }));

  const bad: [string, unknown, string][] = [
    ["p2p-quic", "yes", 'got "yes", allowed: true or false'],
    ["rate-limit", "-1", 'got "-1", allowed: an integer from 0 to 1000000'],
    ["rate-limit", 1.5, "got 1.5, allowed: an integer from 0 to 1000000"],
    ["rate-limit", "0x10", 'got "0x10", allowed: an integer from 0 to 1000000'],
    ["block-time", 2000, "got 2000, allowed: a time from 50ms to 600000ms such as 500ms, 2s or 1m"],
    [
      "block-time",
      "1ms",
      'got "1ms", allowed: a time from 50ms to 600000ms such as 500ms, 2s or 1m',
    ],
    ["api-addr", "8080", 'got "8080", allowed: host:port such as 0.0.0.0:8080'],
    [
      "api-addr",
      "127.0.0.1:70000",
      'got "127.0.0.1:70000", allowed: host:port such as 0.0.0.0:8080',
    ],
    ["log-level", "loud", 'got "loud", allowed: fatal, error, warn, info, debug, trace'],
    ["data-dir", "", 'got "", allowed: a text'],
    ["bootstrap", "a,,b", 'got "a,,b", allowed: a list of texts'],
    ["key-source", "vault:x", 'got "vault:x", allowed: file:<path> or systemd:<credential name>'],
  ];
  for (const [name, got, problem] of bad)
    test(`${name} refuses ${JSON.stringify(got)}`, () =>
      assert.deepEqual(read(name, got), { problem }));

  test("a refused secret is not repeated", () => {
    const almost = `${"ab".repeat(31)}zz`;
    const parsed = read("private-key", almost);
    assert.ok("problem" in parsed && !parsed.problem.includes("abab"));
  });

  test("addresses are read and written", () => {
    for (const text of ["127.0.0.1:80", "example.org:443", "[2001:db8::1]:9000"])
      assert.equal(formatAddress(parseAddress(text)!), text);
    for (const text of ["", "host", "host:", ":80", "::1:80", "host:99999", "a b:1"])
      assert.equal(parseAddress(text), undefined, text);
  });
});

suite("configuration files", () => {
  const values: Partial<NodeSettings> = {
    openWrites: "loopback",
    apiAddr: "127.0.0.1:8080",
    blockTime: 2000,
    bootstrap: ["a@b:1", "c@d:2"],
    consensusEnabled: true,
    rateLimit: 0,
  };

  test("what is written reads back, in the order of the table", () => {
    const text = renderConfiguration(values);
    assert.equal(
      text,
      "api-addr: 127.0.0.1:8080\nbootstrap:\n  - a@b:1\n  - c@d:2\nconsensus-enabled: true\nblock-time: 2000ms\nopen-writes: loopback\nrate-limit: 0\n",
    );
    for (const [name, got] of Object.entries(parseConfigurationText(text))) {
      const property = propertyOf(setting(name).name as (typeof settings)[number]["name"]);
      assert.deepEqual(read(name, got), { value: values[property] });
    }
  });

  test("secrets, unknown settings and values the node would refuse are not written", () => {
    assert.throws(() => renderConfiguration({ privateKey: "ab".repeat(32) }), /private-key/);
    assert.throws(() => renderConfiguration({ rateLimit: -1 }), /rate-limit: got -1/);
    assert.throws(() => renderConfiguration({ other: 1 } as never), /got the setting other/);
  });

  test("only a map of settings is a configuration", () => {
    assert.deepEqual(parseConfigurationText(""), {});
    assert.throws(() => parseConfigurationText("- a"), /no map at the top/);
    assert.throws(() => parseConfigurationText("a: 1\na: 2"), /not YAML: Map keys must be unique/);
    assert.throws(() => parseConfigurationText("a: [1"), /not YAML/);
  });
});
