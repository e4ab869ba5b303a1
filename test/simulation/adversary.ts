import {
  assembleCertificate,
  decodeVote,
  encodeVote,
  finalize,
  notarize,
  nullify,
  type Proposal,
  proposalOf,
  signBytes,
  type Statement,
  type Vote,
} from "../../node/consensus/messages.ts";
import type { Signer } from "../../node/consensus/scheme.ts";
import { sha256 } from "../../node/formats/bytes.ts";
import { decodeBlock, encodeBlock, type SimulatedBlock } from "./blocks.ts";
import type { Interceptor } from "./network.ts";
import type { Random } from "./random.ts";

/** What the one bad validator does. Its engine is the honest one; its words are changed on the way. */
export const behaviours = [
  "silent",
  "equivocator",
  "conflicter",
  "nuller",
  "nullify-only",
  "withholder",
  "bad-signatures",
  "outdated",
  "impersonator",
  "wrong-epoch",
  "invalid-blocks",
  "uncertifiable-blocks",
  "bad-parents",
  "eager-finalizer",
  "selective",
  "false-certificates",
  "garbage",
  "twins",
  "chaos",
] as const;

export type Behaviour = (typeof behaviours)[number];

/** Behaviours that "chaos" mixes, one per message. */
const mixed = behaviours.filter(
  (behaviour) => behaviour !== "chaos" && behaviour !== "twins" && behaviour !== "silent",
);

export interface AdversaryOptions {
  readonly behaviour: Behaviour;
  readonly random: Random;
  readonly index: number;
  readonly sign: Signer;
  readonly genesisHash: Uint8Array;
  readonly validators: number;
}

/** Says other things to other peers, with its own valid signatures. */
export class Adversary {
  readonly #options: AdversaryOptions;
  /** The other block of a view, for those who are shown that one. */
  readonly #others = new Map<number, Uint8Array>();
  readonly #recent: Vote[] = [];

  constructor(options: AdversaryOptions) {
    this.#options = options;
  }

  readonly intercept: Interceptor = (to, channel, message) => {
    const { behaviour, random } = this.#options;
    const now = behaviour === "chaos" ? random.pick(mixed) : behaviour;
    if (now === "silent") return [];
    if (now === "selective") return random.chance(0.5) ? [message] : [];
    if (now === "garbage" && random.chance(0.1))
      return [message.map((byte) => byte ^ random.integer(0, 255))];
    if (channel === "votes") return this.#votes(now, to, decodeVote(message), message);
    if (channel === "blocks") return this.#blocks(now, message);
    return this.#certificates(now, message);
  };

  /** Shapes a block that its own engine builds. */
  shape(block: SimulatedBlock): SimulatedBlock {
    const { behaviour, random } = this.#options;
    const flawed = behaviour === "chaos" ? random.pick(mixed) : behaviour;
    if (flawed === "invalid-blocks") return { ...block, flaw: "invalid" };
    if (flawed === "uncertifiable-blocks") return { ...block, flaw: "uncertifiable" };
    if (flawed === "bad-parents")
      return { ...block, parentView: Math.max(0, block.parentView - random.integer(0, 2)) };
    return block;
  }

  #votes(behaviour: Behaviour, to: string, vote: Vote, bytes: Uint8Array): Uint8Array[] {
    const { random } = this.#options;
    this.#recent.push(vote);
    if (this.#recent.length > 64) this.#recent.shift();
    const { view } = vote.statement;
    const proposal = proposalOf(vote.statement);
    switch (behaviour) {
      case "equivocator":
        return this.#equivocate(to, vote, bytes);
      case "conflicter":
        return [
          bytes,
          this.#say(notarize(this.#invented(view))),
          this.#say(finalize(this.#invented(view))),
        ];
      case "nuller":
        return [
          bytes,
          this.#say(nullify(0, view)),
          ...(proposal ? [this.#say(finalize(proposal))] : []),
        ];
      case "nullify-only":
        return [this.#say(nullify(0, view))];
      case "bad-signatures":
        return [encodeVote({ ...vote, signature: vote.signature.map((byte) => byte ^ 1) })];
      case "outdated":
        return [encodeVote(random.pick(this.#recent))];
      case "impersonator":
        return [encodeVote({ ...vote, signer: random.integer(0, this.#options.validators - 1) })];
      case "wrong-epoch":
        return [this.#say({ ...vote.statement, epoch: 1 })];
      case "bad-parents":
        return proposal && vote.statement.kind === "notarize"
          ? [this.#say(notarize({ ...proposal, parentView: random.integer(0, view + 1) }))]
          : [bytes];
      case "eager-finalizer":
        return [bytes, ...(proposal ? [this.#say(finalize(proposal))] : [])];
      default:
        return [bytes];
    }
  }

  /** Half of the peers are shown one block, the others another. */
  #equivocate(to: string, vote: Vote, bytes: Uint8Array): Uint8Array[] {
    const proposal = proposalOf(vote.statement);
    const other = proposal && this.#others.get(proposal.view);
    if (proposal === undefined || other === undefined || !this.#victim(to)) return [bytes];
    const changed = { ...proposal, payload: sha256(other) };
    const statement = vote.statement.kind === "notarize" ? notarize(changed) : finalize(changed);
    return [this.#say(statement)];
  }

  #blocks(behaviour: Behaviour, bytes: Uint8Array): Uint8Array[] {
    if (behaviour === "withholder") return this.#options.random.chance(0.3) ? [bytes] : [];
    const block = decodeBlock(bytes);
    if (behaviour !== "equivocator" || block?.leader !== this.#options.index) return [bytes];
    const other = encodeBlock({ ...block, salt: block.salt + 1_000_000 });
    this.#others.set(block.view, other);
    return [bytes, other];
  }

  /** A certificate with too few signers, or with its own signature in everybody's place. */
  #certificates(behaviour: Behaviour, bytes: Uint8Array): Uint8Array[] {
    if (behaviour !== "false-certificates") return [bytes];
    const { random, validators, index, sign, genesisHash } = this.#options;
    const view = this.#recent.at(-1)?.statement.view ?? 1;
    const statement = random.chance(0.5) ? nullify(0, view) : finalize(this.#invented(view));
    const signature = sign(signBytes(genesisHash, statement));
    const everyone = Array.from({ length: validators }, (_, signer) => ({ signer, signature }));
    const votes = random.chance(0.5) ? everyone : [{ signer: index, signature }];
    return [assembleCertificate(statement, votes, validators).bytes];
  }

  #invented(view: number): Proposal {
    const payload = new Uint8Array(32).fill(this.#options.random.integer(0, 255));
    return { epoch: 0, view, parentView: Math.max(0, view - 1), payload };
  }

  #say(statement: Statement): Uint8Array {
    const { index, sign, genesisHash } = this.#options;
    // An altered statement must not contradict itself: its epoch is repeated in its proposal.
    const proposal = proposalOf(statement);
    const said =
      proposal === undefined || statement.kind === "nullify"
        ? statement
        : { ...statement, proposal: { ...proposal, epoch: statement.epoch } };
    return encodeVote({
      statement: said,
      signer: index,
      signature: sign(signBytes(genesisHash, said)),
    });
  }

  #victim(to: string): boolean {
    return sha256(to)[0]! % 2 === 0;
  }
}
