import { equalBytes, toHex } from "../../node/formats/bytes.ts";
import {
  type Certificate,
  encodeVote,
  signBytes,
  type Vote,
} from "../../node/consensus/messages.ts";
import type { BlockContext, FinalizedBlock, JournalRecord } from "../../node/consensus/ports.ts";
import { decodeFact, encodeFact } from "../../node/consensus/records.ts";
import type { SignatureScheme } from "../../node/consensus/scheme.ts";
import { genesisDigest, type SimulatedBlock } from "./blocks.ts";
import type { Disk } from "./disk.ts";

export class InvariantError extends Error {
  override readonly name = "InvariantError";
}

/** Refuses with the name of the invariant, so that a failure says which promise was broken. */
export function hold(condition: boolean, invariant: string, detail: () => string): void {
  if (!condition) throw new InvariantError(`${invariant}: ${detail()}`);
}

interface Finalization {
  readonly payload: string;
  readonly parentView: number;
}

export interface OracleOptions {
  readonly validators: number;
  readonly genesisHash: Uint8Array;
  readonly scheme: SignatureScheme;
  readonly retention: number;
}

/**
 * Watches everything that honest nodes say and remember, over all their incarnations, and checks the
 * promises of the protocol as it happens. Its arithmetic is its own, not the code's under test.
 */
export class Oracle {
  readonly #options: OracleOptions;
  readonly #quorum: number;
  readonly #notarized = new Map<number, string>();
  readonly #nullified = new Set<number>();
  readonly #finalized = new Map<number, Finalization>();
  /** What each honest key ever said, by key and view. */
  readonly #said = new Map<string, string>();
  readonly #chain: string[] = [];
  readonly #timestamps: number[] = [];
  readonly #views: number[] = [];
  readonly #verified = new Set<string>();
  readonly #certifiedBlocks = new Set<string>();
  readonly #certificates = new Set<string>();
  highestFinalizedView = 0;

  constructor(options: OracleOptions) {
    this.#options = options;
    let quorum = 0;
    while (3 * quorum <= 2 * options.validators) quorum++;
    this.#quorum = quorum;
  }

  get chainHeight(): number {
    return this.#chain.length;
  }

  get finalizedViews(): number {
    return this.#finalized.size;
  }

