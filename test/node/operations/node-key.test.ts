/**
 * Proves: where a key may come from, that files readable by others are refused, and that no message
 * repeats a key. Does not prove that systemd hands credentials over.
 */
import assert from "node:assert/strict";
import {
  chmodSync,
  mkdtempSync,
  readdirSync,
  readFileSync,
  rmSync,
  statSync,
  writeFileSync,
} from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { suite, test, type TestContext } from "node:test";
import { toHex } from "../../../node/formats/bytes.ts";
import { defaultSettings, type NodeSettings } from "../../../node/formats/configuration.ts";
import { SigningKey } from "../../../node/formats/ed25519.ts";
import { encodeKeyFile } from "../../../node/formats/keys.ts";
import { ExitError } from "../../../node/operations/exit.ts";
import { createKeyFile, loadNodeKey, readKeyFile } from "../../../node/operations/node-key.ts";

const key = new SigningKey(new Uint8Array(32).fill(9));
const hex = toHex(key.seed());

function directory(context: TestContext): string {
  const path = mkdtempSync(join(tmpdir(), "guts-key-"));
  context.after(() => rmSync(path, { recursive: true }));
  return path;
}

function load(
  changes: Partial<NodeSettings>,
  purpose: "devnet" | "mainnet" = "devnet",
  environment = {},
) {
  return loadNodeKey({ settings: { ...defaultSettings(), ...changes }, purpose, environment });
}

function refused(action: () => unknown, message: RegExp): void {
  assert.throws(action, (error) => {
    assert.ok(error instanceof ExitError);
    assert.equal(error.exitCode, 4);
    assert.match(error.message, message);
    assert.ok(!error.message.includes(hex));
    return true;
  });
}

suite("the key of a node", () => {
  test("a full node makes node.key, mode 0600, once", (context) => {
    const dataDir = directory(context);
    const first = load({ dataDir });
    const path = join(dataDir, "node.key");
    assert.equal(statSync(path).mode & 0o777, 0o600);
    assert.deepEqual(readdirSync(dataDir), ["node.key"]);
    assert.deepEqual(load({ dataDir }).key.publicKey, first.key.publicKey);
  });

  test("a validator without a key is refused", (context) => {
    refused(
      () => load({ dataDir: directory(context), consensusEnabled: true }),
      /guts-node keygen/,
    );
  });

  test("private-key-file and key-source file: read it", (context) => {
    const path = join(directory(context), "a.key");
    createKeyFile(path, key);
    assert.deepEqual(load({ privateKeyFile: path }).key.publicKey, key.publicKey);
    assert.deepEqual(load({ keySource: `file:${path}` }).key.publicKey, key.publicKey);
  });

  test("key-source systemd: reads the credential", (context) => {
    const path = directory(context);
    writeFileSync(join(path, "node-key"), encodeKeyFile(key), { mode: 0o440 });
    const environment = { CREDENTIALS_DIRECTORY: path };
    const loaded = load({ keySource: "systemd:node-key" }, "mainnet", environment);
    assert.deepEqual(loaded.key.publicKey, key.publicKey);
    refused(() => load({ keySource: "systemd:node-key" }), /LoadCredential=node-key/);
  });

  test("private-key works with a warning, and not on a mainnet", () => {
    const loaded = load({ privateKey: hex });
    assert.deepEqual(loaded.key.publicKey, key.publicKey);
    assert.match(loaded.warnings.join(), /process arguments/);
    refused(() => load({ privateKey: hex }, "mainnet"), /refused on a mainnet/);
  });

  test("a file that others may read is refused", (context) => {
    const path = join(directory(context), "a.key");
    createKeyFile(path, key);
    for (const mode of [0o640, 0o604, 0o660]) {
      chmodSync(path, mode);
      refused(() => readKeyFile(path), new RegExp(`has mode 0${mode.toString(8)}`));
    }
    chmodSync(path, 0o400);
    assert.deepEqual(readKeyFile(path).publicKey, key.publicKey);
  });

  test("a damaged file is refused without its content", (context) => {
    const path = join(directory(context), "a.key");
    writeFileSync(path, `${hex}00`, { mode: 0o600 });
    refused(() => readKeyFile(path), /got a key of 66 characters/);
  });

  test("a key file is never replaced", (context) => {
    const path = join(directory(context), "a.key");
    createKeyFile(path, key);
    refused(() => createKeyFile(path), /a key is never replaced/);
    assert.equal(readFileSync(path, "utf8"), encodeKeyFile(key));
  });
});
