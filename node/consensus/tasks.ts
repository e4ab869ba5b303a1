import { toHex } from "../formats/bytes.ts";
import type { Proposal } from "./messages.ts";
import type { Application, BlockContext, Verdict } from "./ports.ts";

/** A verdict that consensus waits for. */
export type BlockTask =
  | { readonly kind: "verify"; readonly proposal: Proposal; readonly context: BlockContext }
  | { readonly kind: "certify"; readonly proposal: Proposal; readonly leader: number };

/** A block that a task cannot do without. */
export interface MissingBlock {
  readonly digest: Uint8Array;
  /** Index of the leader that proposed on it. */
  readonly leader: number;
}

interface Entry {
  readonly task: BlockTask;
  busy: boolean;
  /** Something changed while it was busy. */
  again: boolean;
  missing: Uint8Array | undefined;
}

export interface TaskHost {
  readonly application: Application;
  /** The application's final word on a task that still matters. */
  settled(task: BlockTask, valid: boolean, reason: string | undefined): void;
  /** The application failed, which is no verdict: it will be asked again. */
  failed(task: BlockTask, error: unknown): void;
  /** A task found out what it misses, or that it misses nothing any more. */
  changed(): void;
}

/**
 * Asks the application about blocks until it knows. "Pending" is asked again when a block arrived,
 * when the chain grew, and from time to time; it never becomes "invalid" here.
 */
export class BlockTasks {
  readonly #host: TaskHost;
  readonly #entries = new Map<string, Entry>();

  constructor(host: TaskHost) {
    this.#host = host;
  }

  get size(): number {
    return this.#entries.size;
  }

  /** Whether a task waits for something, so that `retry` is worth calling. */
  get waiting(): boolean {
    for (const { busy } of this.#entries.values()) if (!busy) return true;
    return false;
  }

  missing(): MissingBlock[] {
    const blocks = new Map<string, MissingBlock>();
    for (const { task, missing } of this.#entries.values()) {
      const leader = task.kind === "verify" ? task.context.leader : task.leader;
      if (missing !== undefined) blocks.set(toHex(missing), { digest: missing, leader });
    }
    return [...blocks.values()];
  }

  add(task: BlockTask): void {
    const { view, payload } = task.proposal;
    const entry = { task, busy: false, again: false, missing: undefined };
    this.#entries.set(`${task.kind} ${view} ${toHex(payload)}`, entry);
    this.#run(entry);
  }

  retry(): void {
    for (const entry of this.#entries.values()) {
      if (entry.busy) entry.again = true;
      else this.#run(entry);
    }
  }

  /** A finalization decided these views; verify tasks are over as soon as their view is left. */
  drop(finalizedView: number, currentView: number): void {
    for (const [key, { task }] of this.#entries) {
      const { view } = task.proposal;
      const over = view <= finalizedView || (task.kind === "verify" && view < currentView - 1);
      if (over) this.#entries.delete(key);
    }
  }

  clear(): void {
    this.#entries.clear();
  }

  #run(entry: Entry): void {
    entry.busy = true;
    entry.again = false;
    this.#ask(entry.task).then(
      (verdict) => this.#answered(entry, verdict),
      (error: unknown) => {
        entry.busy = false;
        if (this.#alive(entry)) this.#host.failed(entry.task, error);
      },
    );
  }

  async #ask(task: BlockTask): Promise<Verdict> {
    const { application } = this.#host;
    const { payload } = task.proposal;
    const header = application.header(payload);
    if (header === undefined) return { status: "pending", missing: payload };
    if (task.kind === "verify") return application.verify(task.context, payload);
    // A quorum vouched that the block extends the block certified in the parent view.
    const { epoch, view, parentView } = task.proposal;
    const { leader } = task;
    const { parentDigest } = header;
    return application.certify({ epoch, view, leader, parentView, parentDigest }, payload);
  }

  #answered(entry: Entry, verdict: Verdict): void {
    entry.busy = false;
    if (!this.#alive(entry)) return;
    const { status, missing, reason } = verdict;
    entry.missing = status === "pending" ? missing : undefined;
    if (status === "pending") {
      if (entry.again) this.#run(entry);
      return this.#host.changed();
    }
    const { kind, proposal } = entry.task;
    this.#entries.delete(`${kind} ${proposal.view} ${toHex(proposal.payload)}`);
    this.#host.settled(entry.task, status === "valid", reason);
  }

  #alive(entry: Entry): boolean {
    const { kind, proposal } = entry.task;
    return this.#entries.get(`${kind} ${proposal.view} ${toHex(proposal.payload)}`) === entry;
  }
}
