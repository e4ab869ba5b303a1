/** The steps that no registration asks for: delete, remove-pending-replace, read, refresh. */
import { equalMaps } from "../values/compare.ts";
import { EMPTY, UNKNOWN_TEXT, type ValueMap } from "../values/value.ts";
import type { Diff, Found } from "../plugins/provider.ts";
import type { Deployment } from "./deployment.ts";
import { diffResource } from "./diff.ts";
import type { ReadEvent } from "./goal.ts";
import { isManaged, type ResourceState } from "./state.ts";
import { failure, now, Step, type Applied } from "./step.ts";
import type { StepOp } from "./step-events.ts";

/** Raised for a protected resource; the other deletes of the run go on. */
export class DeleteProtectedError extends Error {
  constructor(urn: string) {
    super(`resource ${JSON.stringify(urn)} cannot be deleted
because it is protected. To unprotect the resource, either remove the \`protect\` flag from the resource in your Pulumi program and run \`pulumi up\`, or use the command:
\`pulumi state unprotect ${quoteForShell(urn)}\``);
  }
}

export function quoteForShell(urn: string): string {
  return `'${urn.replaceAll("'", `'"'"'`)}'`;
}

export class DeleteStep extends Step {
  readonly op: StepOp;
  override readonly logical: boolean;
  readonly #old: ResourceState;
  readonly #replacing: boolean;
  /** The entry stays, marked, until its replacement is there. */
  readonly #pendingReplacement: boolean;
  readonly #deletions: ReadonlySet<string>;

  /**
   * @param deletions URNs that are deleted in this run, for `deletedWith`
   */
  constructor(
    deployment: Deployment,
    old: ResourceState,
    deletions: ReadonlySet<string>,
    kind: "delete" | "replaced" | "before-replacement" = "delete",
  ) {
    super(deployment);
    this.#old = old;
    this.#deletions = deletions;
    this.#replacing = kind !== "delete";
    this.#pendingReplacement = kind === "before-replacement";
    this.op = old.external
      ? this.#replacing
        ? "discard-replaced"
        : "discard"
      : this.#replacing
        ? "delete-replaced"
        : "delete";
    this.logical = !this.#replacing;
  }

  get old(): ResourceState {
    return this.#old;
  }

  get new(): undefined {
    return undefined;
  }

