/**
 * The passphrase secrets of Pulumi's stack settings and checkpoints.
 *
 * Key: PBKDF2-HMAC-SHA-256, 1,000,000 rounds, 32 bytes. Cipher: AES-256-GCM with a 12-byte nonce, the 16-byte tag behind the
 * ciphertext. A value is `v1:<nonce>:<ciphertext+tag>` in base64; the salt string is `v1:<salt>:` followed by the encrypted word
 * `pulumi`, which proves the passphrase.
 */
import { createCipheriv, createDecipheriv, pbkdf2, randomBytes } from "node:crypto";
import { readFileSync } from "node:fs";
import { promisify } from "node:util";
import { EngineError } from "./errors.ts";

const ROUNDS = 1_000_000,
  KEY_BYTES = 32,
  SALT_BYTES = 8,
  NONCE_BYTES = 12,
  TAG_BYTES = 16;
const PROOF = "pulumi";

/** Encrypts and decrypts texts with the key of one stack. */
export interface Crypter {
  /** The salt string as it stands in stack settings and checkpoint. */
  readonly salt: string;
  encrypt(text: string): string;
  decrypt(sealed: string): string;
}

/**
 * Derives the key of a salt string and proves the passphrase; takes about 0.3 s outside the main thread.
 *
 * @throws EngineError when the passphrase is not the one the salt string was made with
 */
export async function openCrypter(passphrase: string, salt: string): Promise<Crypter> {
  const [version, encoded, ...proof] = salt.split(":");
  if (version !== "v1" || !encoded || proof.length !== 3)
    throw new EngineError(
      `got encryptionsalt ${JSON.stringify(salt)}, expected v1:<salt>:v1:<nonce>:<ciphertext>`,
    );
  const crypter = crypterOf(await deriveKey(passphrase, Buffer.from(encoded, "base64")), salt);
  let word: string | undefined;
  try {
    word = crypter.decrypt(proof.join(":"));
  } catch {
    word = undefined;
  }
  if (word !== PROOF)
    throw new EngineError(
      "incorrect passphrase: set PULUMI_CONFIG_PASSPHRASE or PULUMI_CONFIG_PASSPHRASE_FILE to the one of this stack",
    );
  return crypter;
}

/** A crypter with a fresh salt, for a new stack. */
export async function newCrypter(passphrase: string): Promise<Crypter> {
  const salt = randomBytes(SALT_BYTES),
    key = await deriveKey(passphrase, salt);
  return crypterOf(key, `v1:${salt.toString("base64")}:${seal(key, PROOF)}`);
}

/**
 * The passphrase of the environment: PULUMI_CONFIG_PASSPHRASE (which may be empty), or the trimmed content of the file that
 * PULUMI_CONFIG_PASSPHRASE_FILE names.
 */
export function passphraseOf(env: NodeJS.ProcessEnv): string {
  if (env.PULUMI_CONFIG_PASSPHRASE !== undefined) return env.PULUMI_CONFIG_PASSPHRASE;
  const file = env.PULUMI_CONFIG_PASSPHRASE_FILE;
  if (!file)
    throw new EngineError(
      "passphrase must be set with PULUMI_CONFIG_PASSPHRASE or PULUMI_CONFIG_PASSPHRASE_FILE environment variables",
    );
  try {
    return readFileSync(file, "utf8").trim();
  } catch (error) {
    throw new EngineError(
      `unable to read PULUMI_CONFIG_PASSPHRASE_FILE ${file}: ${(error as Error).message}`,
    );
  }
}

function deriveKey(passphrase: string, salt: Buffer): Promise<Buffer> {
  return promisify(pbkdf2)(passphrase, salt, ROUNDS, KEY_BYTES, "sha256");
}

function crypterOf(key: Buffer, salt: string): Crypter {
  return { salt, encrypt: (text) => seal(key, text), decrypt: (sealed) => open(key, sealed) };
}

function seal(key: Buffer, text: string): string {
  const nonce = randomBytes(NONCE_BYTES),
    cipher = createCipheriv("aes-256-gcm", key, nonce);
  const body = Buffer.concat([cipher.update(text, "utf8"), cipher.final(), cipher.getAuthTag()]);
  return `v1:${nonce.toString("base64")}:${body.toString("base64")}`;
}

function open(key: Buffer, sealed: string): string {
  const [version, nonce, body] = sealed.split(":");
  if (version !== "v1" || nonce === undefined || body === undefined)
    throw new EngineError(
      `got a secret that does not have the form v1:<nonce>:<ciphertext>: only passphrase secrets are supported`,
    );
  const bytes = Buffer.from(body, "base64");
  if (bytes.length < TAG_BYTES)
    throw new EngineError("got a secret shorter than its authentication tag: the value is damaged");
  const decipher = createDecipheriv("aes-256-gcm", key, Buffer.from(nonce, "base64"));
  decipher.setAuthTag(bytes.subarray(-TAG_BYTES));
  return Buffer.concat([decipher.update(bytes.subarray(0, -TAG_BYTES)), decipher.final()]).toString(
    "utf8",
  );
}
