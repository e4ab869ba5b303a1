import { equalBytes } from "../formats/bytes.ts";
import { certificateProblem } from "./certificates.ts";
import type { Action, ConsensusEvent, Step } from "./events.ts";
import {
  type Certificate,
  certificateName,
  finalize,
  notarize,
  nullify,
  type Proposal,
  proposalOf,
  sameProposal,
  signBytes,
  type Statement,
  type Vote,
} from "./messages.ts";
import {
  mayFinalize,
  mayNotarize,
  mayNullify,
  raiseFloors,
  type VoteFloors,
} from "./permissions.ts";
import type { BlockContext, JournalRecord } from "./ports.ts";
import { type DurableFact, encodeFact } from "./records.ts";
import type { Round } from "./round.ts";
import { Rounds } from "./rounds.ts";
import type { SignatureScheme, Signer } from "./scheme.ts";
import type { CertificateName, TimeoutReason, VoteName } from "./status.ts";
import { Activity, backoff, type Timing } from "./timers.ts";
import type { ValidatorSet } from "./validators.ts";

export interface SimplexOptions {
  readonly validators: ValidatorSet;
  readonly scheme: SignatureScheme;
  readonly timing: Timing;
  readonly genesisDigest: Uint8Array;
  /** Index and signer of this validator; undefined for a node that only follows. */
  readonly self: { readonly index: number; readonly sign: Signer } | undefined;
  /** No vote of a kind is signed at or below its floor. */
  readonly floors: VoteFloors;
  /** A validator that must stay silent until a `recovered` event. */
  readonly silent: boolean;
  readonly now: number;
}

const PRUNE_STEP = 32;

/**
 * Simplex consensus of one node, as a function of its events: no clock, no I/O, no randomness.
 * One view per leader; a notarized view is left once its block is certified locally, a nullified or
 * finalized one at once.
 *
 * @see https://eprint.iacr.org/2023/463 Chan and Pass, "Simplex Consensus"
 */
export class Simplex {
  readonly rounds: Rounds;
  readonly activity: Activity;
  readonly #options: SimplexOptions;
  readonly #validators: ValidatorSet;
  readonly #timing: Timing;
  #floors: VoteFloors;
  #silent: boolean;
  #current = 0;
  #now: number;
  #prunedBelow = 0;
  /** The certificate of the highest view, whatever it says. */
  #newest: Certificate | undefined;
  #records: JournalRecord[] = [];
  #actions: Action[] = [];

  constructor(options: SimplexOptions) {
    const { validators, scheme, genesisDigest, timing, self, now } = options;
    this.#options = options;
    this.#validators = validators;
    this.#timing = timing;
    this.#floors = options.floors;
    this.#silent = options.silent;
    this.#now = now;
    this.rounds = new Rounds(validators, scheme, genesisDigest);
    this.activity = new Activity({
      validators: validators.size,
      quorum: validators.quorum,
      self: self?.index,
      timing,
      now,
    });
  }

  get current(): number {
    return this.#current;
  }

  get silent(): boolean {
    return this.#silent;
  }

  get newest(): Certificate | undefined {
    return this.#newest;
  }