  /** An honest node put a vote on the wire, in a step that led it from one view to another. */
  voted(node: number, vote: Vote, disk: Disk, views: { from: number; to: number }): void {
    const { statement, signer } = vote;
    hold(signer === node, "S11", () => `node ${node} signs as ${signer}`);
    const record = encodeFact({ type: "own-vote", vote });
    hold(disk.contains(record), "S12", () => `${statement.kind}(${statement.view}) is not durable`);
    const content = toHex(encodeVote(vote));
    const key = (kind: string) => `${node} ${kind} ${statement.view}`;
    const before = this.#said.get(key(statement.kind));
    if (before !== undefined) {
      hold(before === content, "S11/S19", () => `node ${node} said two ${key(statement.kind)}`);
      return;
    }
    this.#said.set(key(statement.kind), content);
    const opposite = { finalize: "nullify", nullify: "finalize", notarize: "none" }[statement.kind];
    hold(!this.#said.has(key(opposite)), "S11", () => `nullify and finalize: ${key(opposite)}`);
    this.#checkLegal(node, vote, views);
  }

  #checkLegal(node: number, { statement }: Vote, views: { from: number; to: number }): void {
    if (statement.kind === "nullify") {
      const current = views.from <= statement.view && statement.view <= views.to;
      return hold(current, "S20", () => `nullify(${statement.view}) in view ${views.to}`);
    }
    const { payload, parentView } = statement.proposal;
    const name = `${node} ${statement.view} ${parentView} ${toHex(payload)}`;
    if (statement.kind === "notarize")
      return hold(this.#verified.has(name), "S20", () => `notarize of unverified ${name}`);
    const certified = this.#certifiedBlocks.has(`${node} ${statement.view} ${toHex(payload)}`);
    hold(certified, "S20", () => `finalize of uncertified ${name}`);
    const notarized = this.#notarized.get(statement.view) === toHex(payload);
    hold(notarized, "S20", () => `finalize without notarization of ${name}`);
  }

  /** The application of a node found a proposal valid, or made it. */
  verified(node: number, { view, parentView }: BlockContext, digest: Uint8Array): void {
    this.#verified.add(`${node} ${view} ${parentView} ${toHex(digest)}`);
  }

  certified(node: number, view: number, digest: Uint8Array): void {
    this.#certifiedBlocks.add(`${node} ${view} ${toHex(digest)}`);
  }

  /** An honest node made facts durable. */
  appended(records: readonly JournalRecord[]): void {
    for (const { bytes } of records) {
      const fact = decodeFact(bytes, this.#options.validators);
      if (fact.type === "certificate") this.gained(fact.certificate);
    }
  }

  /** An honest node holds or sends a certificate. */
  gained(certificate: Certificate): void {
    const name = toHex(certificate.bytes);
    if (this.#certificates.has(name)) return;
    this.#checkCertificate(certificate);
    this.#certificates.add(name);
    const { statement } = certificate;
    const { view } = statement;
    if (statement.kind === "nullify") {
      hold(!this.#finalized.has(view), "S7", () => `view ${view} is nullified and finalized`);
      this.#nullified.add(view);
      return;
    }
    const payload = `${statement.proposal.parentView} ${toHex(statement.proposal.payload)}`;
    if (statement.kind === "notarize") this.#gainNotarization(view, payload);
    else this.#gainFinalization(view, statement.proposal.parentView, payload);
  }

  #checkCertificate({ statement, signers, signatures }: Certificate): void {
    const { validators, genesisHash, scheme } = this.#options;
    const distinct = new Set(signers);
    hold(distinct.size === signers.length, "S10", () => `signers ${signers} repeat`);
    hold(distinct.size >= this.#quorum, "S10", () => `${signers.length} of ${this.#quorum}`);
    const message = signBytes(genesisHash, statement);
    for (const [position, signer] of signers.entries()) {
      hold(signer >= 0 && signer < validators, "S10", () => `signer ${signer}`);
      const good = scheme.verify(signer, message, signatures[position]!);
      hold(good, "S10", () => `a bad signature of ${signer}`);
    }
  }

  #gainNotarization(view: number, payload: string): void {
    const digest = payload.split(" ")[1]!;
    const known = this.#notarized.get(view);
    hold(known === undefined || known === digest, "S8", () => `two notarizations in view ${view}`);
    this.#notarized.set(view, digest);
  }

  #gainFinalization(view: number, parentView: number, payload: string): void {
    const known = this.#finalized.get(view);
    if (known !== undefined)
      return hold(known.payload === payload, "S1", () => `two finalizations in view ${view}`);
    hold(!this.#nullified.has(view), "S7", () => `view ${view} is nullified and finalized`);
    const notarized = this.#notarized.get(view) === payload.split(" ")[1];
    hold(notarized, "S9", () => `view ${view} is finalized and not notarized`);
    hold(parentView < view, "S5", () => `view ${view} has parent ${parentView}`);
    for (const [other, { parentView: otherParent }] of this.#finalized) {
      const inside = (parentView < other && other < view) || (otherParent < view && view < other);
      hold(!inside, "S5", () => `finalized views ${other} and ${view} skip each other`);
    }
    for (let skipped = parentView + 1; skipped < view; skipped++)
      hold(this.#nullified.has(skipped), "S6", () => `view ${view} skips ${skipped}`);
    this.#finalized.set(view, { payload, parentView });
    this.highestFinalizedView = Math.max(this.highestFinalizedView, view);
  }

  /** A node applied a block on top of `height - 1` others. */
  applied(height: number, block: FinalizedBlock, header: SimulatedBlock): void {
    const name = toHex(block.digest);
    hold(header.height === height, "S2", () => `block ${header.height} applied at ${height}`);
    const known = this.#chain[height - 1];
    hold(known === undefined || known === name, "S2/S3", () => `two blocks at height ${height}`);
    if (known !== undefined) return;
    hold(this.#chain.length === height - 1, "S3", () => `height ${height} leaves a gap`);
    const parent = this.#chain[height - 2] ?? toHex(genesisDigest);
    hold(toHex(header.parentDigest) === parent, "S4", () => `height ${height} has another parent`);
    const later = header.timestamp > (this.#timestamps.at(-1) ?? 0);
    hold(later, "S4", () => `the time of height ${height} does not grow`);
    const higher = header.view > (this.#views.at(-1) ?? 0);
    hold(higher, "S4", () => `the view of height ${height} does not grow`);
    this.#chain.push(name);
    this.#timestamps.push(header.timestamp);
    this.#views.push(header.view);
    if (!equalBytes(block.certifies, block.digest)) return;
    const finalized = this.#finalized.get(header.view);
    const proven = finalized?.payload === `${header.parentView} ${name}`;
    hold(proven, "S4", () => `height ${height} does not match its certificate`);
  }
}

/** What may never go back within one incarnation, and what stays bounded. */
export class Watch {
  #view = 0;
  #finalized = 0;
  #height = 0;

  /** Before the event that is being handled. */
  get view(): number {
    return this.#view;
  }

  check(
    status: {
      readonly view: number;
      readonly lastFinalizedView: number;
      readonly deliveredHeight: number;
      readonly trackedViews: number;
    },
    retention: number,
  ): void {
    const { view, lastFinalizedView, deliveredHeight, trackedViews } = status;
    hold(view >= this.#view, "S16", () => `view ${view} after ${this.#view}`);
    hold(lastFinalizedView >= this.#finalized, "S16", () => `finalized view ${lastFinalizedView}`);
    hold(deliveredHeight >= this.#height, "S16", () => `height ${deliveredHeight}`);
    const bound = retention + 2 + (view - lastFinalizedView);
    hold(trackedViews <= bound, "S18", () => `${trackedViews} views, allowed: ${bound}`);
    this.#view = view;
    this.#finalized = lastFinalizedView;
    this.#height = deliveredHeight;
  }
}
