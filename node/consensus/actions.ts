import { toHex } from "../formats/bytes.ts";
import type { Delivery } from "./delivery.ts";
import type { Action, ConsensusEvent } from "./events.ts";
import { encodeEvidence, type Evidence } from "./evidence.ts";
import { encodeVote } from "./messages.ts";
import type {
  Application,
  BlockContext,
  ConsensusTransport,
  EvidenceStore,
  Journal,
} from "./ports.ts";
import type { ConsensusObserver } from "./status.ts";
import type { BlockTasks } from "./tasks.ts";
import type { ValidatorSet } from "./validators.ts";

export interface ActionHost {
  readonly application: Application;
  readonly transport: ConsensusTransport;
  readonly journal: Journal;
  readonly evidence: EvidenceStore;
  readonly validators: ValidatorSet;
  readonly self: number | undefined;
  readonly tasks: BlockTasks;
  readonly delivery: Delivery;
  readonly observer: ConsensusObserver;
  now(): number;
  /** Something that the state machine must hear. */
  post(event: ConsensusEvent): void;
  /** Views that are over: the newest final one and the one before the current. */
  position(): { readonly finalized: number; readonly current: number };
}

/** Kinds of evidence already stored; one piece against a signer in a view is enough. */
const MAX_REPORTED = 1024;

/** Carries out what a step asks for, once its records are durable. */
export class ActionRunner {
  readonly #host: ActionHost;
  readonly #reported = new Set<string>();
  #building: { readonly view: number; readonly controller: AbortController } | undefined;
  /** Nothing below this view is needed once the chain has passed it. */
  #pruneBelow = 0;

  constructor(host: ActionHost) {
    this.#host = host;
  }

  /** Whether the application is building a block. */
  get building(): boolean {
    return this.#building !== undefined;
  }

  stop(): void {
    this.#building?.controller.abort();
    this.#building = undefined;
  }

  /** The chain passed this view: unfinalized blocks of the views given up before may go. */
  pruneUpTo(deliveredView: number): void {
    if (this.#pruneBelow === 0 || deliveredView < this.#pruneBelow) return;
    this.#host.application.prune(this.#pruneBelow);
    this.#pruneBelow = 0;
  }

  run(action: Action): void {
    const { transport, tasks, delivery, observer, journal } = this.#host;
    switch (action.type) {
      case "send-vote": {
        const { kind, view } = action.vote.statement;
        transport.broadcast("votes", encodeVote(action.vote), "validators");
        observer.voteSent?.({ view, kind });
        return this.#host.post({ type: "own-vote", vote: action.vote });
      }
      case "send-certificate": {
        const { statement, bytes } = action.certificate;
        const audience = statement.kind === "finalize" ? "everyone" : "validators";
        return transport.broadcast("certificates", bytes, audience);
      }
      case "propose":
        return this.#propose(action.context);
      case "verify":
        return tasks.add({ kind: "verify", ...action });
      case "certify":
        return tasks.add({ kind: "certify", ...action });
      case "finalized": {
        const { certificate, proposal, latencyMs } = action;
        this.#dropTasks();
        observer.viewFinalized?.({ view: proposal.view, latencyMs });
        return delivery.finalized(certificate.bytes, proposal);
      }
      case "forward":
        return this.#forward(action.payload, action.to);
      case "entered": {
        const { view, leader } = action;
        if (this.#building !== undefined && this.#building.view < view) this.stop();
        this.#dropTasks();
        return observer.viewEntered?.({ view, leader, isLeader: leader === this.#host.self });
      }
      case "timed-out":
        return observer.viewTimedOut?.({
          view: action.view,
          leader: this.#host.validators.leader(action.view),
          reason: action.reason,
        });
      case "gained":
        return observer.certificate?.({
          view: action.view,
          kind: action.kind,
          formed: action.formed,
        });
      case "block":
        observer.log?.("warn", "peer blocked", { peer: action.peer, reason: action.reason });
        return transport.block(action.peer, action.reason);
      case "evidence":
        return this.#report(action.evidence);
      case "prune":
        this.#pruneBelow = action.below;
        return journal.prune(action.below);
    }
  }

  #dropTasks(): void {
    const { finalized, current } = this.#host.position();
    this.#host.tasks.drop(finalized, current);
  }

  #propose(context: BlockContext): void {
    const { application, observer } = this.#host;
    this.stop();
    const building = { view: context.view, controller: new AbortController() };
    this.#building = building;
    const startedAt = this.#host.now();
    application.propose(context, building.controller.signal).then(
      (block) => {
        if (this.#building !== building) return;
        this.#building = undefined;
        if (block !== undefined) {
          const buildMs = this.#host.now() - startedAt;
          observer.proposed?.({ view: context.view, bytes: block.bytes.length, buildMs });
          // Bytes are not a vote: they may leave before anything is durable.
          this.#host.transport.broadcast("blocks", block.bytes, "everyone");
        }
        this.#host.post({ type: "proposed", view: context.view, payload: block?.digest });
      },
      (error: unknown) => {
        if (this.#building !== building) return;
        this.#building = undefined;
        observer.log?.("warn", "building a block failed", { view: context.view, error });
        this.#host.post({ type: "proposed", view: context.view, payload: undefined });
      },
    );
  }

  #forward(payload: Uint8Array, to: readonly number[]): void {
    const { application, transport, validators } = this.#host;
    const bytes = application.read(payload);
    if (bytes === undefined) return;
    for (const index of to) transport.send(validators.keyAt(index), "blocks", bytes);
  }

  #report(evidence: Evidence): void {
    const { kind, view } = evidence;
    const signer = this.#host.validators.keyAt(evidence.signer);
    const name = `${kind} ${view} ${signer}`;
    if (this.#reported.has(name)) return;
    if (this.#reported.size >= MAX_REPORTED) this.#reported.clear();
    this.#reported.add(name);
    this.#host.evidence.record({ kind, signer, view, bytes: encodeEvidence(evidence) });
    this.#host.observer.evidence?.({ kind, signer, view });
    this.#host.observer.log?.("error", "a validator broke the rules", {
      kind,
      signer,
      view,
      payloads: [evidence.first, evidence.second].map(({ statement }) =>
        statement.kind === "nullify" ? "none" : toHex(statement.proposal.payload),
      ),
    });
  }
}
