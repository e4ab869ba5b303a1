/**
 * Keeps the checkpoint up to date while a run goes on.
 *
 * Before a create, update, delete, read or import the checkpoint names it as pending; afterwards it holds the result. So whatever
 * moment the engine is killed at, the file says what may have been under way. Each version is: the entries finished in this run in
 * order of completion, then the entries of the old state that are not dealt with yet.
 */
import { equal, equalMaps } from "../values/compare.ts";
import type { Deployment } from "../steps/deployment.ts";
import type { ResourceState } from "../steps/state.ts";
import { SkippedCreateStep } from "../steps/register-steps.ts";
import type { StepStatus, StepView } from "../steps/step-events.ts";
import { parseReference, providerReference } from "../urn.ts";
import type { OperationType, PendingOperation } from "./checkpoint.ts";
import { verifyIntegrity } from "./integrity.ts";

export type SaveState = (
  resources: readonly ResourceState[],
  pendingOperations: readonly PendingOperation[],
) => void;

const OPERATIONS: Partial<Record<StepView["op"], OperationType>> = {
  create: "creating",
  "create-replacement": "creating",
  update: "updating",
  delete: "deleting",
  "delete-replaced": "deleting",
  discard: "deleting",
  "discard-replaced": "deleting",
  read: "reading",
  "read-replacement": "reading",
  import: "importing",
  "import-replacement": "importing",
};

export class StateWriter {
  readonly #save: SaveState;
  #deployment: Deployment | undefined;
  readonly #finished: ResourceState[] = [];
  /** States that later ones have taken the place of, or that are gone. */
  readonly #done = new Set<ResourceState>();
  readonly #pending = new Map<ResourceState, OperationType>();
  #dirty = false;
  #scheduled: Promise<void> | undefined;

  constructor(save: SaveState) {
    this.#save = save;
  }

  attach(deployment: Deployment): void {
    this.#deployment = deployment;
  }

  /** Records that a step is under way; resolves when that is on disk. */
  async begin(step: StepView): Promise<void> {
    const type = OPERATIONS[step.op],
      state = subject(step);
    if (!type || !state) return;
    this.#pending.set(state, type);
    await this.#write();
  }

  async end(step: StepView, status: StepStatus, error: Error | undefined): Promise<void> {
    const success = !error || status === "partial",
      type = OPERATIONS[step.op],
      state = subject(step);
    if (type && state) {
      this.#pending.delete(state);
      if (success) this.#apply(step);
      await this.#write();
    } else if (step.op === "same" && success && step.new && step.old) {
      this.#done.add(step.old);
      this.#finished.push(step.new);
      if (changed(step.old, step.new)) await this.#write();
      else this.#dirty = true;
    } else if (step.op === "remove-pending-replace" && step.old) {
      this.#done.add(step.old);
      await this.#write();
    } else if (step.op === "same" && step instanceof SkippedCreateStep) return;
  }

  #apply(step: StepView): void {
    const { op, old, new: news } = step;
    if (news) {
      if (
        old &&
        (op === "update" ||
          op === "read" ||
          (old.pendingReplacement && op === "create-replacement"))
      )
        this.#done.add(old);
      this.#finished.push(news);
    } else if (old && !old.pendingReplacement) this.#done.add(old);
  }

  /** Outputs registered after the step, or a base state that was rebuilt. */
  async touched(step?: StepView): Promise<void> {
    if (step?.old && step.new && equalMaps(step.old.outputs, step.new.outputs)) this.#dirty = true;
    else await this.#write();
  }

  /** Writes what has been held back; always once at the end of a run. */
  async close(): Promise<void> {
    await this.#scheduled;
    this.#flush();
  }

  /** Changes of the same turn of the event loop share one write. */
  #write(): Promise<void> {
    this.#scheduled ??= new Promise((resolve, reject) =>
      setImmediate(() => {
        this.#scheduled = undefined;
        try {
          this.#flush();
          resolve();
        } catch (error) {
          reject(error as Error);
        }
      }),
    );
    return this.#scheduled;
  }

  #flush(): void {
    const deployment = this.#deployment;
    if (!deployment) return;
    const all = [...this.#finished, ...deployment.resources].filter(
      (state) => !this.#done.has(state),
    );
    const pending = [
      ...[...this.#pending].map(([resource, type]) => ({ resource, type })),
      ...deployment.pendingOperations.filter((o) => o.type === "creating"),
    ];
    const rename = renames(all);
    const resources = all.map(rename);
    verifyIntegrity(resources, "after this step");
    this.#save(
      resources,
      pending.map(({ resource, type }) => ({ resource: rename(resource), type })),
    );
    this.#dirty = false;
  }

  get dirty(): boolean {
    return this.#dirty;
  }
}

function subject(step: StepView): ResourceState | undefined {
  return step.new ?? step.old;
}

/** References to a resource that has a new URN in this run are written with that one. */
function renames(states: readonly ResourceState[]): (state: ResourceState) => ResourceState {
  const names = new Map(states.filter((s) => s.alias).map((s) => [s.alias, s.urn]));
  if (names.size === 0) return (state) => state;
  const name = (urn: string): string => names.get(urn) ?? urn;
  return (state) => ({
    ...state,
    parent: name(state.parent),
    dependencies: state.dependencies.map(name),
    deletedWith: name(state.deletedWith),
    replaceWith: state.replaceWith.map(name),
    provider: state.provider ? renamedReference(state.provider, name) : "",
    propertyDependencies:
      state.propertyDependencies &&
      Object.fromEntries(
        Object.entries(state.propertyDependencies).map(([key, urns]) => [key, urns.map(name)]),
      ),
  });
}

function renamedReference(reference: string, name: (urn: string) => string): string {
  const { urn, id } = parseReference(reference);
  return providerReference(name(urn), id);
}

/** Whether a `same` changes anything that must not be lost. */
function changed(old: ResourceState, news: ResourceState): boolean {
  const texts = [
    "urn",
    "type",
    "custom",
    "retainOnDelete",
    "provider",
    "parent",
    "deletedWith",
    "protect",
    "importID",
  ] as const;
  const json = ["customTimeouts", "replaceWith", "resourceHooks"] as const;
  return (
    texts.some((key) => old[key] !== news[key]) ||
    json.some((key) => JSON.stringify(old[key]) !== JSON.stringify(news[key])) ||
    [...old.dependencies].sort().join() !== [...news.dependencies].sort().join() ||
    !equalMaps(old.inputs, news.inputs) ||
    !equalMaps(old.outputs, news.outputs) ||
    !equal(old.replacementTrigger, news.replacementTrigger)
  );
}
