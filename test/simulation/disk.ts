import type { FinalizedBlock, Journal, JournalRecord } from "../../node/consensus/ports.ts";
import { toHex } from "../../node/formats/bytes.ts";

/** Thrown where a node dies in the middle of something. */
export class CrashSignal extends Error {
  override readonly name = "CrashSignal";
}

/**
 * What a node's disk would hold after a power cut now. Everything else about a node is memory and
 * is lost with it. A commit is atomic: it is on disk whole or not at all.
 */
export class Disk {
  records: JournalRecord[] = [];
  floor = 0;
  highestSigned = { notarize: 0, nullify: 0, finalize: 0 };
  /** Cleared when the journal is wiped although the key was used. */
  intact = true;
  /** Whether that ever happened. */
  lost = false;
  /** Certified blocks, by digest. */
  readonly blocks = new Map<string, Uint8Array>();
  /** Applied blocks; index 0 is height 1. */
  readonly finalized: FinalizedBlock[] = [];
  /** Durable records by content, to ask whether a vote would survive. */
  #contents = new Set<string>();

  contains(record: JournalRecord): boolean {
    return this.#contents.has(toHex(record.bytes));
  }

  commit(records: readonly JournalRecord[]): void {
    for (const record of records) {
      this.records.push(record);
      this.#contents.add(toHex(record.bytes));
      const { signed, view } = record;
      if (signed !== undefined)
        this.highestSigned[signed] = Math.max(this.highestSigned[signed], view);
    }
  }

  prune(floor: number): void {
    if (floor < this.floor) throw new Error(`the floor moved back from ${this.floor} to ${floor}`);
    this.floor = floor;
    this.records = this.records.filter(({ view }) => view >= floor);
  }

  /** The journal is gone; the chain's database stays. */
  wipeJournal(): void {
    this.records = [];
    this.#contents = new Set();
    this.floor = 0;
    this.highestSigned = { notarize: 0, nullify: 0, finalize: 0 };
    this.intact = false;
    this.lost = true;
  }

  snapshot(): { records: JournalRecord[]; floor: number } {
    return { records: [...this.records], floor: this.floor };
  }

  /** An old copy of the journal was restored; the guard beside it still knows better. */
  restoreOld({ records, floor }: { records: JournalRecord[]; floor: number }): void {
    this.records = [...records];
    this.floor = floor;
    this.#contents = new Set(records.map(({ bytes }) => toHex(bytes)));
  }
}

/** The moment within the next append at which the node dies. */
export type ArmedCrash = "before-commit" | "after-commit";

export interface JournalHooks {
  appended(records: readonly JournalRecord[]): void;
}

/** One incarnation's journal on a disk. */
export class SimulatedJournal implements Journal {
  readonly #disk: Disk;
  readonly #hooks: JournalHooks;
  armed: ArmedCrash | undefined;
  dead = false;
  readonly intact: boolean;

  constructor(disk: Disk, hooks: JournalHooks) {
    this.#disk = disk;
    this.#hooks = hooks;
    this.intact = disk.intact;
  }

  get floor(): number {
    return this.#disk.floor;
  }

  get highestSigned() {
    return this.#disk.highestSigned;
  }

  replay(): Iterable<Uint8Array> {
    return this.#disk.records.map(({ bytes }) => bytes);
  }

  append(records: readonly JournalRecord[]): void {
    if (this.dead || this.armed === "before-commit") throw new CrashSignal("before the commit");
    this.#disk.commit(records);
    this.#disk.intact = true;
    this.#hooks.appended(records);
    if (this.armed === "after-commit") throw new CrashSignal("after the commit");
  }

  prune(floor: number): void {
    if (!this.dead) this.#disk.prune(floor);
  }
}
