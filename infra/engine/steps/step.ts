/** One operation on one resource, and what all of them have in common. */
import { ProviderError } from "../plugins/provider.ts";
import { isDefaultProvider } from "../urn.ts";
import type { DetailedDiff } from "../values/compare.ts";
import { has, mapValues, Secret, secretOf, type ValueMap } from "../values/value.ts";
import type { Deployment, HookArguments } from "./deployment.ts";
import type { ResourceState } from "./state.ts";
import type { StepOp, StepStatus, StepView } from "./step-events.ts";

export interface Applied {
  readonly status: StepStatus;
  /** The step failed, though with status `partial` something is there. */
  readonly error?: Error;
  /** Answers the program. */
  readonly complete?: () => void;
}

export interface StepDetails {
  /** Properties that force the replacement. */
  readonly keys?: readonly string[];
  readonly diffs?: readonly string[];
  readonly detailed?: DetailedDiff | undefined;
}

export abstract class Step implements StepView {
  abstract readonly op: StepOp;
  readonly logical: boolean = true;
  readonly keys: readonly string[];
  diffs: readonly string[];
  detailed: DetailedDiff | undefined;
  protected readonly deployment: Deployment;
  abstract get old(): ResourceState | undefined;
  abstract get new(): ResourceState | undefined;

  constructor(deployment: Deployment, details: StepDetails = {}) {
    this.deployment = deployment;
    this.keys = details.keys ?? [];
    this.diffs = details.diffs ?? [];
    this.detailed = details.detailed;
  }

  /** The state the step is about. */
  get res(): ResourceState {
    return (this.new ?? this.old) as ResourceState;
  }

  get urn(): string {
    return this.res.urn;
  }

  get type(): string {
    return this.res.type;
  }

  get provider(): string {
    return this.res.provider;
  }

  /** Neither shown nor counted. */
  get internal(): boolean {
    return isDefaultProvider(this.urn);
  }

  /** What the summary counts the step as. */
  get resultOp(): StepOp {
    return this.op;
  }

  get counts(): boolean {
    return this.logical;
  }

  abstract apply(): Promise<Applied>;
  /** The step failed in a run that goes on: the program is told so. */
  fail(): void {}
  /** The step is left out because something it needs failed. */
  skip(): void {}

  protected runHooks(args: HookArguments): Promise<void> {
    if (!args.state.resourceHooks[args.kind]?.length) return Promise.resolve();
    return this.deployment.hooks?.run(args) ?? Promise.resolve();
  }

  /** Hooks after the fact: their failure fails the run, but what was done stays done. */
  protected async runLateHooks(args: HookArguments): Promise<void> {
    try {
      await this.runHooks(args);
    } catch (error) {
      this.deployment.recordPostStepError(args.state.urn, error as Error);
    }
  }

  /** Repeats a failed call while OnError hooks ask for it. */
  protected async withRetries<T>(
    args: Omit<HookArguments, "kind">,
    attempt: () => Promise<T>,
  ): Promise<T> {
    const failures: string[] = [];
    for (;;)
      try {
        return await attempt();
      } catch (error) {
        failures.unshift((error as Error).message);
        if (!args.state.resourceHooks.OnError?.length || !this.deployment.hooks) throw error;
        if (
          failures.length >= MAX_RETRIES ||
          !(await this.deployment.hooks.retry({ ...args, kind: "OnError", failures }))
        )
          throw error;
      }
  }
}

/** Attempts in all that OnError hooks can ask for. */
const MAX_RETRIES = 100;

export function now(): string {
  return new Date().toISOString();
}

/** Status and error of a failed provider call; anything that is no provider error leaves the thing as it was. */
export function failure(error: unknown): {
  readonly status: StepStatus;
  readonly error: Error;
  readonly partial: ProviderError["partial"];
} {
  if (!(error instanceof ProviderError))
    return { status: "ok", error: error as Error, partial: undefined };
  return {
    status: error.status === "unchanged" ? "ok" : error.status,
    error,
    partial: error.partial,
  };
}

/** Outputs are secret where they are declared so, or where the input of the same name is. */
export function protectOutputs(state: ResourceState): ValueMap {
  return mapValues(state.outputs, (value, key) =>
    state.additionalSecretOutputs.includes(key) ||
    (has(state.inputs, key) && state.inputs[key] instanceof Secret)
      ? secretOf(value)
      : value,
  );
}
