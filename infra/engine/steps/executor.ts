/** Runs steps: chains one step after the other, chains beside each other up to the limit. */
import type { Deployment } from "./deployment.ts";
import type { OutputsEvent } from "./goal.ts";
import { DeleteProtectedError } from "./other-steps.ts";
import { SkippedCreateStep } from "./register-steps.ts";
import { protectOutputs, type Applied, type Step } from "./step.ts";
import { isRootStack } from "../urn.ts";
import { mapOf } from "../values/value.ts";

export class StepExecutor {
  readonly #deployment: Deployment;
  /** A refresh goes on after a failed read. */
  readonly #ignoreErrors: boolean;
  #free: number;
  readonly #waiting: (() => void)[] = [];
  readonly #running = new Set<Promise<void>>();
  /** Steps whose resource may still tell its outputs. */
  readonly #registered = new Map<string, Step>();
  readonly #failed: Step[] = [];
  readonly #abort = new AbortController();
  #stackOutputs: OutputsEvent | undefined;
  error: Error | undefined;

  constructor(deployment: Deployment, ignoreErrors = false) {
    this.#deployment = deployment;
    this.#ignoreErrors = ignoreErrors;
    this.#free = deployment.options.parallel;
  }

  /** Aborted once nothing new is started: after an error, or on request. */
  get signal(): AbortSignal {
    return this.#abort.signal;
  }

  get failedSteps(): readonly Step[] {
    return this.#failed;
  }

  cancel(): void {
    this.#abort.abort();
    for (const wake of this.#waiting.splice(0)) wake();
  }

  /**
   * Hands over a chain; resolves when it has begun, so that no more is planned than can be done.
   *
   * @returns a promise of its end
   */
  async start(chain: readonly Step[]): Promise<{ done: Promise<void> }> {
    await this.#slot();
    const done = this.#chain(chain).finally(() => {
      this.#running.delete(done);
      const next = this.#waiting.shift();
      if (next) next();
      else this.#free++;
    });
    this.#running.add(done);
    return { done };
  }

  async all(steps: readonly Step[]): Promise<void> {
    await Promise.all(steps.map(async (step) => (await this.start([step])).done));
  }

  async idle(): Promise<void> {
    while (this.#running.size) await Promise.all(this.#running);
  }

  async #slot(): Promise<void> {
    if (this.signal.aborted) return;
    if (this.#free > 0) this.#free--;
    else await new Promise<void>((wake) => this.#waiting.push(wake));
  }

  async #chain(chain: readonly Step[]): Promise<void> {
    for (const step of chain) {
      if (this.signal.aborted) return;
      let error: Error | undefined;
      try {
        error = await this.#step(step);
      } catch (problem) {
        return this.#giveUp(problem as Error, step);
      }
      if (error) return this.#stop(error, step);
    }
  }

  /** The state could not be written, say: nothing more may be done. */
  #giveUp(error: Error, step: Step): void {
    this.error ??= error;
    this.#deployment.events.diagnostic({
      severity: "error",
      urn: step.urn,
      message: error.message,
    });
    this.cancel();
  }

  #stop(error: Error, step: Step): void {
    this.error ??= error;
    if (this.#ignoreErrors) return;
    if (this.#deployment.options.continueOnError || error instanceof DeleteProtectedError) {
      step.fail();
      this.#failed.push(step);
    } else this.cancel();
  }

  async #step(step: Step): Promise<Error | undefined> {
    const { events, options } = this.#deployment;
    await events.before(step);
    let applied: Applied;
    try {
      applied = await step.apply();
    } catch (error) {
      applied = { status: "ok", error: error as Error };
    }
    if (!applied.error && step.logical && step.new) this.#registered.set(step.urn, step);
    const news = step.new;
    if (news && step.op !== "replace") {
      news.outputs = protectOutputs(news);
      (step.op === "read" || step.op === "read-replacement"
        ? this.#deployment.reads
        : this.#deployment.news
      ).set(news.urn, news);
    }
    await events.after(step, applied.status, applied.error);
    if (applied.error) return applied.error;
    applied.complete?.();
    if (!options.continueOnError && this.#deployment.postStepError) this.cancel();
    return undefined;
  }

  /** Takes the outputs of a component; those of the stack wait for the end. */
  async registerOutputs(event: OutputsEvent): Promise<void> {
    if (isRootStack(event.urn)) {
      this.#stackOutputs = event;
      event.done();
      return;
    }
    const step = this.#registered.get(event.urn);
    if (!step?.new)
      return event.fail(
        new Error(`cannot complete a resource '${event.urn}' whose registration isn't pending`),
      );
    this.#registered.delete(event.urn);
    if (!(step instanceof SkippedCreateStep)) {
      step.new.outputs = event.outputs;
      await this.#componentHooks(step);
      await this.#deployment.events.outputs(step);
    }
    event.done();
  }

  /** Of a component, creation and update are over when it tells its outputs. */
  async #componentHooks(step: Step): Promise<void> {
    const { new: news, old } = step,
      kind = step.op === "create" ? ("AfterCreate" as const) : ("AfterUpdate" as const);
    if (
      !news ||
      news.custom ||
      (step.op !== "create" && step.op !== "update") ||
      !news.resourceHooks[kind]?.length
    )
      return;
    try {
      await this.#deployment.hooks?.run({
        kind,
        state: news,
        newInputs: news.inputs,
        oldInputs: old?.inputs,
        newOutputs: news.outputs,
        oldOutputs: old?.outputs,
      });
    } catch (error) {
      this.#deployment.recordPostStepError(news.urn, error as Error);
      if (!this.#deployment.options.continueOnError) this.cancel();
    }
  }

  /** Replaces the stack's outputs; after an error the new ones are merged over the old ones. */
  async finishStack(failed: boolean): Promise<void> {
    const event = this.#stackOutputs,
      step = event && this.#registered.get(event.urn);
    if (!event || !step?.new || step instanceof SkippedCreateStep) return;
    const old = this.#deployment.old(event.urn)?.outputs ?? {};
    step.new.outputs = failed
      ? mapOf([...Object.entries(old), ...Object.entries(event.outputs)])
      : event.outputs;
    await this.#deployment.events.outputs(step);
  }
}
