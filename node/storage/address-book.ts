import type { SyncedDatabase } from "./sqlite.ts";

/** What is known of where a node can be reached. */
export interface AddressRecord {
  /** Public key, hexadecimal. */
  readonly publicKey: string;
  /** Multiaddrs. */
  readonly addresses: readonly string[];
  /** Sequence number of the signed record. */
  readonly sequence: number;
  /** The signed record itself, so that it can be handed on. */
  readonly record: Uint8Array;
  /** Unix time in milliseconds. */
  readonly lastSeen: number;
}

/** The address book in chain.db. */
export class SqliteAddressBook {
  readonly #database: SyncedDatabase;
  readonly #select;
  readonly #clear;
  readonly #insert;

  constructor(database: SyncedDatabase) {
    this.#database = database;
    this.#select = database.prepare<[], Omit<AddressRecord, "addresses"> & { addresses: string }>(
      `SELECT public_key AS publicKey, addresses, sequence, record, last_seen AS lastSeen
       FROM addresses ORDER BY public_key`,
    );
    this.#clear = database.prepare<[], never>("DELETE FROM addresses");
    this.#insert = database.prepare<[string, string, number, Uint8Array, number], never>(
      `INSERT INTO addresses (public_key, addresses, sequence, record, last_seen)
       VALUES (?, ?, ?, ?, ?)`,
    );
  }

  load(): AddressRecord[] {
    const rows = this.#database.read(() => this.#select.all());
    return rows.map((row) => ({ ...row, addresses: JSON.parse(row.addresses) as string[] }));
  }

  /** Replaces the whole book. */
  save(records: readonly AddressRecord[]): void {
    this.#database.transaction(() => {
      this.#clear.run();
      for (const { publicKey, addresses, sequence, record, lastSeen } of records)
        this.#insert.run(publicKey, JSON.stringify(addresses), sequence, record, lastSeen);
    });
  }
}
