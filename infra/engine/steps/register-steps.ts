/** The steps that answer a registration: same, create, update, replace, import. */
import type { Deployment } from "./deployment.ts";
import type { Registration, RegisterResult } from "./goal.ts";
import { EMPTY } from "../values/value.ts";
import { ignoringChanges } from "./diff.ts";
import { isProvider, type ResourceState } from "./state.ts";
import { failure, now, Step, type Applied, type StepDetails } from "./step.ts";
import type { StepOp } from "./step-events.ts";

/** A step that belongs to a registration of the program. */
abstract class RegisterStep extends Step {
  protected readonly registration: Registration | undefined;
  readonly #new: ResourceState;
  readonly #old: ResourceState | undefined;

  constructor(
    deployment: Deployment,
    registration: Registration | undefined,
    old: ResourceState | undefined,
    news: ResourceState,
    details?: StepDetails,
  ) {
    super(deployment, details);
    this.registration = registration;
    this.#old = old;
    this.#new = news;
  }

  get old(): ResourceState | undefined {
    return this.#old;
  }

  get new(): ResourceState {
    return this.#new;
  }

  override fail(): void {
    this.answer("fail");
  }

  override skip(): void {
    this.answer("skip");
  }

  protected answer(result: RegisterResult["result"]): void {
    this.registration?.done({ state: this.#new, result });
  }
}

/** Nothing changes but what the state records of inputs, dependencies and options. */
export class SameStep extends RegisterStep {
  readonly op = "same" as const;
  /** Not part of this run, by `--target` or `--exclude`. */
  readonly untargeted: boolean;

  constructor(
    deployment: Deployment,
    registration: Registration | undefined,
    old: ResourceState,
    news: ResourceState,
    untargeted = false,
  ) {
    super(deployment, registration, old, news);
    this.untargeted = untargeted;
  }

  async apply(): Promise<Applied> {
    const old = this.old as ResourceState,
      news = this.new;
    news.id = old.id;
    news.outputs = old.outputs;
    if (isProvider(news) && !this.untargeted)
      await this.deployment.registry.same({ ...news, inputs: old.inputs }, true);
    return { status: "ok", complete: () => this.answer("success") };
  }
}

/** A new resource that is left out of this run: it is counted, but not recorded. */
export class SkippedCreateStep extends RegisterStep {
  readonly op = "same" as const;

  constructor(deployment: Deployment, registration: Registration, news: ResourceState) {
    super(deployment, registration, undefined, news);
  }

  async apply(): Promise<Applied> {
    return {
      status: "ok",
      complete: () =>
        this.registration?.done({ state: this.new, result: "success", unknown: true }),
    };
  }
}

export class CreateStep extends RegisterStep {
  readonly op: StepOp;
  override readonly logical: boolean;
  /** The old one is deleted at the end of the run. */
  readonly #oldFollows: boolean;

  constructor(
    deployment: Deployment,
    registration: Registration,
    old: ResourceState | undefined,
    news: ResourceState,
    oldFollows = false,
    details?: StepDetails,
  ) {
    super(deployment, registration, old, news, details);
    this.op = old ? "create-replacement" : "create";
    this.logical = !old;
    this.#oldFollows = oldFollows;
  }

  async apply(): Promise<Applied> {
    const news = this.new,
      { preview } = this.deployment.options;
    await this.runHooks({ kind: "BeforeCreate", state: news, newInputs: news.inputs });
    let failed: Error | undefined;
    if (news.custom) {
      const operations = this.deployment.operationsOf(news);
      try {
        const request = {
          urn: news.urn,
          inputs: news.inputs,
          timeoutSeconds: news.customTimeouts.create ?? 0,
          preview,
        };
        const made = await this.withRetries(
          { state: news, newInputs: news.inputs, operation: "create" },
          () => operations.create(request),
        );
        if (!preview && made.id === "")
          throw new Error("provider did not return an ID from Create");
        news.id = made.id;
        news.outputs = made.outputs;
        news.refreshBeforeUpdate = made.refreshBeforeUpdate;
      } catch (error) {
        const { status, partial, error: reason } = failure(error);
        if (!partial) return { status, error: reason };
        Object.assign(news, {
          id: partial.id,
          outputs: partial.outputs,
          initErrors: partial.reasons,
          refreshBeforeUpdate: partial.refreshBeforeUpdate,
        });
        failed = reason;
      }
    }
    news.created = news.modified = now();
    if (this.old && this.#oldFollows) this.old.delete = true;
    if (failed) return { status: "partial", error: failed };
    if (news.custom)
      await this.runLateHooks({
        kind: "AfterCreate",
        state: news,
        newInputs: news.inputs,
        newOutputs: news.outputs,
      });
    return { status: "ok", complete: () => this.answer("success") };
  }
}

export class UpdateStep extends RegisterStep {
  readonly op = "update" as const;
  readonly #ignoreChanges: readonly string[];

  constructor(
    deployment: Deployment,
    registration: Registration,
    old: ResourceState,
    news: ResourceState,
    ignoreChanges: readonly string[],
    details: StepDetails,
  ) {
    super(deployment, registration, old, news, details);
    this.#ignoreChanges = ignoreChanges;
  }

  async apply(): Promise<Applied> {
    const old = this.old as ResourceState,
      news = this.new;
    Object.assign(news, { id: old.id, created: old.created, modified: old.modified });
    const inputs = { newInputs: news.inputs, oldInputs: old.inputs, oldOutputs: old.outputs };
    await this.runHooks({ kind: "BeforeUpdate", state: news, ...inputs });
    if (news.custom) {
      const failed = await this.#update(old, news);
      if (failed) return failed;
      await this.runLateHooks({
        kind: "AfterUpdate",
        state: news,
        ...inputs,
        newOutputs: news.outputs,
      });
    }
    return { status: "ok", complete: () => this.answer("success") };
  }

  async #update(old: ResourceState, news: ResourceState): Promise<Applied | undefined> {
    const request = {
      urn: news.urn,
      id: old.id,
      oldInputs: old.inputs,
      oldOutputs: old.outputs,
      newInputs: news.inputs,
      ignoreChanges: this.#ignoreChanges,
      timeoutSeconds: news.customTimeouts.update ?? 0,
      preview: this.deployment.options.preview,
    };
    try {
      const args = {
        state: news,
        newInputs: news.inputs,
        oldInputs: old.inputs,
        oldOutputs: old.outputs,
        operation: "update" as const,
      };
      const { outputs, refreshBeforeUpdate } = await this.withRetries(args, () =>
        this.deployment.operationsOf(news).update(request),
      );
      Object.assign(news, { outputs, refreshBeforeUpdate, modified: now() });
      return undefined;
    } catch (error) {
      const { status, partial, error: reason } = failure(error);
      if (!partial) return { status, error: reason };
      Object.assign(news, {
        outputs: partial.outputs,
        initErrors: partial.reasons,
        modified: now(),
        refreshBeforeUpdate: partial.refreshBeforeUpdate,
      });
      return { status: "partial", error: reason };
    }
  }
}

/** Says that a resource is replaced; the work is done by the creation and the deletion beside it. */
export class ReplaceStep extends RegisterStep {
  readonly op = "replace" as const;

  async apply(): Promise<Applied> {
    return { status: "ok" };
  }

  override fail(): void {}
  override skip(): void {}
}

/** Takes over what exists already; the inputs of the program are compared afterwards. */
export class ImportStep extends RegisterStep {
  readonly op: StepOp;
  override readonly logical: boolean;
  readonly #ignoreChanges: readonly string[];
  readonly #imported: (state: ResourceState | undefined) => void;

  /**
   * @param imported is called with what was found, as the old state to compare with; with undefined when the import failed
   */
  constructor(
    deployment: Deployment,
    registration: Registration,
    old: ResourceState | undefined,
    news: ResourceState,
    ignoreChanges: readonly string[],
    imported: (state: ResourceState | undefined) => void,
  ) {
    super(deployment, registration, old, news);
    this.op = old ? "import-replacement" : "import";
    this.logical = !old;
    this.#ignoreChanges = ignoreChanges;
    this.#imported = imported;
  }

  async apply(): Promise<Applied> {
    const applied = await this.#import();
    if (applied.error) this.#imported(undefined);
    return applied;
  }

  async #import(): Promise<Applied> {
    const news = this.new;
    const request = {
      urn: news.urn,
      id: news.importID,
      inputs: EMPTY,
      outputs: EMPTY,
      timeoutSeconds: news.customTimeouts.read ?? 0,
    };
    try {
      const found = await this.deployment.providerOf(news).read(request);
      if (!found.outputs) throw new Error(`resource '${news.importID}' does not exist`);
      if (!found.inputs) throw new Error(`the provider does not support importing ${news.type}`);
      Object.assign(news, {
        id: found.id || news.importID,
        outputs: found.outputs,
        refreshBeforeUpdate: found.refreshBeforeUpdate,
      });
      news.inputs = found.inputs;
    } catch (error) {
      const { status, error: reason } = failure(error);
      return { status, error: reason };
    }
    news.created = news.modified = now();
    if (this.old) this.old.delete = true;
    news.inputs = ignoringChanges(news.inputs, news.inputs, this.#ignoreChanges).inputs;
    return { status: "ok", complete: () => this.#imported(news) };
  }
}