  async apply(): Promise<Applied> {
    const old = this.#old,
      { options } = this.deployment;
    const before = { state: old, oldInputs: old.inputs, oldOutputs: old.outputs };
    await this.runHooks({ kind: "BeforeDelete", ...before });
    if (!this.#replacing && old.protect && !options.ignoreProtect)
      return { status: "ok", error: new DeleteProtectedError(old.urn) };
    if (
      !options.preview &&
      old.custom &&
      !old.external &&
      !old.retainOnDelete &&
      !(old.deletedWith && this.#deletions.has(old.deletedWith))
    ) {
      const request = {
        urn: old.urn,
        id: old.id,
        inputs: old.inputs,
        outputs: old.outputs,
        timeoutSeconds: old.customTimeouts.delete ?? 0,
      };
      try {
        await this.withRetries({ ...before, operation: "delete" }, () =>
          this.deployment.operationsOf(old).delete(request),
        );
      } catch (error) {
        const { status, error: reason } = failure(error);
        return { status, error: reason };
      }
    }
    if (this.#pendingReplacement) old.pendingReplacement = true;
    await this.runLateHooks({ kind: "AfterDelete", ...before });
    return { status: "ok" };
  }
}

/** Drops an entry whose resource is gone already and whose replacement nobody wants any more. */
export class RemovePendingReplaceStep extends Step {
  readonly op = "remove-pending-replace" as const;
  override readonly logical = false;
  readonly old: ResourceState;
  readonly new = undefined;

  constructor(deployment: Deployment, old: ResourceState) {
    super(deployment);
    this.old = old;
  }

  override get internal(): boolean {
    return true;
  }

  async apply(): Promise<Applied> {
    return { status: "ok" };
  }
}

/** Reads a resource that the program uses without owning it. */
export class ReadStep extends Step {
  readonly op: StepOp;
  override readonly logical: boolean;
  readonly old: ResourceState | undefined;
  readonly new: ResourceState;
  readonly #event: ReadEvent;
  readonly #replacing: boolean;

  constructor(
    deployment: Deployment,
    event: ReadEvent,
    old: ResourceState | undefined,
    news: ResourceState,
    replacing: boolean,
  ) {
    super(deployment);
    this.#event = event;
    this.old = old;
    this.new = news;
    this.#replacing = replacing;
    this.op = replacing ? "read-replacement" : "read";
    this.logical = !replacing;
  }

  /** A first read and one that brought nothing new are not counted. */
  override get counts(): boolean {
    return (
      this.logical &&
      this.old !== undefined &&
      this.op === "read" &&
      !equalMaps(this.old.outputs, this.new.outputs)
    );
  }

  async apply(): Promise<Applied> {
    const { new: news, old } = this;
    let failed: Error | undefined;
    if (news.id === UNKNOWN_TEXT) news.outputs = EMPTY;
    else
      try {
        const request = {
          urn: news.urn,
          id: news.id,
          inputs: news.inputs,
          outputs: news.inputs,
          timeoutSeconds: news.customTimeouts.read ?? 0,
        };
        const found = await this.deployment.providerOf(news).read(request);
        if (!found.outputs)
          return { status: "ok", error: new Error(`resource '${news.id}' does not exist`) };
        news.outputs = found.outputs;
        if (found.id) news.id = found.id;
      } catch (error) {
        const { status, partial, error: reason } = failure(error);
        if (!partial) return { status, error: reason };
        Object.assign(news, { outputs: partial.outputs, initErrors: partial.reasons });
        failed = reason;
      }
    if (this.#replacing && old) old.delete = true;
    if (old) {
      Object.assign(news, { created: old.created, modified: old.modified });
      if (!equalMaps(news.inputs, old.inputs) || !equalMaps(news.outputs, old.outputs))
        news.modified = now();
    }
    return {
      status: failed ? "partial" : "ok",
      ...(failed ? { error: failed } : {}),
      complete: () => this.#event.done(news),
    };
  }
}

/** Reads a resource of the state and takes over what has changed. */
export class RefreshStep extends Step {
  readonly op = "refresh" as const;
  override readonly logical = false;
  readonly old: ResourceState;
  #new: ResourceState | undefined;
  #changed = false;

  constructor(deployment: Deployment, old: ResourceState) {
    super(deployment);
    this.old = old;
    this.#new = old;
  }

  /** Undefined when the thing is gone. */
  get new(): ResourceState | undefined {
    return this.#new;
  }

  override get res(): ResourceState {
    return this.old;
  }

  override get resultOp(): StepOp {
    return this.#new === undefined ? "delete" : this.#changed ? "update" : "same";
  }

  async apply(): Promise<Applied> {
    const { old } = this;
    if (!isManaged(old) || old.pendingReplacement) return { status: "ok" };
    const provider = this.deployment.providerOf(old);
    let found: Found,
      initErrors: readonly string[] = [];
    try {
      found = await provider.read({
        urn: old.urn,
        id: old.id,
        inputs: old.inputs,
        outputs: old.outputs,
        timeoutSeconds: old.customTimeouts.read ?? 0,
      });
    } catch (error) {
      const { status, partial, error: reason } = failure(error);
      if (!partial) return { status, error: reason };
      initErrors = partial.reasons;
      found = partial;
      this.deployment.events.diagnostic({
        severity: "warning",
        urn: old.urn,
        message: `Refreshed resource is in an unhealthy state:\n* ${initErrors.join("\n* ")}`,
      });
    }
    if (found.id === "" || !found.outputs) {
      this.#new = undefined;
      return { status: "ok" };
    }
    const inputs = found.inputs ?? old.inputs;
    const news: ResourceState = {
      ...old,
      id: found.id,
      initErrors,
      inputs,
      outputs: found.outputs,
      refreshBeforeUpdate: found.refreshBeforeUpdate,
    };
    if (!equalMaps(inputs, old.inputs) || !equalMaps(news.outputs, old.outputs))
      news.modified = now();
    this.#new = news;
    if (old.external) this.#changed = !equalMaps(news.outputs, old.outputs);
    else await this.#compare(news, inputs);
    return { status: "ok" };
  }

  async #compare(news: ResourceState, inputs: ValueMap): Promise<void> {
    const request = {
      urn: news.urn,
      id: news.id,
      oldInputs: inputs,
      oldOutputs: news.outputs,
      newInputs: this.old.inputs,
      allowUnknowns: this.deployment.options.preview,
      ignoreChanges: this.old.ignoreChanges,
    };
    const diff = await diffResource(this.deployment.providerOf(this.old), request);
    this.#changed = diff.changes !== "none";
    this.diffs = diff.changedKeys;
    this.detailed = inverted(diff);
  }
}

/** The diff the other way round: from the state to what was found. */
function inverted(diff: Diff): Step["detailed"] {
  if (!diff.detailed) return undefined;
  const other = {
    add: "delete",
    delete: "add",
    "add-replace": "delete-replace",
    "delete-replace": "add-replace",
    update: "update",
    "update-replace": "update-replace",
  } as const;
  return Object.fromEntries(
    Object.entries(diff.detailed).map(([path, d]) => [
      path,
      { kind: other[d.kind], inputDiff: d.inputDiff },
    ]),
  );
}
