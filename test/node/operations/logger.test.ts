/**
 * Proves: private keys do not reach the log by name, by shape or by value, in either format, and
 * public values stay readable. Does not prove it for a secret of another shape under an innocent name.
 */
import assert from "node:assert/strict";
import { generateKeyPairSync } from "node:crypto";
import { suite, test } from "node:test";
import { createLogs } from "../../../node/operations/logger.ts";
import { Redactor } from "../../../node/operations/redact.ts";

const hex = "3f".repeat(32);
const other = "7c".repeat(32);

async function logged(
  write: (logger: Awaited<ReturnType<typeof createLogs>>) => void,
  format = "json",
) {
  const lines: string[] = [];
  const logs = await createLogs({ logLevel: "info", logFormat: format as "json" }, (line) =>
    lines.push(line),
  );
  write(logs);
  return lines.join("");
}

suite("secrets", () => {
  const hidden: [string, object, string][] = [
    ["under a secret name", { privateKey: "short" }, "hello"],
    ["under a secret name with dashes", { "private-key": "short" }, "hello"],
    ["nested under a secret name", { settings: { nodePrivateKey: "short" } }, "hello"],
    ["an object under a secret name", { secret: { value: "short" } }, "hello"],
    ["a password", { password: "short" }, "hello"],
    ["an authorization header", { headers: { authorization: "short" } }, "hello"],
    ["a quoted value", { token: 'a"short' }, "hello"],
  ];
  for (const [what, fields, message] of hidden)
    test(what, async () => {
      const text = await logged(({ logger }) => logger.info(fields, message));
      assert.ok(!text.includes("short"), text);
      assert.ok(text.includes("[redacted]") && text.includes("hello"));
    });

  test("by shape: 32 bytes in hexadecimal without a public name", async () => {
    for (const format of ["json", "pretty"]) {
      const text = await logged(({ logger }) => {
        logger.info({ value: hex }, `read ${hex} from the file`);
        logger.error({ err: new Error(`cannot use ${hex}`) }, "failed");
        logger.info([hex, hex]);
      }, format);
      assert.ok(!text.includes(hex), text);
    }
  });

  test("by shape: PEM", async () => {
    const { privateKey } = generateKeyPairSync("ed25519");
    const pem = privateKey.export({ type: "pkcs8", format: "pem" }) as string;
    const text = await logged(({ logger }) => logger.info({ value: pem }, pem));
    assert.ok(!text.includes(pem.split("\n")[1] as string), text);
  });

  test("by value, in hexadecimal and base64, even under a public name", async () => {
    const secret = new Uint8Array(32).fill(0xfb);
    const forms = (["hex", "base64", "base64url"] as const).map((encoding) =>
      Buffer.from(secret).toString(encoding),
    );
    const text = await logged(({ logger, redactor }) => {
      redactor.learn(secret);
      for (const form of forms) logger.info({ digest: form }, form);
    });
    for (const form of forms) assert.ok(!text.includes(form.replace(/=+$/, "")), form);
  });
});

suite("public values", () => {
  test("stay under names that say what they are", async () => {
    const names = ["publicKey", "digest", "peer", "genesisHash", "stateRoot", "signer", "block"];
    for (const name of names) {
      const text = await logged(({ logger }) => logger.info({ [name]: hex }, "x"));
      assert.ok(text.includes(hex), name);
    }
    const text = await logged(({ logger }) =>
      logger.info({ peers: [hex, other] }, `public key ${hex}, block ${other}`),
    );
    assert.equal(text.split(hex).length - 1, 2, text);
    assert.equal(text.split(other).length - 1, 2, text);
  });

  test("a longer or shorter run of digits is no key", () => {
    const redactor = new Redactor();
    assert.equal(redactor.redact("a".repeat(63)), "a".repeat(63));
    assert.equal(redactor.redact("a".repeat(128)), "a".repeat(128));
  });
});

test("the level decides what is written, one JSON object per line", async () => {
  const text = await logged(({ logger }) => {
    logger.debug("no");
    logger.warn({ part: "x" }, "yes");
  });
  const { level, part, msg, time } = JSON.parse(text) as Record<string, string>;
  assert.deepEqual([level, part, msg], ["warn", "x", "yes"]);
  assert.match(time ?? "", /^\d{4}-\d\d-\d\dT.*Z$/);
});
