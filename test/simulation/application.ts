import type {
  Application,
  BlockContext,
  FinalizedBlock,
  Verdict,
} from "../../node/consensus/ports.ts";
import { equalBytes, sha256, toHex } from "../../node/formats/bytes.ts";
import { decodeBlock, encodeBlock, genesisDigest, type SimulatedBlock } from "./blocks.ts";
import type { Disk } from "./disk.ts";

export interface ApplicationHost {
  readonly disk: Disk;
  /** Where the salts of own blocks start: other blocks than before a restart. */
  readonly salt: number;
  /** Virtual wait; never resolves for a node that died meanwhile. */
  wait(milliseconds: number): Promise<void>;
  /** How long the application takes for one call. */
  delay(call: "propose" | "verify" | "certify" | "finalize"): number;
  /** Shapes an own block: the adversary's hand. */
  shape(block: SimulatedBlock): SimulatedBlock;
  verified(context: BlockContext, digest: Uint8Array): void;
  certified(view: number, digest: Uint8Array): void;
  applied(block: FinalizedBlock, header: SimulatedBlock): void;
}

/** Blocks of a dead or slow node that wait in memory. */
const CACHE = 48;
const valid: Verdict = { status: "valid" };

/** A chain without transactions, which keeps the rules that consensus relies on. */
export class SimulatedApplication implements Application {
  readonly genesisDigest = genesisDigest;
  readonly #host: ApplicationHost;
  readonly #memory = new Map<string, Uint8Array>();
  #salt: number;

  constructor(host: ApplicationHost) {
    this.#host = host;
    this.#salt = host.salt;
  }

  get applied(): { height: number; digest: Uint8Array } {
    const { finalized } = this.#host.disk;
    const last = finalized.at(-1);
    return { height: finalized.length, digest: last?.digest ?? genesisDigest };
  }

  async propose(context: BlockContext, signal: AbortSignal) {
    await this.#host.wait(this.#host.delay("propose"));
    if (signal.aborted) return undefined;
    const parent = this.#block(context.parentDigest);
    const isGenesis = equalBytes(context.parentDigest, genesisDigest);
    if (parent === undefined && !isGenesis) return undefined;
    const block = this.#host.shape({
      ...context,
      height: (parent?.height ?? 0) + 1,
      timestamp: (parent?.timestamp ?? 0) + 1,
      salt: this.#salt++,
      flaw: "none",
    });
    const bytes = encodeBlock(block);
    const digest = this.#keep(bytes);
    this.#host.verified(context, digest);
    return { digest, bytes };
  }

  receive(bytes: Uint8Array): Uint8Array | undefined {
    return decodeBlock(bytes) === undefined ? undefined : this.#keep(bytes);
  }

  read(digest: Uint8Array): Uint8Array | undefined {
    const name = toHex(digest);
    return this.#memory.get(name) ?? this.#host.disk.blocks.get(name);
  }

  readFinalized(height: number): FinalizedBlock | undefined {
    return this.#host.disk.finalized[height - 1];
  }

  header(digest: Uint8Array) {
    return this.#block(digest);
  }

  async verify(context: BlockContext, digest: Uint8Array): Promise<Verdict> {
    await this.#host.wait(this.#host.delay("verify"));
    const verdict = this.#judge(context, digest);
    if (verdict.status === "valid") this.#host.verified(context, digest);
    return verdict;
  }

  async certify(context: BlockContext, digest: Uint8Array): Promise<Verdict> {
    await this.#host.wait(this.#host.delay("certify"));
    const verdict = this.#judge(context, digest);
    if (verdict.status !== "valid") return verdict;
    if (this.#block(digest)?.flaw === "uncertifiable") return { status: "invalid" };
    const path: Uint8Array[] = [];
    for (let at = digest; !equalBytes(at, genesisDigest);) {
      const block = this.#block(at);
      if (block === undefined) return { status: "pending", missing: at };
      if (block.height <= this.applied.height) break;
      path.push(at);
      at = block.parentDigest;
    }
    for (const ancestor of path) this.#host.disk.blocks.set(toHex(ancestor), this.read(ancestor)!);
    this.#host.certified(context.view, digest);
    return valid;
  }

  async finalize(block: FinalizedBlock): Promise<void> {
    await this.#host.wait(this.#host.delay("finalize"));
    const header = decodeBlock(block.bytes);
    if (header === undefined) throw new Error("a finalized block cannot be decoded");
    if (header.height <= this.applied.height) return;
    this.#host.applied(block, header);
    this.#host.disk.finalized.push(block);
    this.#host.disk.blocks.set(toHex(block.digest), block.bytes);
  }

  prune(belowView: number): void {
    for (const [name, bytes] of this.#memory)
      if (decodeBlock(bytes)!.view < belowView) this.#memory.delete(name);
  }

  #judge(context: BlockContext, digest: Uint8Array): Verdict {
    const block = this.#block(digest);
    if (block === undefined) return { status: "pending", missing: digest };
    const { epoch, view, leader, parentView, parentDigest } = context;
    const matches =
      block.epoch === epoch &&
      block.view === view &&
      block.leader === leader &&
      block.parentView === parentView &&
      equalBytes(block.parentDigest, parentDigest);
    if (!matches || block.flaw === "invalid") return { status: "invalid", reason: "bad block" };
    if (equalBytes(parentDigest, genesisDigest))
      return block.height === 1 ? valid : { status: "invalid", reason: "bad height" };
    const parent = this.#block(parentDigest);
    if (parent === undefined) return { status: "pending", missing: parentDigest };
    const follows = block.height === parent.height + 1 && block.timestamp > parent.timestamp;
    return follows ? valid : { status: "invalid", reason: "does not follow its parent" };
  }

  #block(digest: Uint8Array): SimulatedBlock | undefined {
    const bytes = this.read(digest);
    return bytes && decodeBlock(bytes);
  }

  #keep(bytes: Uint8Array): Uint8Array {
    const digest = sha256(bytes);
    this.#memory.set(toHex(digest), bytes);
    if (this.#memory.size > CACHE) {
      const [oldest] = this.#memory.keys();
      this.#memory.delete(oldest!);
    }
    return digest;
  }
}
