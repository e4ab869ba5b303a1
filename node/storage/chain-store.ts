import type { SyncedDatabase } from "./sqlite.ts";

/** A block as it is kept: the chain knows what the bytes mean. */
export interface StoredBlock {
  readonly height: number;
  readonly digest: Uint8Array;
  readonly view: number;
  readonly header: Uint8Array;
  readonly bytes: Uint8Array;
}

/** A finalized block without its bytes. */
export interface StoredHeader {
  readonly height: number;
  readonly digest: Uint8Array;
  readonly header: Uint8Array;
  /** Length of the block's bytes. */
  readonly size: number;
}

export interface StoredCertificate {
  readonly certificate: Uint8Array;
  readonly certifies: Uint8Array;
}

/** Everything that changes with one finalized block. */
export interface Finalization extends StoredCertificate {
  readonly block: StoredBlock;
  /** State entries that were set, or removed where the value is undefined. */
  readonly entries: Iterable<readonly [key: Uint8Array, value: Uint8Array | undefined]>;
  /** Ids of its transactions, in order. */
  readonly transactions: readonly Uint8Array[];
}

/** Where a finalized transaction is. */
export interface TransactionPosition {
  readonly height: number;
  readonly position: number;
}

/**
 * Blocks, certificates, state entries and the transaction index in chain.db. Whatever changes
 * together changes in one synced commit.
 */
export class ChainStore {
  readonly #database: SyncedDatabase;
  readonly #reads;
  readonly #writes;
  #pruneBelow = 0;
  #prunedBelow = 0;

  constructor(database: SyncedDatabase) {
    this.#database = database;
    this.#reads = readsOf(database);
    this.#writes = writesOf(database);
  }

  tip(): StoredHeader | undefined {
    return this.#database.read(() => this.#reads.tip.get());
  }

  headerAt(height: number): StoredHeader | undefined {
    return this.#database.read(() => this.#reads.headerAt.get(height));
  }

  headerOf(digest: Uint8Array): StoredHeader | undefined {
    return this.#database.read(() => this.#reads.headerOf.get(digest));
  }

  bytesAt(height: number): Uint8Array | undefined {
    return this.#database.read(() => this.#reads.bytesAt.get(height)?.bytes);
  }

  certificateAt(height: number): StoredCertificate | undefined {
    return this.#database.read(() => this.#reads.certificateAt.get(height));
  }

  /** The bytes of a finalized block or of a candidate. */
  bytesOf(digest: Uint8Array): Uint8Array | undefined {
    const row = this.#database.read(
      () => this.#reads.bytesOf.get(digest) ?? this.#reads.candidateBytes.get(digest),
    );
    return row?.bytes;
  }

  candidateHeader(digest: Uint8Array): Uint8Array | undefined {
    return this.#database.read(() => this.#reads.candidateHeader.get(digest)?.header);
  }

  /** Stores blocks that are not finalized yet; durable when this returns. */
  storeCandidates(blocks: readonly StoredBlock[]): void {
    this.#database.transaction(() => {
      for (const { digest, height, view, header, bytes } of blocks)
        this.#writes.candidate.run(digest, height, view, header, bytes);
      this.#pruneCandidates();
    });
  }

  /** Candidates below this view go with the next commit. */
  pruneCandidates(belowView: number): void {
    this.#pruneBelow = Math.max(this.#pruneBelow, belowView);
  }

  /** Stores a finalized block with all it changes; durable when this returns. */
  finalize({ block, certificate, certifies, entries, transactions }: Finalization): void {
    const { digest, height, view, header, bytes } = block;
    const writes = this.#writes;
    // Neighbouring keys share pages: sorted, a page is written once.
    const ids = transactions.map((id, position) => ({ id, position }));
    ids.sort((a, b) => Buffer.compare(a.id, b.id));
    const changes = [...entries].sort(([a], [b]) => Buffer.compare(a, b));
    this.#database.transaction(() => {
      writes.block.run(height, digest, view, header, bytes.length, certifies, certificate, bytes);
      writes.removeCandidate.run(digest);
      for (const [key, value] of changes)
        if (value === undefined) writes.removeEntry.run(key);
        else writes.entry.run(key, value);
      for (const { id, position } of ids) writes.transaction.run(id, height, position);
      this.#pruneCandidates();
    });
  }

  entry(key: Uint8Array): Uint8Array | undefined {
    return this.#database.read(() => this.#reads.entry.get(key)?.value);
  }

  /** Every state entry in the order of its key. Nothing may be written while it runs. */
  *entries(): Iterable<{ readonly key: Uint8Array; readonly value: Uint8Array }> {
    yield* this.#reads.entries.iterate();
  }

  /** State entries with `from <= key < to`, in order. */
  range(
    from: Uint8Array,
    to: Uint8Array,
    page: { readonly offset: number; readonly limit: number },
  ): { readonly key: Uint8Array; readonly value: Uint8Array }[] {
    return this.#database.read(() => this.#reads.range.all(from, to, page.limit, page.offset));
  }

  transaction(id: Uint8Array): TransactionPosition | undefined {
    return this.#database.read(() => this.#reads.transaction.get(id));
  }

  transactionCount(): number {
    return this.#database.read(() => this.#reads.transactionCount.get()?.count ?? 0);
  }

  #pruneCandidates(): void {
    if (this.#pruneBelow === this.#prunedBelow) return;
    this.#writes.pruneCandidates.run(this.#pruneBelow);
    this.#prunedBelow = this.#pruneBelow;
  }
}

