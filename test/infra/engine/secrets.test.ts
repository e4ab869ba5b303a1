/**
 * Proves: passphrase secrets have Pulumi's format - a salt string that Pulumi wrote opens with its passphrase and no other - and
 * damaged ones are refused.
 *
 * Does not prove: strength of the passphrase or of the primitives, which are Node's.
 */
import assert from "node:assert/strict";
import { mkdtempSync, rmSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { test } from "node:test";
import { newCrypter, openCrypter, passphraseOf } from "../../../infra/engine/secrets.ts";

/** Written by Pulumi 3.265.0 with an empty passphrase. */
const PULUMI_SALT = "v1:g6H8u3UYxjo=:v1:rXhT01NETZRfZHso:NASJRbCtSCvK93PeOWzdbWHufcc1GQ==";

test("a salt string of Pulumi opens with its passphrase", async () => {
  const crypter = await openCrypter("", PULUMI_SALT);
  assert.equal(crypter.salt, PULUMI_SALT);
  assert.equal(crypter.decrypt(PULUMI_SALT.split(":").slice(2).join(":")), "pulumi");
});

test("another passphrase is refused", async () => {
  await assert.rejects(openCrypter("x", PULUMI_SALT), /incorrect passphrase/);
});

test("a salt string of another form is refused", async () => {
  await assert.rejects(openCrypter("", "v2:abc"), /got encryptionsalt "v2:abc", expected v1:/);
});

test("what one crypter seals, another one with the same salt string opens", async () => {
  const made = await newCrypter("päss"),
    opened = await openCrypter("päss", made.salt);
  for (const text of ["", "s", "ünïcode 🚀", "x".repeat(10_000)])
    assert.equal(opened.decrypt(made.encrypt(text)), text);
  assert.notEqual(made.encrypt("s"), made.encrypt("s"), "every encryption has its own nonce");
  assert.match(made.encrypt("s"), /^v1:[A-Za-z0-9+/]{16}:[A-Za-z0-9+/]+=*$/);
});

test("a changed or cut secret is refused", async () => {
  const crypter = await openCrypter("", PULUMI_SALT),
    sealed = crypter.encrypt("text");
  assert.throws(() => crypter.decrypt(sealed.slice(0, -8) + "AAAAAAA="));
  assert.throws(() => crypter.decrypt("v1:AAAA:AAAA"), /shorter than its authentication tag/);
  assert.throws(() => crypter.decrypt("plain"), /only passphrase secrets/);
});

test("the passphrase comes from the environment, empty or from a file", (t) => {
  const directory = mkdtempSync(join(tmpdir(), "passphrase-")),
    file = join(directory, "secret");
  t.after(() => rmSync(directory, { recursive: true }));
  writeFileSync(file, " from file \n");
  assert.equal(passphraseOf({ PULUMI_CONFIG_PASSPHRASE: "" }), "");
  assert.equal(passphraseOf({ PULUMI_CONFIG_PASSPHRASE_FILE: file }), "from file");
  assert.throws(
    () => passphraseOf({}),
    /PULUMI_CONFIG_PASSPHRASE or PULUMI_CONFIG_PASSPHRASE_FILE/,
  );
  assert.throws(
    () => passphraseOf({ PULUMI_CONFIG_PASSPHRASE_FILE: join(directory, "none") }),
    /unable to read/,
  );
});
