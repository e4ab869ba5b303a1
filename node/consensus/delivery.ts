import { equalBytes, toHex } from "../formats/bytes.ts";
import type { Proposal } from "./messages.ts";
import type { Application, FinalizedBlock } from "./ports.ts";
import type { RangeEntry } from "./requests.ts";

export interface DeliveryHost {
  readonly application: Application;
  /** What an encoded finalization certificate of this chain proves; undefined when it is invalid. */
  readonly finalizedBy: (certificate: Uint8Array) => Proposal | undefined;
  /** A block was applied durably. */
  delivered(height: number, view: number, bytes: number): void;
  /** Something else is missing than before, or nothing any more. */
  changed(): void;
  /** The application cannot apply what is final: the node must end. */
  fatal(error: Error): void;
}

interface Link {
  readonly digest: Uint8Array;
  readonly height: number;
  readonly view: number;
}

/** From this many missing heights on, blocks are fetched by height instead of one by one. */
const FAR = 8;
/** Blocks held in memory before they are applied. */
const MAX_PATH = 64;
const MAX_BUFFERED_BYTES = 16_777_216;
const MAX_KNOWN_FINALIZATIONS = 512;

/**
 * Brings finalized blocks to the application in height order and without gaps. A finalization
 * proves its block and all ancestors; what is missing on the way is named for the shell to fetch.
 */
export class Delivery {
  readonly #host: DeliveryHost;
  /** Finalizations that were not delivered yet, by digest of their block. */
  readonly #finalizations = new Map<string, Uint8Array>();
  /** Blocks of a range answer whose finalization did not come yet, in height order. */
  #buffer: { entry: RangeEntry; link: Link }[] = [];
  #target: { readonly certificate: Uint8Array; readonly proposal: Proposal } | undefined;
  /** Known once its block was seen, and kept when the block is pushed out of memory. */
  #targetHeight: number | undefined;
  #missing: Uint8Array | undefined;
  #far = false;
  #running: Promise<void> | undefined;
  #again = false;
  #stopped = false;

  constructor(host: DeliveryHost) {
    this.#host = host;
  }

  /** Digest of the one block that delivery waits for; undefined also while it catches up by height. */
  get missing(): Uint8Array | undefined {
    return this.#far ? undefined : this.#missing;
  }

  /** Height from which on finalized blocks are wanted, while the chain here is far behind. */
  get missingFrom(): number | undefined {
    if (!this.#far || this.#running !== undefined) return undefined;
    return this.#tail().height + 1;
  }

  get catchingUp(): boolean {
    return this.#far;
  }

  /** A newer finalization. */
  finalized(certificate: Uint8Array, proposal: Proposal): void {
    this.#finalizations.set(toHex(proposal.payload), certificate);
    if (this.#finalizations.size > MAX_KNOWN_FINALIZATIONS) {
      const [oldest] = this.#finalizations.keys();
      this.#finalizations.delete(oldest!);
    }
    this.#target = { certificate, proposal };
    this.#targetHeight = undefined;
    this.pump();
  }

  /** Goes on after a block arrived. */
  pump(): void {
    if (this.#stopped) return;
    this.#again = true;
    this.#running ??= this.#run().finally(() => {
      this.#running = undefined;
      this.#host.changed();
    });
  }

  async stop(): Promise<void> {
    this.#stopped = true;
    await this.#running;
  }

