import { ActionRunner } from "./actions.ts";
import { certificateProblem } from "./certificates.ts";
import type { Clock } from "./clock.ts";
import { Delivery } from "./delivery.ts";
import type { ConsensusEvent, Step } from "./events.ts";
import { Fetcher } from "./fetcher.ts";
import { decodeCertificate, encodeVote, type Proposal, proposalOf } from "./messages.ts";
import type { Application, ConsensusTransport, EvidenceStore, Journal } from "./ports.ts";
import { Recovery } from "./recovery.ts";
import type { SignatureScheme } from "./scheme.ts";
import { latestCertificates, Server } from "./serving.ts";
import type { Simplex } from "./simplex.ts";
import { describeStatus } from "./snapshot.ts";
import type { ConsensusObserver, ConsensusStatus } from "./status.ts";
import { type BlockTask, BlockTasks } from "./tasks.ts";
import type { Timing } from "./timers.ts";
import type { ValidatorSet } from "./validators.ts";

export interface SessionParts {
  readonly simplex: Simplex;
  readonly validators: ValidatorSet;
  readonly scheme: SignatureScheme;
  readonly timing: Timing;
  readonly self: number | undefined;
  readonly clock: Clock;
  readonly application: Application;
  readonly transport: ConsensusTransport;
  readonly journal: Journal;
  readonly evidence: EvidenceStore;
  readonly observer: ConsensusObserver;
  readonly maxBlockBytes: number;
  readonly onFatal: (error: Error) => void;
}

/** How often the application is asked again about a block that it could not judge. */
const RETRY_MS = 100;
/** Without a finalization for this many certification timeouts, others are asked for theirs. */
const STALE_TIMEOUTS = 1.5;
const NOTHING = new Uint8Array();

/**
 * One run of consensus, from replay to the end of the process. Events are handled one at a time:
 * what a step wants remembered is durable before anything of that step is carried out.
 */
export class Session {
  readonly #parts: SessionParts;
  readonly #tasks: BlockTasks;
  readonly #delivery: Delivery;
  readonly #actions: ActionRunner;
  readonly #fetcher: Fetcher;
  readonly #server: Server;
  readonly #recovery: Recovery | undefined;
  readonly #queue: ConsensusEvent[] = [];
  #working = false;
  #stopped = false;
  #tick: { readonly at: number; readonly cancel: () => void } | undefined;
  #cancelRetry: (() => void) | undefined;
  #progressAt: number;