  /** When the next `tick` is due. */
  get deadline(): number | undefined {
    const round = this.rounds.get(this.#current);
    const previous = this.rounds.get(this.#current - 1);
    const deadlines = [
      round?.leaderDeadline,
      round?.certificationDeadline,
      round?.retryDeadline,
      previous?.forwardDeadline,
    ].filter((deadline) => deadline !== undefined);
    return deadlines.length === 0 ? undefined : Math.min(...deadlines);
  }

  /**
   * Takes back what was durable before a restart, in its order; before `start`. Own votes are not
   * sent again, but they count for certificates that form here.
   */
  restore(fact: DurableFact): void {
    if (fact.type === "silent") this.#silent = true;
    else if (fact.type === "vote-above") this.#allowVotes(fact.view);
    else if (fact.type === "own-vote") this.#restoreVote(fact.vote);
    else if (fact.type === "certificate") this.#restoreCertificate(fact.certificate);
    else if (fact.view > this.rounds.lastFinalized) {
      this.rounds.open(fact.view).certify = fact.valid ? "true" : "false";
      if (fact.valid) this.rounds.certified(fact.view);
    }
  }

  #restoreVote(vote: Vote): void {
    const { statement } = vote;
    if (statement.view < this.#lowestView()) return;
    const round = this.rounds.open(statement.view);
    round.own[statement.kind] = vote;
    round.votes.add(vote, true);
    if (statement.kind !== "notarize") return;
    round.proposal = statement.proposal;
    round.status = "verified";
  }

  #restoreCertificate(certificate: Certificate): void {
    const { statement } = certificate;
    if (statement.view < this.#lowestView()) return;
    const round = this.rounds.open(statement.view);
    const name = certificateName(statement);
    round.certificates[name] = certificate;
    round.relayed.add(name);
    this.#adoptProposal(round, statement);
    if (name === "finalization") this.rounds.finalized(certificate);
    this.#noteNewest(certificate);
  }

  /** Enters the view that was reached before, and asks for what is open in it. */
  start(now: number): Step {
    this.#now = now;
    this.rounds.prune(this.#lowestView());
    let entry = this.rounds.lastFinalized;
    for (const { view, certificates, certify } of this.rounds)
      if (certificates.nullification !== undefined || certify === "true")
        entry = Math.max(entry, view);
    const { lastFinalization } = this.rounds;
    if (lastFinalization !== undefined) this.#announce(lastFinalization, undefined);
    for (const round of this.rounds) this.#requestCertification(round);
    this.#enter(entry + 1);
    const round = this.rounds.open(this.#current);
    if (round.own.nullify !== undefined) this.#awaitRetry(round);
    this.#advance(round);
    return this.#finish();
  }

  /** Applies one event. The records must be durable before the first action is carried out. */
  handle(event: ConsensusEvent, now: number): Step {
    this.#now = now;
    switch (event.type) {
      case "vote":
        this.#onVote(event.vote, event.from, false);
        break;
      case "own-vote":
        this.#onVote(event.vote, event.vote.signer, true);
        break;
      case "certificate":
        this.#onCertificate(event.certificate, event.peer, event.from);
        break;
      case "tick":
        this.#onTick();
        break;
      case "proposed":
        this.#onProposed(event.view, event.payload);
        break;
      case "verified":
        this.#onVerified(event.proposal, event.parentPayload, event.valid);
        break;
      case "certified":
        this.#onCertified(event.proposal, event.valid);
        break;
      case "recovered":
        this.#allowVotes(event.view);
        this.#record({ type: "vote-above", view: event.view });
        this.#advanceCurrent();
        this.#tryNullify(this.rounds.open(this.#current));
        break;
    }
    return this.#finish();
  }

  #finish(): Step {
    const step = { records: this.#records, actions: this.#actions };
    this.#records = [];
    this.#actions = [];
    return step;
  }

  #record(fact: DurableFact): void {
    this.#records.push(encodeFact(fact));
  }

  #act(action: Action): void {
    this.#actions.push(action);
  }

  #lowestView(): number {
    return Math.max(1, this.rounds.lastFinalized - this.#timing.retentionViews);
  }

  #allowVotes(view: number): void {
    this.#silent = false;
    this.#floors = raiseFloors(this.#floors, view);
  }

  #mayVote(kind: VoteName, view: number): boolean {
    return this.#options.self !== undefined && !this.#silent && view > this.#floors[kind];
  }

