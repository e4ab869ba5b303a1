import { chmod, rename, rm, stat } from "node:fs/promises";
import { join } from "node:path";
import { Type } from "@sinclair/typebox";
import { Value } from "@sinclair/typebox/value";
import { toHex } from "../../../node/formats/bytes.ts";
import { SigningKey } from "../../../node/formats/ed25519.ts";
import { decodeKeyFile, encodeKeyFile } from "../../../node/formats/keys.ts";
import { ProviderError, storageError } from "../errors.ts";
import { makeDirectory, readText, syncDirectory, writeAtomically, writeDurably } from "../files.ts";

/** The record beside a key file: whose it is, without its secret. */
const recordSchema = Type.Object({
  format: Type.Literal(1),
  network: Type.String(),
  publicKey: Type.String({ pattern: "^[0-9a-f]{64}$" }),
});

export type KeyInVault =
  { readonly status: "present"; readonly publicKey: Uint8Array } | { readonly status: "missing" };

/** Private keys as files of mode 0600 in a directory of mode 0700. */
export class FileVault {
  readonly #directory: string;

  constructor(directory: string) {
    this.#directory = directory;
  }

  pathOf(keyId: string): string {
    return join(this.#directory, `${keyId}.key`);
  }

  /** The key as it is; its file mode is set right if others could read it. */
  async find(keyId: string): Promise<KeyInVault> {
    const path = this.pathOf(keyId);
    const text = await readText(path);
    if (text === undefined) return { status: "missing" };
    await protect(path);
    return { status: "present", publicKey: parse(path, text).publicKey };
  }

  /**
   * The key of that name, made if the vault never had it. The record is written before the key gets
   * its name, so a record without a key means that the key was lost, except when the finished key
   * still waits under its temporary name.
   *
   * @throws ProviderError when the key belongs to another network or was lost
   */
  async ensure(keyId: string, network: string): Promise<{ publicKey: Uint8Array; made: boolean }> {
    await makeDirectory(this.#directory, 0o700);
    const record = await this.#record(keyId);
    if (record !== undefined && record.network !== network)
      throw new ProviderError(
        `${this.pathOf(keyId)} is the key "${keyId}" of the network "${record.network}", not of "${network}": choose another key id or directory, or move that key away`,
      );
    const found = await this.find(keyId);
    if (found.status === "present") {
      await this.#adopt(keyId, network, found.publicKey, record?.publicKey);
      return { publicKey: found.publicKey, made: false };
    }
    if (record === undefined) return { publicKey: await this.#make(keyId, network), made: true };
    if (!(await this.#finish(keyId, record.publicKey)))
      throw new ProviderError(lostKey(this.pathOf(keyId), record.publicKey));
    return { publicKey: Buffer.from(record.publicKey, "hex"), made: true };
  }

  /** Destroys the key and its record. */
  async forget(keyId: string): Promise<void> {
    for (const path of [this.pathOf(keyId), this.#temporary(keyId), this.#recordPath(keyId)])
      await rm(path, { force: true }).catch((error: unknown) => {
        throw storageError("delete", path, error);
      });
  }

  async #adopt(keyId: string, network: string, publicKey: Uint8Array, recorded?: string) {
    if (recorded === undefined) await this.#writeRecord(keyId, network, publicKey);
    else if (recorded !== toHex(publicKey))
      throw new ProviderError(
        `${this.pathOf(keyId)} holds the key ${toHex(publicKey)}, its record says ${recorded}: put the right key file back`,
      );
  }

  async #make(keyId: string, network: string): Promise<Uint8Array> {
    const key = SigningKey.generate();
    const temporary = this.#temporary(keyId);
    try {
      await writeDurably(temporary, encodeKeyFile(key), 0o600);
    } catch (error) {
      await rm(temporary, { force: true }).catch(() => undefined);
      throw storageError("write", this.pathOf(keyId), error);
    }
    await this.#writeRecord(keyId, network, key.publicKey);
    await this.#finish(keyId, toHex(key.publicKey));
    return key.publicKey;
  }

  /** Gives a finished key its name; false when there is none that fits the record. */
  async #finish(keyId: string, publicKey: string): Promise<boolean> {
    const temporary = this.#temporary(keyId);
    const text = await readText(temporary);
    if (text === undefined || toHex(parse(temporary, text).publicKey) !== publicKey) return false;
    await rename(temporary, this.pathOf(keyId));
    await syncDirectory(this.#directory);
    return true;
  }

  #temporary(keyId: string): string {
    return join(this.#directory, `.${keyId}.key.tmp`);
  }

  #recordPath(keyId: string): string {
    return join(this.#directory, `${keyId}.json`);
  }

  async #record(keyId: string) {
    const path = this.#recordPath(keyId);
    const text = await readText(path);
    if (text === undefined) return undefined;
    let value: unknown;
    try {
      value = JSON.parse(text);
    } catch {
      value = undefined;
    }
    if (!Value.Check(recordSchema, value))
      throw new ProviderError(
        `${path} is not the record of a key: restore it, or delete it to let the key be adopted`,
      );
    return value;
  }

  #writeRecord(keyId: string, network: string, publicKey: Uint8Array): Promise<void> {
    const record = { format: 1, network, publicKey: toHex(publicKey) };
    return writeAtomically(this.#recordPath(keyId), `${JSON.stringify(record)}\n`);
  }
}

export function lostKey(path: string, publicKey: string): string {
  return `the private key of ${publicKey} is gone from ${path}: put the file back from a backup; a new key would be another identity, which needs a new chain`;
}

async function protect(path: string): Promise<void> {
  try {
    const { mode } = await stat(path);
    if ((mode & 0o077) !== 0) await chmod(path, 0o600);
  } catch (error) {
    throw storageError("protect", path, error);
  }
}

function parse(path: string, text: string): SigningKey {
  try {
    return decodeKeyFile(text);
  } catch (error) {
    if (error instanceof RangeError)
      throw new ProviderError(`${path} is not a key file: ${error.message}`);
    throw error;
  }
}
