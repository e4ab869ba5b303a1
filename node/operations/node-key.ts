import {
  closeSync,
  fsyncSync,
  linkSync,
  openSync,
  readFileSync,
  rmSync,
  statSync,
  writeSync,
} from "node:fs";
import { join, resolve } from "node:path";
import type { NodeSettings } from "../formats/configuration.ts";
import { SigningKey } from "../formats/ed25519.ts";
import { decodeKeyFile, encodeKeyFile } from "../formats/keys.ts";
import { ExitError } from "./exit.ts";

export interface LoadedKey {
  readonly key: SigningKey;
  /** Where it came from, for the log. */
  readonly source: string;
  readonly warnings: readonly string[];
}

export interface KeyOptions {
  readonly settings: NodeSettings;
  readonly purpose: "devnet" | "testnet" | "mainnet";
  readonly environment: Readonly<Record<string, string | undefined>>;
}

/**
 * Loads the node's key from where the settings say. A full node without one makes it.
 *
 * @throws ExitError `key`, never with the key in its message
 */
export function loadNodeKey({ settings, purpose, environment }: KeyOptions): LoadedKey {
  const { privateKey, keySource } = settings;
  if (privateKey !== undefined) return fromSetting(privateKey, purpose);
  if (keySource?.startsWith("systemd:")) {
    const path = credentialPath(keySource.slice("systemd:".length), environment);
    return { key: decode(path, read(path)), source: keySource, warnings: [] };
  }
  const named = keySource?.slice("file:".length) ?? settings.privateKeyFile;
  const path = named ?? join(settings.dataDir, "node.key");
  if (named === undefined && !settings.consensusEnabled && !exists(path))
    return { key: createKeyFile(path), source: `${path}, made now`, warnings: [] };
  return { key: readKeyFile(path), source: path, warnings: [] };
}

function fromSetting(text: string, purpose: KeyOptions["purpose"]): LoadedKey {
  if (purpose === "mainnet")
    throw new ExitError(
      "key",
      "private-key: refused on a mainnet, because other users of the machine can read it; use private-key-file or key-source",
    );
  const warning =
    "private-key: other users of this machine can read process arguments and this user's environment; use private-key-file";
  return { key: decode("private-key", text), source: "setting private-key", warnings: [warning] };
}

function credentialPath(
  name: string,
  environment: Readonly<Record<string, string | undefined>>,
): string {
  const directory = environment["CREDENTIALS_DIRECTORY"];
  if (directory === undefined)
    throw new ExitError(
      "key",
      `key-source: systemd gave no credentials to this process; add LoadCredential=${name}:<path> to its unit`,
    );
  return join(directory, name);
}

/**
 * Reads a key file that only its owner may read.
 *
 * @throws ExitError `key`
 */
export function readKeyFile(path: string): SigningKey {
  const text = read(path);
  const mode = statSync(path).mode & 0o777;
  if ((mode & 0o077) !== 0)
    throw new ExitError(
      "key",
      `key file ${path} has mode 0${mode.toString(8)}, allowed: 0600 or stricter; run chmod 600 ${path}`,
    );
  return decode(path, text);
}

/**
 * Writes a new key, mode 0600. The file appears with all of its content or not at all, and one
 * that is there is never replaced.
 *
 * @throws ExitError `key` when the file exists or cannot be written
 */
export function createKeyFile(path: string, key = SigningKey.generate()): SigningKey {
  const draft = `${path}.${process.pid}.new`;
  try {
    const file = openSync(draft, "wx", 0o600);
    try {
      writeSync(file, encodeKeyFile(key));
      fsyncSync(file);
    } finally {
      closeSync(file);
    }
    linkSync(draft, path);
    syncDirectory(resolve(path, ".."));
  } catch (error) {
    const { code, message } = error as NodeJS.ErrnoException;
    const reason = code === "EEXIST" ? "it exists, and a key is never replaced" : message;
    throw new ExitError("key", `cannot write the key file ${path}: ${reason}`, { cause: error });
  } finally {
    rmSync(draft, { force: true });
  }
  return key;
}

function syncDirectory(path: string): void {
  const directory = openSync(path, "r");
  try {
    fsyncSync(directory);
  } finally {
    closeSync(directory);
  }
}

function exists(path: string): boolean {
  return statSync(path, { throwIfNoEntry: false }) !== undefined;
}

function read(path: string): string {
  try {
    return readFileSync(path, "utf8");
  } catch (error) {
    const hint = "make one with guts-node keygen, or name another with private-key-file";
    throw new ExitError("key", `cannot read the key file: ${(error as Error).message}; ${hint}`, {
      cause: error,
    });
  }
}

function decode(source: string, text: string): SigningKey {
  try {
    return decodeKeyFile(text);
  } catch (error) {
    throw new ExitError("key", `${source}: ${(error as Error).message}`);
  }
}
