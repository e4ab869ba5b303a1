import type { Migrations } from "./sqlite.ts";

/** What `identity` binds a database to; one row in each database. */
const identity = `
  CREATE TABLE identity (
    only INTEGER PRIMARY KEY CHECK (only = 1),
    genesis_hash TEXT NOT NULL,
    public_key TEXT NOT NULL,
    voted INTEGER NOT NULL DEFAULT 0
  ) STRICT;`;

/** consensus.db: votes and certificates, small and pruned. */
export const consensusMigrations: Migrations = [
  `${identity}
  CREATE TABLE records (
    sequence INTEGER PRIMARY KEY,
    view INTEGER NOT NULL,
    bytes BLOB NOT NULL
  ) STRICT;
  CREATE INDEX records_by_view ON records (view);
  CREATE TABLE position (
    only INTEGER PRIMARY KEY CHECK (only = 1),
    floor INTEGER NOT NULL,
    notarize INTEGER NOT NULL,
    nullify INTEGER NOT NULL,
    finalize INTEGER NOT NULL
  ) STRICT;
  INSERT INTO position VALUES (1, 0, 0, 0, 0);`,
];

/** chain.db: everything that was decided, and the blocks that may be. */
export const chainMigrations: Migrations = [
  `${identity}
  CREATE TABLE blocks (
    height INTEGER PRIMARY KEY,
    digest BLOB NOT NULL UNIQUE,
    view INTEGER NOT NULL,
    header BLOB NOT NULL,
    size INTEGER NOT NULL,
    certifies BLOB NOT NULL,
    certificate BLOB NOT NULL,
    bytes BLOB NOT NULL
  ) STRICT;
  CREATE TABLE candidates (
    digest BLOB PRIMARY KEY,
    height INTEGER NOT NULL,
    view INTEGER NOT NULL,
    header BLOB NOT NULL,
    bytes BLOB NOT NULL
  ) STRICT;
  CREATE INDEX candidates_by_view ON candidates (view);
  CREATE TABLE state (
    key BLOB PRIMARY KEY,
    value BLOB NOT NULL
  ) STRICT, WITHOUT ROWID;
  CREATE TABLE transactions (
    id BLOB PRIMARY KEY,
    height INTEGER NOT NULL,
    position INTEGER NOT NULL
  ) STRICT, WITHOUT ROWID;
  CREATE TABLE evidence (
    sequence INTEGER PRIMARY KEY,
    kind TEXT NOT NULL,
    signer TEXT NOT NULL,
    view INTEGER NOT NULL,
    recorded_at INTEGER NOT NULL,
    bytes BLOB NOT NULL,
    UNIQUE (kind, signer, view)
  ) STRICT;
  CREATE TABLE addresses (
    public_key TEXT PRIMARY KEY,
    addresses TEXT NOT NULL,
    sequence INTEGER NOT NULL,
    record BLOB NOT NULL,
    last_seen INTEGER NOT NULL
  ) STRICT, WITHOUT ROWID;`,
];
