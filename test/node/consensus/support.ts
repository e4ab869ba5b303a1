import type { Action, ConsensusEvent, Step } from "../../../node/consensus/events.ts";
import {
  assembleCertificate,
  type Certificate,
  finalize,
  notarize,
  nullify,
  type Proposal,
  signBytes,
  type Statement,
  type Vote,
} from "../../../node/consensus/messages.ts";
import { decodeFact, type DurableFact } from "../../../node/consensus/records.ts";
import { Simplex, type SimplexOptions } from "../../../node/consensus/simplex.ts";
import type { Timing } from "../../../node/consensus/timers.ts";
import { ValidatorSet } from "../../../node/consensus/validators.ts";
import { sha256 } from "../../../node/formats/bytes.ts";
import { fakeScheme, fakeSigner } from "../../simulation/scheme.ts";

export const genesisHash = sha256("a test chain");
export const genesisDigest = sha256("its genesis block");
export const timing: Timing = {
  leaderMs: 100,
  certificationMs: 200,
  nullifyRetryMs: 150,
  inactiveMs: 1000,
  retentionViews: 10,
  forwardMs: 20,
};

/** Made-up public keys in ascending order: the cheap scheme knows validators by index. */
export function validatorsOf(size: number): ValidatorSet {
  const keys = Array.from({ length: size }, (_, i) => i.toString(16).padStart(64, "0"));
  return new ValidatorSet(keys, genesisHash);
}

export const four = validatorsOf(4);

export function payload(name: string): Uint8Array {
  return new Uint8Array(sha256(name));
}

export function proposal(view: number, parentView: number, name = `block ${view}`): Proposal {
  return { epoch: 0, view, parentView, payload: payload(name) };
}

export function voteOf(statement: Statement, signer: number): Vote {
  return { statement, signer, signature: fakeSigner(signer)(signBytes(genesisHash, statement)) };
}

export function certificateOf(
  statement: Statement,
  signers: readonly number[] = [0, 1, 2],
  size = 4,
): Certificate {
  const votes = signers.map((signer) => voteOf(statement, signer));
  return assembleCertificate(statement, votes, size);
}

export const notarization = (block: Proposal) => certificateOf(notarize(block));
export const finalization = (block: Proposal) => certificateOf(finalize(block));
export const nullification = (view: number) => certificateOf(nullify(0, view));

/** The index that leads a view, and one that does not. */
export const leaderOf = (view: number) => four.leader(view);
export const follower = (view: number) => (four.leader(view) + 1) % 4;

/** A state machine with its clock and everything it asked for. */
export class Driver {
  readonly core: Simplex;
  readonly self: number;
  readonly facts: DurableFact[] = [];
  readonly actions: Action[] = [];
  now = 0;

  constructor(self: number, options: Partial<SimplexOptions> = {}, restored: DurableFact[] = []) {
    this.self = self;
    this.core = new Simplex({
      validators: four,
      scheme: fakeScheme,
      timing,
      genesisDigest,
      self: { index: self, sign: fakeSigner(self) },
      floors: { notarize: 0, nullify: 0, finalize: 0 },
      silent: false,
      now: 0,
      ...options,
    });
    for (const fact of restored) this.core.restore(fact);
    this.#take(this.core.start(0));
  }

  /** Hands over an event; own votes come back at once, as the shell brings them. */
  event(event: ConsensusEvent): this {
    this.#take(this.core.handle(event, this.now));
    return this;
  }

  vote(statement: Statement, signer: number): this {
    return this.event({ type: "vote", from: signer, vote: voteOf(statement, signer) });
  }

  certificate(certificate: Certificate, from = 3): this {
    const peer = four.keyAt(from);
    return this.event({ type: "certificate", peer, from, certificate });
  }

  /** Lets time pass up to `time`, with a tick at every deadline. */
  until(time: number): this {
    for (let at = this.core.deadline; at !== undefined && at <= time; at = this.core.deadline) {
      this.now = Math.max(this.now, at);
      this.event({ type: "tick" });
    }
    this.now = time;
    return this;
  }

  /** The application finds a proposal of the leader valid. */
  accept(block: Proposal, parent = genesisDigest): this {
    this.vote(notarize(block), four.leader(block.view));
    return this.event({ type: "verified", proposal: block, parentPayload: parent, valid: true });
  }

  certify(block: Proposal, valid = true): this {
    this.certificate(notarization(block));
    return this.event({ type: "certified", proposal: block, valid });
  }

  /** Statements voted for so far, such as "nullify 3"; repeated sendings appear again. */
  get votes(): string[] {
    return this.of("send-vote").map(({ vote }) => `${vote.statement.kind} ${vote.statement.view}`);
  }

  get certificates(): string[] {
    return this.of("send-certificate").map(
      ({ certificate: { statement } }) => `${statement.kind} ${statement.view}`,
    );
  }

  of<T extends Action["type"]>(type: T): Extract<Action, { type: T }>[] {
    return this.actions.filter(
      (action): action is Extract<Action, { type: T }> => action.type === type,
    );
  }

  clear(): this {
    this.actions.length = 0;
    return this;
  }

  #take({ records, actions }: Step): void {
    for (const { bytes } of records) this.facts.push(decodeFact(bytes, 4));
    this.actions.push(...actions);
    for (const action of actions)
      if (action.type === "send-vote") this.event({ type: "own-vote", vote: action.vote });
  }
}
