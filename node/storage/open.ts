import { existsSync, readFileSync, statSync } from "node:fs";
import { join } from "node:path";
import type { Journal } from "../consensus/ports.ts";
import { nodeVersion } from "../formats/release.ts";
import { SqliteAddressBook } from "./address-book.ts";
import { ChainStore } from "./chain-store.ts";
import { guarded, StorageError } from "./errors.ts";
import { SqliteEvidenceStore } from "./evidence.ts";
import { makeDirectory, replaceFile } from "./files.ts";
import { VoteGuard } from "./guard.ts";
import { SqliteJournal } from "./journal.ts";
import { lockDirectory } from "./lock.ts";
import { chainMigrations, consensusMigrations } from "./schema.ts";
import { type DatabaseOptions, SyncedDatabase } from "./sqlite.ts";

/** The data directory of one node, open and locked. */
export interface Storage extends Disposable {
  readonly directory: string;
  readonly journal: Journal;
  readonly chain: ChainStore;
  readonly evidence: SqliteEvidenceStore;
  readonly addressBook: SqliteAddressBook;
  /** Bytes of the database files and their write-ahead logs, by database. */
  sizes(): { readonly consensus: number; readonly chain: number };
  /** Closes the databases and gives the directory free; consensus and chain must have stopped. */
  close(): void;
}

export interface StorageOptions {
  /** Genesis hash and public key, hexadecimal: a directory serves one of each for its life. */
  readonly genesisHash: string;
  readonly publicKey: string;
  readonly observeCommit?: DatabaseOptions["observeCommit"];
}

/**
 * Opens a data directory, making it when it is not there:
 * `LOCK`, `FORMAT`, `consensus.db` with `consensus.guard` beside it, and `chain.db`.
 *
 * @throws StorageError
 */
export function openStorage(directory: string, options: StorageOptions): Storage {
  guarded(directory, () => makeDirectory(directory));
  using opened = new DisposableStack();
  opened.use(lockDirectory(directory));
  const format = checkFormat(directory);
  const { observeCommit } = options;
  const chain = opened.adopt(
    new SyncedDatabase(join(directory, "chain.db"), {
      migrations: chainMigrations,
      ...(observeCommit && { observeCommit }),
    }),
    (database) => database.close(),
  );
  const consensus = opened.adopt(
    new SyncedDatabase(join(directory, "consensus.db"), {
      migrations: consensusMigrations,
      checkIntegrity: true,
      ...(observeCommit && { observeCommit }),
    }),
    (database) => database.close(),
  );
  const identity = bind(chain, options);
  bind(consensus, options);
  if (format < nodeVersion.dataFormat) writeFormat(directory);
  const guard = opened.adopt(new VoteGuard(join(directory, "consensus.guard")), (file) =>
    file.close(),
  );
  const journal = opened.adopt(new SqliteJournal(consensus, guard, identity), (open) =>
    open.close(),
  );
  const resources = opened.move();
  const close = () => resources.dispose();
  return {
    directory,
    journal,
    chain: new ChainStore(chain),
    evidence: new SqliteEvidenceStore(chain),
    addressBook: new SqliteAddressBook(chain),
    sizes: () => ({ consensus: sizeOf(consensus.path), chain: sizeOf(chain.path) }),
    close,
    [Symbol.dispose]: close,
  };
}

/**
 * Opens only the chain of a data directory, to read it as it is at this moment; the node that owns
 * the directory may run.
 *
 * @throws StorageError
 */
export function openStoredChain(
  directory: string,
): Disposable & { readonly genesisHash: string; readonly chain: ChainStore } {
  const database = new SyncedDatabase(join(directory, "chain.db"), {
    migrations: chainMigrations,
    readOnly: true,
  });
  const identity = readIdentity(database);
  if (identity === undefined) {
    database.close();
    throw new StorageError({ code: "corrupt", path: database.path, detail: "it has no identity" });
  }
  return {
    genesisHash: identity.hash,
    chain: new ChainStore(database),
    [Symbol.dispose]: () => database.close(),
  };
}

/** The data format of a directory; a new directory gets the format of this node. */
function checkFormat(directory: string): number {
  const path = join(directory, "FORMAT");
  if (!guarded(path, () => existsSync(path))) {
    if (existsSync(join(directory, "chain.db")))
      throw new StorageError({
        code: "corrupt",
        path: directory,
        detail: "there is a chain.db but no FORMAT file",
      });
    writeFormat(directory);
    return nodeVersion.dataFormat;
  }
  const text = guarded(path, () => readFileSync(path, "utf8")).trim();
  const format = /^[1-9][0-9]{0,8}$/.test(text) ? Number(text) : undefined;
  if (format === undefined)
    throw new StorageError({
      code: "corrupt",
      path,
      detail: `got "${text.slice(0, 40)}", allowed: a data format number`,
    });
  const supported = nodeVersion.dataFormat;
  if (format > supported)
    throw new StorageError({ code: "newer-format", path: directory, got: format, supported });
  return format;
}

function writeFormat(directory: string): void {
  const path = join(directory, "FORMAT");
  guarded(path, () => replaceFile(path, `${nodeVersion.dataFormat}\n`));
}

/** Binds a new database to its chain and key; refuses one that is bound to another. */
function bind(database: SyncedDatabase, { genesisHash, publicKey }: StorageOptions) {
  const path = database.path;
  const found = readIdentity(database);
  if (found === undefined) {
    const insert = database.prepare<[string, string], never>(
      "INSERT INTO identity (only, genesis_hash, public_key) VALUES (1, ?, ?)",
    );
    database.transaction(() => insert.run(genesisHash, publicKey));
  } else if (found.hash !== genesisHash) {
    throw new StorageError({ code: "other-chain", path, got: found.hash, expected: genesisHash });
  } else if (found.key !== publicKey) {
    throw new StorageError({ code: "other-key", path, got: found.key, expected: publicKey });
  }
  const mark = database.prepare<[], never>("UPDATE identity SET voted = 1");
  return {
    voted: found?.voted === 1,
    markVoted: () => void database.transaction(() => mark.run()),
  };
}

function readIdentity(database: SyncedDatabase) {
  const select = database.prepare<[], { hash: string; key: string; voted: number }>(
    "SELECT genesis_hash AS hash, public_key AS key, voted FROM identity",
  );
  return database.read(() => select.get());
}

function sizeOf(path: string): number {
  return [path, `${path}-wal`]
    .map((file) => statSync(file, { throwIfNoEntry: false })?.size ?? 0)
    .reduce((sum, size) => sum + size);
}