  constructor(parts: SessionParts) {
    this.#parts = parts;
    const { simplex, application, transport, clock, self, validators } = parts;
    const now = () => clock.now();
    this.#progressAt = now();
    this.#tasks = new BlockTasks({
      application,
      settled: (task, valid, reason) => this.#settled(task, valid, reason),
      failed: (task, error) => this.#taskFailed(task, error),
      changed: () => this.#changed(),
    });
    this.#delivery = new Delivery({
      application,
      finalizedBy: (certificate) => this.#finalizedBy(certificate),
      delivered: (height, view, bytes) => this.#delivered(height, view, bytes),
      changed: () => this.#changed(),
      fatal: (error) => this.#fail(error),
    });
    const { journal, evidence, observer, timing, maxBlockBytes } = parts;
    const shared = { application, transport, validators, tasks: this.#tasks };
    this.#actions = new ActionRunner({
      ...shared,
      journal,
      evidence,
      observer,
      self,
      delivery: this.#delivery,
      now,
      post: (event) => this.post(event),
      position: () => ({ finalized: simplex.rounds.lastFinalized, current: simplex.current }),
    });
    this.#server = new Server(simplex, application, now);
    this.#recovery =
      simplex.silent && self !== undefined ? new Recovery(validators, self) : undefined;
    this.#fetcher = new Fetcher({
      ...shared,
      simplex,
      timing,
      clock,
      maxBlockBytes,
      delivery: this.#delivery,
      stale: () => this.#stale(),
      receivedCertificate: (peer, certificate) =>
        this.post({ type: "certificate", peer, from: validators.indexOf(peer), certificate }),
      receivedBlock: () => this.blockArrived(),
      toldLatest: (peer) => this.#toldLatest(peer),
      misbehaved: (peer, reason) => this.refuse(peer, "requests", reason),
      requested: (kind, ok) => observer.requested?.({ kind, ok }),
    });
  }

  begin(): void {
    this.#working = true;
    this.#carryOut(this.#parts.simplex.start(this.#parts.clock.now()));
    this.#working = false;
    this.#drain();
  }

  /** Ends it: nothing is sent or signed any more; waits for the block that is being applied. */
  async stop(): Promise<void> {
    this.#halt();
    await this.#delivery.stop();
  }

  post(event: ConsensusEvent): void {
    if (this.#stopped) return;
    this.#queue.push(event);
    this.#drain();
  }

  blockArrived(): void {
    if (this.#stopped) return;
    this.#tasks.retry();
    this.#delivery.pump();
  }

  answer(peer: string, message: Uint8Array): Uint8Array {
    return this.#stopped ? NOTHING : this.#server.answer(peer, message);
  }

  refuse(peer: string, channel: string, reason: string): void {
    this.#parts.observer.refused?.({ peer, channel, reason });
    this.#parts.transport.block(peer, reason);
  }

  /** Tells a node that was connected where consensus stands. */
  greet(peer: string): void {
    if (this.#stopped) return;
    const { simplex, transport, validators } = this.#parts;
    for (const { bytes } of latestCertificates(simplex))
      transport.send(peer, "certificates", bytes);
    const vote = simplex.rounds.get(simplex.current)?.own.nullify;
    if (vote !== undefined && validators.indexOf(peer) !== undefined)
      transport.send(peer, "votes", encodeVote(vote));
    this.#fetcher.poke();
  }

  get position(): { view: number; lastFinalizedView: number } {
    const { current, rounds } = this.#parts.simplex;
    return { view: current, lastFinalizedView: rounds.lastFinalized };
  }

  get trackedViews(): number {
    return this.#parts.simplex.rounds.size;
  }

  status(): ConsensusStatus {
    const { simplex, validators, self, clock, application } = this.#parts;
    return describeStatus({
      simplex,
      validators,
      self,
      building: this.#actions.building,
      catchingUp: this.#delivery.catchingUp,
      deliveredHeight: application.applied.height,
      now: clock.now(),
    });
  }

  // One step after the other

  #drain(): void {
    if (this.#working) return;
    this.#working = true;
    const { simplex, clock } = this.#parts;
    for (let event = this.#queue.shift(); event !== undefined; event = this.#queue.shift())
      this.#carryOut(simplex.handle(event, clock.now()));
    this.#working = false;
    if (this.#stopped) return;
    this.#recover();
    this.#scheduleTick();
    this.#changed();
  }

  #carryOut({ records, actions }: Step): void {
    if (this.#stopped) return;
    const { journal, observer, clock } = this.#parts;
    try {
      if (records.length > 0) {
        const startedAt = clock.now();
        journal.append(records);
        observer.journaled?.({ records: records.length, durationMs: clock.now() - startedAt });
      }
      for (const action of actions) {
        if (action.type === "finalized") this.#progressAt = clock.now();
        this.#actions.run(action);
      }
    } catch (error) {
      this.#fail(error);
    }
  }

  #fail(error: unknown): void {
    if (this.#stopped) return;
    this.#halt();
    this.#parts.onFatal(error instanceof Error ? error : new Error(String(error)));
  }

  #halt(): void {
    this.#stopped = true;
    this.#queue.length = 0;
    this.#actions.stop();
    this.#tasks.clear();
    this.#fetcher.stop();
    this.#tick?.cancel();
    this.#cancelRetry?.();
  }

  #scheduleTick(): void {
    const { simplex, clock } = this.#parts;
    const at = simplex.deadline;
    if (at === this.#tick?.at) return;
    this.#tick?.cancel();
    this.#tick = undefined;
    if (at === undefined) return;
    const cancel = clock.after(at - clock.now(), () => {
      this.#tick = undefined;
      this.post({ type: "tick" });
    });
    this.#tick = { at, cancel };
  }

  // What the application says

  #settled(task: BlockTask, valid: boolean, reason: string | undefined): void {
    const { proposal } = task;
    if (!valid)
      this.#parts.observer.log?.("warn", `${task.kind} refused a block`, {
        view: proposal.view,
        reason,
      });
    if (task.kind === "certify") return this.post({ type: "certified", proposal, valid });
    const { parentDigest: parentPayload } = task.context;
    this.post({ type: "verified", proposal, parentPayload, valid });
  }

  #taskFailed(task: BlockTask, error: unknown): void {
    const { view } = task.proposal;
    this.#parts.observer.log?.("error", `${task.kind} failed, will be asked again`, {
      view,
      error,
    });
    this.#changed();
  }

  #delivered(height: number, view: number, bytes: number): void {
    this.#parts.observer.blockDelivered?.({ height, view, bytes });
    this.#progressAt = this.#parts.clock.now();
    this.#actions.pruneUpTo(view);
    this.#tasks.retry();
  }

  #finalizedBy(bytes: Uint8Array): Proposal | undefined {
    const { validators, scheme } = this.#parts;
    try {
      const certificate = decodeCertificate(bytes, validators.size);
      if (certificate.statement.kind !== "finalize") return undefined;
      if (certificateProblem(certificate, validators, scheme) !== undefined) return undefined;
      return proposalOf(certificate.statement);
    } catch {
      return undefined;
    }
  }

  // Fetching

  #changed(): void {
    if (this.#stopped || this.#working) return;
    this.#fetcher.poke();
    if (!this.#tasks.waiting || this.#cancelRetry !== undefined) return;
    this.#cancelRetry = this.#parts.clock.after(RETRY_MS, () => {
      this.#cancelRetry = undefined;
      this.#tasks.retry();
      this.#changed();
    });
  }

  #stale(): boolean {
    if (this.#recovery?.asking) return true;
    const silentMs = this.#parts.clock.now() - this.#progressAt;
    return silentMs > this.#parts.timing.certificationMs * STALE_TIMEOUTS;
  }

  #toldLatest(peer: string): void {
    const index = this.#parts.validators.indexOf(peer);
    if (index !== undefined) this.#recovery?.toldLatest(index, this.#parts.simplex.newest);
    this.#drain();
  }

  #recover(): void {
    const { simplex } = this.#parts;
    if (this.#recovery === undefined || !simplex.silent) return;
    const view = this.#recovery.safeAbove(simplex.newest);
    if (view === undefined) return;
    this.#parts.observer.log?.("info", "voting again after a lost journal", { view });
    this.post({ type: "recovered", view });
  }
}
