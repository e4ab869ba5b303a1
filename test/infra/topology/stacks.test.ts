/**
 * Proves: every stack file in stacks/ describes a network, forbids default providers, names the schema
 * for editors, and carries a salt that belongs to the empty passphrase.
 * Does not prove: that an engine leaves the file as it is.
 */
import assert from "node:assert/strict";
import { createDecipheriv, pbkdf2Sync } from "node:crypto";
import { existsSync, globSync, readFileSync } from "node:fs";
import { dirname, join, resolve } from "node:path";
import { suite, test } from "node:test";
import { Value } from "@sinclair/typebox/value";
import { parse } from "yaml";
import { stackFileSchema } from "../../../infra/topology/editor-schema.ts";
import { parsed, today } from "./descriptions.ts";

const root = resolve(import.meta.dirname, "../../..");
const files = globSync("stacks/Pulumi.*.yaml", { cwd: root });

interface StackFile {
  readonly config: Readonly<Record<string, unknown>>;
  readonly encryptionsalt: string;
}

test("there is a local stack", () => assert.ok(files.includes("stacks/Pulumi.local.yaml")));

for (const file of files)
  suite(file, () => {
    const text = readFileSync(join(root, file), "utf8");
    const stack = parse(text) as StackFile;

    test("describes a network of this version", () => {
      parsed(stack.config["guts:network"], { today });
      assert.ok(Value.Check(stackFileSchema, stack));
    });

    test("forbids default providers", () => {
      assert.deepEqual(stack.config["pulumi:disable-default-providers"], ["*"]);
    });

    test("names the schema for editors", () => {
      const schema = /^# yaml-language-server: \$schema=(\S+)$/m.exec(text)?.[1] ?? "";
      assert.ok(existsSync(join(root, dirname(file), schema)), schema);
    });

    test("has the salt of the empty passphrase", () => {
      // v1:<salt>:v1:<nonce>:<"pulumi", encrypted, and a tag of 16 bytes>
      const [version, salt = "", inner, nonce = "", sealed = ""] = stack.encryptionsalt.split(":");
      assert.deepEqual([version, inner], ["v1", "v1"]);
      const bytes = Buffer.from(sealed, "base64");
      const key = pbkdf2Sync("", Buffer.from(salt, "base64"), 1_000_000, 32, "sha256");
      const cipher = createDecipheriv("aes-256-gcm", key, Buffer.from(nonce, "base64"));
      cipher.setAuthTag(bytes.subarray(-16));
      const word = Buffer.concat([cipher.update(bytes.subarray(0, -16)), cipher.final()]);
      assert.equal(word.toString(), "pulumi");
    });
  });