function readsOf(database: SyncedDatabase) {
  const header = "SELECT height, digest, header, size FROM blocks";
  return {
    tip: database.prepare<[], StoredHeader>(`${header} ORDER BY height DESC LIMIT 1`),
    headerAt: database.prepare<[number], StoredHeader>(`${header} WHERE height = ?`),
    headerOf: database.prepare<[Uint8Array], StoredHeader>(`${header} WHERE digest = ?`),
    bytesAt: database.prepare<[number], { bytes: Uint8Array }>(
      "SELECT bytes FROM blocks WHERE height = ?",
    ),
    bytesOf: database.prepare<[Uint8Array], { bytes: Uint8Array }>(
      "SELECT bytes FROM blocks WHERE digest = ?",
    ),
    certificateAt: database.prepare<[number], StoredCertificate>(
      "SELECT certifies, certificate FROM blocks WHERE height = ?",
    ),
    candidateBytes: database.prepare<[Uint8Array], { bytes: Uint8Array }>(
      "SELECT bytes FROM candidates WHERE digest = ?",
    ),
    candidateHeader: database.prepare<[Uint8Array], { header: Uint8Array }>(
      "SELECT header FROM candidates WHERE digest = ?",
    ),
    entry: database.prepare<[Uint8Array], { value: Uint8Array }>(
      "SELECT value FROM state WHERE key = ?",
    ),
    entries: database.prepare<[], { key: Uint8Array; value: Uint8Array }>(
      "SELECT key, value FROM state ORDER BY key",
    ),
    range: database.prepare<
      [Uint8Array, Uint8Array, number, number],
      { key: Uint8Array; value: Uint8Array }
    >("SELECT key, value FROM state WHERE key >= ? AND key < ? ORDER BY key LIMIT ? OFFSET ?"),
    transaction: database.prepare<[Uint8Array], TransactionPosition>(
      "SELECT height, position FROM transactions WHERE id = ?",
    ),
    transactionCount: database.prepare<[], { count: number }>(
      "SELECT count(*) AS count FROM transactions",
    ),
  };
}

function writesOf(database: SyncedDatabase) {
  return {
    block: database.prepare<
      [number, Uint8Array, number, Uint8Array, number, Uint8Array, Uint8Array, Uint8Array],
      never
    >(
      `INSERT INTO blocks (height, digest, view, header, size, certifies, certificate, bytes)
       VALUES (?, ?, ?, ?, ?, ?, ?, ?)`,
    ),
    candidate: database.prepare<[Uint8Array, number, number, Uint8Array, Uint8Array], never>(
      `INSERT INTO candidates (digest, height, view, header, bytes) VALUES (?, ?, ?, ?, ?)
       ON CONFLICT DO NOTHING`,
    ),
    removeCandidate: database.prepare<[Uint8Array], never>(
      "DELETE FROM candidates WHERE digest = ?",
    ),
    pruneCandidates: database.prepare<[number], never>("DELETE FROM candidates WHERE view < ?"),
    entry: database.prepare<[Uint8Array, Uint8Array], never>(
      "INSERT INTO state (key, value) VALUES (?, ?) ON CONFLICT DO UPDATE SET value = excluded.value",
    ),
    removeEntry: database.prepare<[Uint8Array], never>("DELETE FROM state WHERE key = ?"),
    transaction: database.prepare<[Uint8Array, number, number], never>(
      "INSERT INTO transactions (id, height, position) VALUES (?, ?, ?)",
    ),
  };
}
