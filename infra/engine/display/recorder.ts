/** Listens to the steps of a run: counts them, emits events, and lets the state writer keep up. */
import type { StateWriter } from "../backend/state-writer.ts";
import type { Step } from "../steps/step.ts";
import type { Diagnostic, StepEvents, StepStatus, StepView } from "../steps/step-events.ts";
import { diagnosticBody, stepMetadata, type EventBody, type EventListener } from "./events.ts";

export interface RecorderOptions {
  readonly preview: boolean;
  /** The run is a refresh and nothing else: its reads are what it counts. */
  readonly refreshOnly: boolean;
  /** Undefined in a preview. */
  readonly writer: StateWriter | undefined;
  readonly listener: EventListener;
}

const STATUS: Record<StepStatus, number> = { ok: 0, partial: 1, unknown: 2 };

export class Recorder implements StepEvents {
  readonly #options: RecorderOptions;
  readonly #changes: Record<string, number> = {};
  #sequence = 0;
  #steps = 0;
  #maybeCorrupt = false;
  readonly #started = Date.now();

  constructor(options: RecorderOptions) {
    this.#options = options;
  }

  get changes(): Readonly<Record<string, number>> {
    return this.#changes;
  }

  /** True when something would change, or has. */
  get changed(): boolean {
    return Object.entries(this.#changes).some(([op, count]) => op !== "same" && count > 0);
  }

  emit(body: EventBody): void {
    this.#options.listener({
      sequence: this.#sequence++,
      timestamp: Math.floor(Date.now() / 1000),
      ...body,
    });
  }

  diagnostic(diagnostic: Diagnostic): void {
    this.emit(diagnosticBody(diagnostic));
  }

  async before(step: Step): Promise<void> {
    this.emit({ resourcePreEvent: { metadata: stepMetadata(step), ...this.#flags(step) } });
    await this.#options.writer?.begin(step);
  }

  async after(step: Step, status: StepStatus, error: Error | undefined): Promise<void> {
    if (error) this.#failed(step, status, error);
    else this.#succeeded(step);
    // Of an update that half failed the old inputs stay, so that the next run tries again.
    if (status === "partial" && step.op === "update" && step.new && step.old)
      step.new.inputs = step.old.inputs;
    await this.#options.writer?.end(step, status, error);
  }

  #failed(step: Step, status: StepStatus, error: Error): void {
    if (status === "unknown") this.#maybeCorrupt = true;
    const urn = step.internal ? "" : step.urn,
      { preview } = this.#options;
    this.diagnostic({
      severity: "error",
      urn,
      message: preview ? `Preview failed: ${error.message}` : error.message,
    });
    if (!preview)
      this.emit({
        resOpFailedEvent: {
          metadata: stepMetadata(step),
          status: STATUS[status],
          steps: this.#steps,
        },
      });
  }

  #succeeded(step: Step): void {
    const { preview, refreshOnly } = this.#options;
    const refreshed = step.op === "refresh",
      op = refreshed && refreshOnly ? step.resultOp : step.op;
    if ((step.counts || (refreshed && refreshOnly)) && !step.internal) {
      this.#steps++;
      this.#changes[op] = (this.#changes[op] ?? 0) + 1;
    }
    if (preview || step.res.custom || refreshed || step.op === "delete")
      this.emit({ resOutputsEvent: { metadata: stepMetadata(step, op), ...this.#flags(step) } });
  }

  async outputs(step: Step): Promise<void> {
    this.emit({ resOutputsEvent: { metadata: stepMetadata(step), ...this.#flags(step) } });
    await this.#options.writer?.touched(step);
  }

  async rebuilt(): Promise<void> {
    await this.#options.writer?.touched();
  }

  summary(succeeded: boolean): void {
    this.emit({
      summaryEvent: {
        maybeCorrupt: this.#maybeCorrupt,
        durationSeconds: Math.round((Date.now() - this.#started) / 1000),
        resourceChanges: this.#changes,
        PolicyPacks: {},
        isPreview: this.#options.preview,
        result: succeeded ? "succeeded" : "failed",
      },
    });
  }

  #flags(step: StepView & { readonly internal: boolean }): {
    planning?: boolean;
    internal?: boolean;
  } {
    return {
      ...(this.#options.preview ? { planning: true } : {}),
      ...(step.internal ? { internal: true } : {}),
    };
  }
}
