import { fromHex, toHex } from "../formats/bytes.ts";
import { type Endpoint, parseEndpoint, withBothTransports } from "./endpoints.ts";
import type { AddressBookStore, NetworkLogger, StoredPeer } from "./options.ts";
import type { PeerRecord } from "./peer-record.ts";

interface Entry {
  readonly publicKey: string;
  addresses: readonly string[];
  sequence: number;
  record: Uint8Array | undefined;
  lastSeenMs: number;
  failures: number;
}

export interface AddressBookOptions {
  readonly store: AddressBookStore | undefined;
  readonly logger: NetworkLogger;
  /** Entries that are no validators. */
  readonly maxFullNodes: number;
  isValidator(publicKey: string): boolean;
}

/** A full node whose dials failed this often in a row is forgotten for a newly heard one. */
const HOPELESS_FAILURES = 8;

/** Where the nodes of this chain were last said to be; kept between runs. */
export class AddressBook {
  readonly #options: AddressBookOptions;
  readonly #entries = new Map<string, Entry>();
  #changed = false;

  constructor(options: AddressBookOptions) {
    this.#options = options;
  }

  load(): void {
    for (const stored of this.#options.store?.load() ?? []) {
      try {
        stored.addresses.forEach(parseEndpoint);
        this.#entries.set(stored.publicKey, {
          ...stored,
          record: stored.record === undefined ? undefined : decodeHex(stored.record),
        });
      } catch (error) {
        const fields = { peer: stored.publicKey, reason: (error as Error).message };
        this.#options.logger.warn(fields, "left out a peer of the stored address book");
      }
    }
  }

  /** Writes what changed since the last time. */
  save(): void {
    if (!this.#changed || !this.#options.store) return;
    this.#changed = false;
    const peers: StoredPeer[] = [...this.#entries.values()].map(({ record, ...entry }) => ({
      ...entry,
      ...(record === undefined ? {} : { record: toHex(record) }),
    }));
    try {
      this.#options.store.save(peers);
    } catch (error) {
      this.#changed = true;
      this.#options.logger.warn(
        { reason: (error as Error).message },
        "could not save the address book; trying again later",
      );
    }
  }

  get size(): number {
    return this.#entries.size;
  }

  keys(): string[] {
    return [...this.#entries.keys()];
  }

  sequence(publicKey: string): number {
    return this.#entries.get(publicKey)?.sequence ?? 0;
  }

  failures(publicKey: string): number {
    return this.#entries.get(publicKey)?.failures ?? 0;
  }

  endpoints(publicKey: string): Endpoint[] {
    const addresses = this.#entries.get(publicKey)?.addresses ?? [];
    return addresses.map(parseEndpoint).flatMap(withBothTransports);
  }

  record(publicKey: string): Uint8Array | undefined {
    return this.#entries.get(publicKey)?.record;
  }

  /**
   * Takes a verified record if it is newer than what is known and there is room.
   *
   * @param addresses those of its addresses that may be dialed from here
   */
  learn(record: PeerRecord, bytes: Uint8Array, addresses: readonly string[]): boolean {
    const { publicKey, sequence } = record;
    const known = this.#entries.get(publicKey);
    if (known && known.sequence >= sequence) return false;
    if (!known && !this.#makeRoom(publicKey)) return false;
    const { lastSeenMs, failures } = known ?? { lastSeenMs: 0, failures: 0 };
    this.#entries.set(publicKey, {
      publicKey,
      addresses,
      sequence,
      record: bytes,
      lastSeenMs,
      failures,
    });
    this.#changed = true;
    return true;
  }

  seen(publicKey: string): void {
    const entry = this.#entries.get(publicKey);
    if (!entry) return;
    entry.lastSeenMs = Date.now();
    entry.failures = 0;
    this.#changed = true;
  }

  failed(publicKey: string): void {
    const entry = this.#entries.get(publicKey);
    if (!entry) return;
    entry.failures += 1;
    this.#changed = true;
  }

  #makeRoom(publicKey: string): boolean {
    const { isValidator, maxFullNodes } = this.#options;
    if (isValidator(publicKey)) return true;
    const fullNodes = [...this.#entries.values()].filter((one) => !isValidator(one.publicKey));
    if (fullNodes.length < maxFullNodes) return true;
    const hopeless = fullNodes.find(({ failures }) => failures >= HOPELESS_FAILURES);
    if (!hopeless) return false;
    this.#entries.delete(hopeless.publicKey);
    return true;
  }
}

function decodeHex(hex: string): Uint8Array {
  return fromHex(hex, Math.floor(hex.length / 2));
}