  /**
   * Takes the blocks of a range answer.
   *
   * @returns what is wrong with them, if anything; an honest node never sends such
   */
  async takeRange(entries: readonly RangeEntry[]): Promise<string | undefined> {
    if (this.#running !== undefined || !this.#far || this.#stopped) return undefined;
    let outcome: string | undefined;
    const take = async () => {
      outcome = await this.#take(entries);
    };
    this.#running = take().catch((error: unknown) => this.#fail(error));
    await this.#running;
    this.#running = undefined;
    this.pump();
    return outcome;
  }

  async #run(): Promise<void> {
    try {
      while (this.#again && !this.#stopped) {
        this.#again = false;
        const path = this.#path();
        for (const link of path) if (!(await this.#apply(link, path))) return;
      }
    } catch (error) {
      this.#fail(error);
    }
  }

  #fail(error: unknown): void {
    this.#stopped = true;
    this.#host.fatal(error instanceof Error ? error : new Error(String(error)));
  }

  /** The blocks between the applied one and the target, lowest first; empty while one is missing. */
  #path(): Link[] {
    this.#missing = undefined;
    const { application } = this.#host;
    const path: Link[] = [];
    let digest = this.#target?.proposal.payload;
    while (digest !== undefined && !equalBytes(digest, application.applied.digest)) {
      const header = application.header(digest);
      if (path.length === 0) this.#targetHeight ??= header?.height;
      const height = header?.height ?? path.at(-1)?.height ?? this.#targetHeight ?? 0;
      this.#far = height - application.applied.height > (header === undefined ? FAR : MAX_PATH);
      if (this.#far) return [];
      if (header === undefined) {
        this.#missing = digest;
        return [];
      }
      if (path.length === 0 && height <= application.applied.height) return [];
      path.push({ digest, height, view: header.view });
      const { height: applied, digest: tip } = application.applied;
      if (height === applied + 1 && !equalBytes(header.parentDigest, tip))
        throw new Error(`finalized block ${toHex(digest)} does not extend the applied chain`);
      digest = header.parentDigest;
    }
    this.#far = false;
    this.#buffer = [];
    return path.reverse();
  }

  async #apply(link: Link, path: readonly Link[]): Promise<boolean> {
    const bytes = this.#host.application.read(link.digest);
    if (bytes === undefined) {
      this.#missing = link.digest;
      return false;
    }
    const later = path.slice(path.indexOf(link));
    const certified = later.find(({ digest }) => this.#finalizations.has(toHex(digest)));
    const certifies = certified?.digest ?? this.#target!.proposal.payload;
    const certificate = this.#finalizations.get(toHex(certifies)) ?? this.#target!.certificate;
    await this.#deliver(link, { digest: link.digest, bytes, certificate, certifies });
    return true;
  }

  async #deliver(link: Link, block: FinalizedBlock): Promise<void> {
    await this.#host.application.finalize(block);
    this.#finalizations.delete(toHex(block.digest));
    this.#host.delivered(link.height, link.view, block.bytes.length);
  }

  // Catching up by height

  #tail(): { digest: Uint8Array; height: number } {
    return this.#buffer.at(-1)?.link ?? this.#host.application.applied;
  }

  async #take(entries: readonly RangeEntry[]): Promise<string | undefined> {
    for (const entry of entries) {
      const problem = this.#append(entry);
      if (problem !== undefined) {
        this.#buffer = [];
        return problem;
      }
      const { digest } = this.#tail();
      if (this.#buffer.length === 0 || !equalBytes(entry.certifies, digest)) continue;
      const proposal = this.#host.finalizedBy(entry.certificate);
      if (proposal === undefined || !equalBytes(proposal.payload, digest)) {
        this.#buffer = [];
        return "a certificate of a finalized block is not valid";
      }
      await this.#flush(entry);
    }
    if (this.#buffer.length > MAX_PATH || this.#bufferedBytes() > MAX_BUFFERED_BYTES)
      this.#buffer = [];
    return undefined;
  }

  #append(entry: RangeEntry): string | undefined {
    const { application } = this.#host;
    const digest = application.receive(entry.bytes);
    const header = digest && application.header(digest);
    if (digest === undefined || header === undefined) return "a finalized block cannot be read";
    const tail = this.#tail();
    if (header.height <= tail.height) return undefined;
    if (header.height !== tail.height + 1) return `height ${header.height} leaves a gap`;
    if (!equalBytes(header.parentDigest, tail.digest))
      return `the block of height ${header.height} does not extend the chain`;
    this.#buffer.push({ entry, link: { digest, height: header.height, view: header.view } });
    return undefined;
  }

  /** The last buffered block is proven final, and with it the others. */
  async #flush({ certificate, certifies }: RangeEntry): Promise<void> {
    const proven = this.#buffer;
    this.#buffer = [];
    for (const { entry, link } of proven)
      await this.#deliver(link, {
        digest: link.digest,
        bytes: entry.bytes,
        certificate,
        certifies,
      });
  }

  #bufferedBytes(): number {
    return this.#buffer.reduce((sum, { entry }) => sum + entry.bytes.length, 0);
  }
}
