import { basename, dirname, join } from "node:path";
import { mkdirSync, renameSync, rmSync } from "node:fs";
import Database from "better-sqlite3";
import { guarded, StorageError } from "./errors.ts";
import { syncPath } from "./files.ts";

/** One numbered step of a schema: the first is 1. Steps are only ever added at the end. */
export type Migrations = readonly string[];

export interface DatabaseOptions {
  readonly migrations: Migrations;
  /** Looks for damage before anything else; reads the whole file, so only for small ones. */
  readonly checkIntegrity?: boolean;
  /** Only reads, a snapshot of one moment; the file must exist with the newest schema. */
  readonly readOnly?: boolean;
  /** Told how long every commit of `transaction` took. */
  readonly observeCommit?: (database: string, seconds: number) => void;
}

/** A SQLite database in WAL mode of which every commit is synced before it returns. */
export class SyncedDatabase {
  readonly path: string;
  readonly connection: Database.Database;
  readonly #observe: DatabaseOptions["observeCommit"];

  /** @throws StorageError */
  constructor(path: string, options: DatabaseOptions) {
    this.path = path;
    this.#observe = options.observeCommit;
    const readOnly = options.readOnly ?? false;
    const open = { readonly: readOnly, fileMustExist: readOnly };
    this.connection = guarded(path, () => new Database(path, open));
    try {
      guarded(path, () => {
        if (readOnly) this.#openSnapshot(options.migrations);
        else this.#openForWriting(options);
      });
    } catch (error) {
      this.connection.close();
      throw error;
    }
  }

  prepare<Parameters extends unknown[], Row>(sql: string): Database.Statement<Parameters, Row> {
    return guarded(this.path, () => this.connection.prepare<Parameters, Row>(sql));
  }

  /** All of the action or nothing of it; durable when this returns. @throws StorageError */
  transaction<Result>(action: () => Result): Result {
    const started = performance.now();
    const result = guarded(this.path, () => this.connection.transaction(action).immediate());
    this.#observe?.(basename(this.path, ".db"), (performance.now() - started) / 1000);
    return result;
  }

  read<Result>(action: () => Result): Result {
    return guarded(this.path, action);
  }

  close(): void {
    if (this.connection.open) guarded(this.path, () => this.connection.close());
  }

  #openForWriting({ migrations, checkIntegrity }: DatabaseOptions): void {
    // A commit in WAL mode is one append and one sync; NORMAL would leave out the sync.
    this.connection.pragma("journal_mode = WAL");
    this.connection.pragma("synchronous = FULL");
    this.connection.pragma("journal_size_limit = 16777216");
    if (checkIntegrity) this.#checkIntegrity();
    migrate(this.connection, this.path, migrations);
  }

  #openSnapshot(migrations: Migrations): void {
    const version = this.connection.pragma("user_version", { simple: true }) as number;
    if (version > migrations.length) throw newerSchema(this.path, version, migrations);
    if (version < migrations.length)
      throw new StorageError({
        code: "unusable",
        path: this.path,
        detail: `it has the schema ${version}; start guts-node on it once, which brings it to ${migrations.length}`,
      });
    // The snapshot is taken by the first read inside the transaction.
    this.connection.exec("BEGIN");
    this.connection.prepare("SELECT count(*) FROM sqlite_schema").get();
  }

  #checkIntegrity(): void {
    const [row] = this.connection.pragma("quick_check(1)") as { quick_check: string }[];
    if (row?.quick_check !== "ok")
      throw new StorageError({
        code: "corrupt",
        path: this.path,
        detail: row?.quick_check ?? "no answer from the integrity check",
      });
  }
}

/**
 * Brings a database to the newest schema; its version is SQLite's `user_version`. A database that
 * holds an older schema is copied to `backup/` beside it first.
 */
function migrate(connection: Database.Database, path: string, migrations: Migrations): void {
  const version = connection.pragma("user_version", { simple: true }) as number;
  if (version > migrations.length) throw newerSchema(path, version, migrations);
  if (version === migrations.length) return;
  if (version > 0) backUp(connection, path, version);
  const steps = connection.transaction(() => {
    for (const step of migrations.slice(version)) connection.exec(step);
    connection.pragma(`user_version = ${migrations.length}`);
  });
  steps.immediate();
}

function newerSchema(path: string, got: number, migrations: Migrations): StorageError {
  return new StorageError({ code: "newer-format", path, got, supported: migrations.length });
}

function backUp(connection: Database.Database, path: string, version: number): void {
  const directory = join(dirname(path), "backup");
  mkdirSync(directory, { recursive: true });
  const copy = join(directory, `${basename(path, ".db")}-schema-${version}.db`);
  const partial = `${copy}.partial`;
  rmSync(partial, { force: true });
  connection.prepare("VACUUM INTO ?").run(partial);
  syncPath(partial);
  renameSync(partial, copy);
  syncPath(directory);
}
