/** One run over one stack: what planning and execution share. */
import type { PendingOperation } from "../backend/checkpoint.ts";
import type { ProviderRegistry } from "../plugins/registry.ts";
import type { Provider, ResourceOperations } from "../plugins/provider.ts";
import { isProviderType, parseReference } from "../urn.ts";
import type { ValueMap } from "../values/value.ts";
import { DependencyGraph } from "./graph.ts";
import type { HookKind, ResourceState } from "./state.ts";
import type { StepEvents } from "./step-events.ts";

export interface RunOptions {
  readonly preview: boolean;
  /** Steps at once. */
  readonly parallel: number;
  readonly targets: ReadonlySet<string>;
  readonly targetDependents: boolean;
  readonly excludes: ReadonlySet<string>;
  readonly excludeDependents: boolean;
  readonly excludeProtected: boolean;
  readonly replaceTargets: ReadonlySet<string>;
  readonly ignoreProtect: boolean;
  readonly continueOnError: boolean;
  /** Read the things of the state before anything else. */
  readonly refresh: boolean;
  readonly refreshOnly: boolean;
  /** Delete everything, with the program running for its hooks and providers. */
  readonly destroyProgram: boolean;
}

export interface HookArguments {
  readonly kind: HookKind;
  readonly state: ResourceState;
  readonly newInputs?: ValueMap | undefined;
  readonly oldInputs?: ValueMap | undefined;
  readonly newOutputs?: ValueMap | undefined;
  readonly oldOutputs?: ValueMap | undefined;
  /** Of the retries that OnError asks for. */
  readonly failures?: readonly string[];
  readonly operation?: "create" | "update" | "delete";
}

/** Calls the hooks that the program has registered. */
export interface HookRunner {
  /** @throws Error when a hook fails */
  run(args: HookArguments): Promise<void>;
  /** Whether an OnError hook asks for another attempt. */
  retry(args: HookArguments): Promise<boolean>;
}

export interface DeploymentParts {
  readonly project: string;
  readonly stack: string;
  readonly options: RunOptions;
  readonly resources: readonly ResourceState[];
  readonly pendingOperations: readonly PendingOperation[];
  readonly registry: ProviderRegistry;
  readonly events: StepEvents;
}

export class Deployment {
  readonly project: string;
  readonly stack: string;
  readonly options: RunOptions;
  readonly registry: ProviderRegistry;
  readonly events: StepEvents;
  readonly pendingOperations: readonly PendingOperation[];
  /** Resources of this run by URN, as far as their steps are done. */
  readonly news = new Map<string, ResourceState>();
  readonly reads = new Map<string, ResourceState>();
  hooks: HookRunner | undefined;
  /** An error after a step had been done: the run fails, the step stands. */
  postStepError: Error | undefined;

  #resources: ResourceState[] = [];
  #olds = new Map<string, ResourceState>();
  #allOlds = new Map<string, ResourceState[]>();
  #graph = new DependencyGraph([]);

  constructor(parts: DeploymentParts) {
    this.project = parts.project;
    this.stack = parts.stack;
    this.options = parts.options;
    this.registry = parts.registry;
    this.events = parts.events;
    this.pendingOperations = parts.pendingOperations;
    this.rebase([...parts.resources]);
  }

  /** What the state held before this run (or after its refresh). */
  get resources(): readonly ResourceState[] {
    return this.#resources;
  }

  get graph(): DependencyGraph {
    return this.#graph;
  }

  rebase(resources: ResourceState[]): void {
    this.#resources = resources;
    this.#graph = new DependencyGraph(resources);
    this.#olds = new Map(resources.filter((r) => !r.delete).map((r) => [r.urn, r]));
    this.#allOlds = Map.groupBy(resources, (r) => r.urn);
  }

  old(urn: string): ResourceState | undefined {
    return this.#olds.get(urn);
  }

  get olds(): ReadonlyMap<string, ResourceState> {
    return this.#olds;
  }

  allOlds(urn: string): readonly ResourceState[] {
    return this.#allOlds.get(urn) ?? [];
  }

  /** Loads the provider of an entry of the old state, if it is not there yet. */
  async ensureProvider(reference: string): Promise<void> {
    await this.registry.ensure(reference, (urn, id) => this.allOlds(urn).find((r) => r.id === id));
  }

  operationsOf(state: ResourceState): ResourceOperations {
    return isProviderType(state.type) ? this.registry : this.providerOf(state);
  }

  providerOf(state: ResourceState): Provider {
    const provider = this.registry.get(state.provider);
    if (!provider)
      throw new Error(`unknown provider '${state.provider}' for resource '${state.urn}'`);
    return provider;
  }

  isKnownReference(reference: string): boolean {
    if (this.registry.get(reference)) return true;
    const { urn, id } = parseReference(reference);
    return this.old(urn)?.id === id;
  }

  recordPostStepError(urn: string, error: Error): void {
    this.events.diagnostic({ severity: "error", urn, message: error.message });
    this.postStepError ??= error;
  }
}