  #isSelf(index: number): boolean {
    return this.#options.self?.index === index;
  }

  #block(index: number, reason: string): void {
    if (this.#isSelf(index)) return;
    this.#act({ type: "block", peer: this.#validators.keyAt(index), reason });
  }

  // Entering and leaving views

  #enter(view: number): void {
    if (view <= this.#current) return;
    for (const left of [this.rounds.get(this.#current - 1), this.rounds.get(this.#current)])
      if (left !== undefined) clearDeadlines(left);
    this.#current = view;
    const round = this.rounds.open(view);
    round.enteredAt = this.#now;
    this.#armDeadlines(round, round.proposal === undefined, true);
    const previous = this.rounds.get(view - 1);
    if (previous?.certify === "true") previous.forwardDeadline = this.#now + this.#timing.forwardMs;
    this.#act({ type: "entered", view, leader: round.leader });
    const usable = round.proposal !== undefined && round.status !== "equivocated";
    if (round.votes.get("nullify", round.leader) !== undefined && !this.#isSelf(round.leader))
      this.#giveUp(round, "leader-nullified");
    else if (!usable && this.activity.skips(round.leader, this.#now))
      this.#giveUp(round, "leader-inactive");
    this.#tryNullify(round);
    this.#tryPropose();
  }

  #armDeadlines(round: Round, leader: boolean, certification: boolean): void {
    const { faults } = this.#validators;
    const scale = backoff(round.view, this.rounds.lastFinalized, faults);
    const from = round.enteredAt ?? this.#now;
    if (leader) round.leaderDeadline = from + this.#timing.leaderMs * scale;
    if (certification) round.certificationDeadline = from + this.#timing.certificationMs * scale;
  }

  /** A view may be entered before the newest finalization is known; its timers were too long then. */
  #shortenDeadlines(): void {
    const round = this.rounds.get(this.#current);
    if (round === undefined) return;
    const { leaderDeadline, certificationDeadline } = round;
    this.#armDeadlines(round, leaderDeadline !== undefined, certificationDeadline !== undefined);
  }

  #onTick(): void {
    const round = this.rounds.open(this.#current);
    const due = (deadline: number | undefined) => deadline !== undefined && deadline <= this.#now;
    if (due(round.leaderDeadline)) this.#giveUp(round, "leader-silent");
    if (due(round.certificationDeadline)) this.#giveUp(round, "not-certified");
    if (due(round.retryDeadline)) this.#retryNullify(round);
    const previous = this.rounds.get(this.#current - 1);
    if (previous !== undefined && due(previous.forwardDeadline)) this.#forward(previous);
  }

  /** Latches the reason; the vote follows once the view is current. */
  #giveUp(round: Round, reason: TimeoutReason): void {
    if (round.timeout === undefined) {
      round.timeout = reason;
      this.#act({ type: "timed-out", view: round.view, reason });
    }
    this.#tryNullify(round);
  }

  #tryNullify(round: Round): void {
    if (round.timeout === undefined || round.view !== this.#current) return;
    round.leaderDeadline = round.certificationDeadline = undefined;
    if (!mayNullify(round, this.#current) || !this.#mayVote("nullify", round.view)) return;
    this.#vote(round, nullify(this.#validators.epoch, round.view));
    this.#awaitRetry(round);
  }

  #awaitRetry(round: Round): void {
    round.leaderDeadline = round.certificationDeadline = undefined;
    round.retryDeadline = this.#now + this.#timing.nullifyRetryMs;
  }

  /** The same bytes again, also to the own collector, and the proof that opens this view to others. */
  #retryNullify(round: Round): void {
    const vote = round.own.nullify;
    if (vote === undefined) return;
    this.#act({ type: "send-vote", vote });
    const certificate = this.rounds.entryCertificate(round.view);
    if (certificate !== undefined) this.#act({ type: "send-certificate", certificate });
    this.#awaitRetry(round);
  }

  /** Offers the certified block of the view just left to those whose vote for it was not seen. */
  #forward(round: Round): void {
    round.forwardDeadline = undefined;
    const { proposal, votes } = round;
    if (proposal === undefined || this.#options.self === undefined) return;
    const to = this.#validators.keys
      .map((_, index) => index)
      .filter((index) => !this.#isSelf(index))
      .filter((index) => votes.get("notarize", index) === undefined)
      .filter((index) => votes.get("finalize", index) === undefined);
    if (to.length > 0) this.#act({ type: "forward", payload: proposal.payload, to });
  }

  // Proposing and verifying

  #tryPropose(): void {
    const round = this.rounds.get(this.#current);
    if (round === undefined || !this.#isSelf(round.leader)) return;
    if (round.buildingOn !== undefined || round.proposal !== undefined) return;
    if (round.own.nullify !== undefined || !this.#mayVote("notarize", round.view)) return;
    const ancestry = this.rounds.selectParent(round.view);
    if (ancestry.status !== "ready") return;
    const { view: parentView, payload: parentDigest } = ancestry.parent;
    round.buildingOn = parentView;
    this.#act({ type: "propose", context: this.#context(round, parentView, parentDigest) });
  }

  #context(round: Round, parentView: number, parentDigest: Uint8Array): BlockContext {
    const { view, leader } = round;
    return { epoch: this.#validators.epoch, view, leader, parentView, parentDigest };
  }

  #onProposed(view: number, payload: Uint8Array | undefined): void {
    const round = this.rounds.get(view);
    if (round?.buildingOn === undefined || view !== this.#current) return;
    if (round.proposal !== undefined || round.own.nullify !== undefined) return;
    if (payload === undefined) return this.#giveUp(round, "build-failed");
    const { epoch } = this.#validators;
    round.proposal = { epoch, view, parentView: round.buildingOn, payload };
    round.status = "verified";
    round.proposedAt = this.#now;
    round.leaderDeadline = undefined;
    this.#advance(round);
  }

  #tryVerify(round: Round): void {
    const { proposal, view } = round;
    if (proposal === undefined || round.status !== "unverified") return;
    if (round.verification !== undefined || this.#isSelf(round.leader)) return;
    if (round.own.nullify !== undefined || view <= this.rounds.lastFinalized) return;
    const ancestry = this.rounds.ancestryOf(proposal);
    if (ancestry.status === "invalid") return this.#giveUp(round, "invalid-proposal");
    if (ancestry.status === "pending") return;
    const { view: parentView, payload: parentPayload } = ancestry.parent;
    round.verification = { proposal, parentPayload };
    const context = this.#context(round, parentView, parentPayload);
    this.#act({ type: "verify", context, proposal });
  }

  #onVerified(proposal: Proposal, parentPayload: Uint8Array, valid: boolean): void {
    const round = this.rounds.get(proposal.view);
    const asked = round?.verification;
    if (round?.proposal === undefined || asked === undefined) return;
    const fresh =
      round.status === "unverified" &&
      sameProposal(round.proposal, proposal) &&
      sameProposal(asked.proposal, proposal) &&
      equalBytes(asked.parentPayload, parentPayload);
    if (!fresh) return;
    if (!valid) return this.#giveUp(round, "invalid-proposal");
    round.status = "verified";
    this.#advance(round);
  }

  // Votes

  #vote(round: Round, statement: Statement): void {
    const { self, validators } = this.#options;
    if (self === undefined) return;
    const signature = self.sign(signBytes(validators.genesisHash, statement));
    const vote = { statement, signer: self.index, signature };
    round.own[statement.kind] = vote;
    this.#record({ type: "own-vote", vote });
    this.#act({ type: "send-vote", vote });
  }

  #onVote(vote: Vote, from: number, own: boolean): void {
    const { statement, signer } = vote;
    if (signer !== from) return this.#block(from, `sent a vote of validator ${signer}`);
    if (statement.epoch !== this.#validators.epoch)
      return this.#block(from, `sent a vote of epoch ${statement.epoch}`);
    if (!own) this.activity.saw(from, this.#now);
    const { view } = statement;
    if (view < this.#lowestView() || view > this.#current + 1) return;
    const round = this.rounds.open(view);
    const admission = round.votes.add(vote, own);
    if (admission.status === "offence") {
      if (admission.evidence !== undefined)
        this.#act({ type: "evidence", evidence: admission.evidence });
      if (statement.kind === "notarize" && from === round.leader) round.status = "equivocated";
      return this.#block(from, admission.reason);
    }
    if (admission.status === "duplicate") return;
    if (statement.kind === "notarize" && from === round.leader)
      this.#onLeaderProposal(round, statement.proposal);
    if (statement.kind === "nullify" && from === round.leader && !own && view === this.#current)
      this.#giveUp(round, "leader-nullified");
    this.#formCertificate(round, statement.kind);
    this.#advance(round);
  }

  #onLeaderProposal(round: Round, proposal: Proposal): void {
    round.proposedAt ??= this.#now;
    if (round.proposal === undefined) {
      round.proposal = proposal;
      round.status = "unverified";
      round.leaderDeadline = undefined;
      for (const kind of ["notarize", "finalize"] as const) this.#formCertificate(round, kind);
    } else if (!sameProposal(round.proposal, proposal)) {
      round.status = "equivocated";
      this.#block(round.leader, "voted for another proposal than a certificate proves");
    }
  }

  #formCertificate(round: Round, kind: VoteName): void {
    const statement = this.#statement(round, kind);
    if (statement === undefined) return;
    if (round.certificates[certificateName(statement)] !== undefined) return;
    const { certificate, offenders } = round.votes.certify(statement);
    for (const offender of offenders) this.#block(offender, "sent a vote with a bad signature");
    if (certificate !== undefined) this.#gain(round, certificate, true);
  }

  #statement(round: Round, kind: VoteName): Statement | undefined {
    if (kind === "nullify") return nullify(this.#validators.epoch, round.view);
    if (round.proposal === undefined) return undefined;
    return kind === "notarize" ? notarize(round.proposal) : finalize(round.proposal);
  }

  // Certificates

  #onCertificate(certificate: Certificate, peer: string, from: number | undefined): void {
    const { statement } = certificate;
    const { view } = statement;
    if (view < this.#lowestView()) return;
    const known = this.rounds.get(view);
    if (known?.certificates[certificateName(statement)] !== undefined) {
      if (from !== undefined) this.activity.saw(from, this.#now);
      return;
    }
    const { scheme } = this.#options;
    const problem = certificateProblem(
      certificate,
      this.#validators,
      scheme,
      (signer, signature) => known?.votes.verified(statement, signer, signature) ?? false,
    );
    if (problem !== undefined)
      return this.#act({ type: "block", peer, reason: `sent a bad certificate: ${problem}` });
    if (from !== undefined) this.activity.saw(from, this.#now);
    this.#gain(this.rounds.open(view), certificate, false);
  }

  /** Takes in a certificate that is known to be valid. */
  #gain(round: Round, certificate: Certificate, formed: boolean): void {
    const { statement } = certificate;
    const kind = certificateName(statement);
    for (const evidence of round.votes.contradictions(certificate)) {
      this.#act({ type: "evidence", evidence });
      this.#block(evidence.signer, "its votes contradict a certificate that it signed");
    }
    round.certificates[kind] = certificate;
    this.#record({ type: "certificate", certificate });
    this.#act({ type: "gained", view: round.view, kind, formed });
    this.#noteNewest(certificate);
    this.#adoptProposal(round, statement);
    if (kind === "notarization") this.#requestCertification(round);
    else if (kind === "nullification") this.#enter(round.view + 1);
    else this.#onFinalization(round, certificate);
    for (const other of ["notarize", "finalize"] as const) this.#formCertificate(round, other);
    this.#advance(round);
    this.#advanceCurrent();
  }

  #noteNewest(certificate: Certificate): void {
    if (certificate.statement.view > (this.#newest?.statement.view ?? 0))
      this.#newest = certificate;
  }

  /** A certificate overrides what the leader's vote said. */
  #adoptProposal(round: Round, statement: Statement): void {
    const proposal = proposalOf(statement);
    if (proposal === undefined) return;
    round.leaderDeadline = undefined;
    if (round.proposal === undefined) {
      round.proposal = proposal;
      round.status = "unverified";
    } else if (!sameProposal(round.proposal, proposal)) {
      round.proposal = proposal;
      round.status = "equivocated";
      this.#block(round.leader, "its proposal contradicts a certificate");
    }
  }

  /** Also for views that were nullified or left: a later proposal may build on them. */
  #requestCertification(round: Round): void {
    const proposal = round.certificates.notarization?.statement;
    if (proposal === undefined || proposal.kind === "nullify") return;
    if (round.certify !== "idle" || round.view <= this.rounds.lastFinalized) return;
    round.certify = "outstanding";
    this.#act({ type: "certify", proposal: proposal.proposal, leader: round.leader });
  }

  #onCertified(proposal: Proposal, valid: boolean): void {
    const round = this.rounds.get(proposal.view);
    const notarized = round?.certificates.notarization?.statement;
    if (round?.certify !== "outstanding" || notarized === undefined) return;
    if (notarized.kind === "nullify" || !sameProposal(notarized.proposal, proposal)) return;
    round.certify = valid ? "true" : "false";
    this.#record({ type: "certified", view: proposal.view, payload: proposal.payload, valid });
    if (!valid) return this.#giveUp(round, "certification-failed");
    this.rounds.certified(round.view);
    this.#enter(round.view + 1);
    this.#advance(round);
    this.#advanceCurrent();
  }

  #onFinalization(round: Round, certificate: Certificate): void {
    if (this.rounds.finalized(certificate)) {
      const { proposedAt } = round;
      this.#announce(certificate, proposedAt === undefined ? undefined : this.#now - proposedAt);
      for (const known of this.rounds)
        if (known.view <= round.view && known.certify === "outstanding") known.certify = "aborted";
      this.#prune();
      this.#shortenDeadlines();
    }
    this.#enter(round.view + 1);
  }

  #announce(certificate: Certificate, latencyMs: number | undefined): void {
    const proposal = proposalOf(certificate.statement);
    if (proposal !== undefined) this.#act({ type: "finalized", certificate, proposal, latencyMs });
  }

  #prune(): void {
    const below = this.#lowestView();
    this.rounds.prune(below);
    if (below < this.#prunedBelow + PRUNE_STEP) return;
    this.#prunedBelow = below;
    this.#act({ type: "prune", below });
  }

  // The order of attempts after every event that touches a view

  #advance(round: Round): void {
    this.#tryVerify(round);
    if (mayNotarize(round, this.#current) && this.#mayVote("notarize", round.view))
      this.#vote(round, notarize(round.proposal!));
    this.#relay(round, "notarization");
    this.#relay(round, "nullification");
    if (mayFinalize(round, this.rounds.lastFinalized) && this.#mayVote("finalize", round.view))
      this.#vote(round, finalize(round.proposal!));
    this.#relay(round, "finalization");
  }

  /** New certificates may complete the ancestry of proposals that wait for it. */
  #advanceCurrent(): void {
    for (const view of [this.#current, this.#current + 1]) {
      const round = this.rounds.get(view);
      if (round !== undefined) this.#advance(round);
    }
    this.#tryPropose();
  }

  /** Every node sends every certificate once, whoever formed it. */
  #relay(round: Round, kind: CertificateName): void {
    const certificate = round.certificates[kind];
    if (certificate === undefined || round.relayed.has(kind)) return;
    round.relayed.add(kind);
    this.#act({ type: "send-certificate", certificate });
  }
}

function clearDeadlines(round: Round): void {
  round.leaderDeadline = round.certificationDeadline = undefined;
  round.retryDeadline = round.forwardDeadline = undefined;
}
