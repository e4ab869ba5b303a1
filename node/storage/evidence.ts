import type { EvidenceStore } from "../consensus/ports.ts";
import type { SyncedDatabase } from "./sqlite.ts";

/** Proof that a validator broke the rules, with the time at which this node saw it. */
export interface StoredEvidence {
  readonly kind: string;
  /** Public key, hexadecimal. */
  readonly signer: string;
  readonly view: number;
  /** Unix time in milliseconds. */
  readonly recordedAt: number;
  readonly bytes: Uint8Array;
}

/** Evidence in chain.db: durable when `record` returns, kept for good, one of a kind per view. */
export class SqliteEvidenceStore implements EvidenceStore {
  readonly #database: SyncedDatabase;
  readonly #insert;
  readonly #known;
  readonly #list;

  constructor(database: SyncedDatabase) {
    this.#database = database;
    this.#insert = database.prepare<[string, string, number, number, Uint8Array], never>(
      `INSERT INTO evidence (kind, signer, view, recorded_at, bytes) VALUES (?, ?, ?, ?, ?)
       ON CONFLICT DO NOTHING`,
    );
    this.#known = database.prepare<[string, string, number], { known: number }>(
      "SELECT 1 AS known FROM evidence WHERE kind = ? AND signer = ? AND view = ?",
    );
    this.#list = database.prepare<[number, number], StoredEvidence>(
      `SELECT kind, signer, view, recorded_at AS recordedAt, bytes FROM evidence
       ORDER BY sequence DESC LIMIT ? OFFSET ?`,
    );
  }

  record({ kind, signer, view, bytes }: Parameters<EvidenceStore["record"]>[0]): void {
    if (this.#database.read(() => this.#known.get(kind, signer, view)) !== undefined) return;
    this.#database.transaction(() => this.#insert.run(kind, signer, view, Date.now(), bytes));
  }

  /** Newest first. */
  list(page: { readonly offset: number; readonly limit: number }): readonly StoredEvidence[] {
    return this.#database.read(() => this.#list.all(page.limit, page.offset));
  }
}
