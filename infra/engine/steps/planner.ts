/**
 * Turns what the program registers into steps.
 *
 * Registrations are planned one after the other: what a step does to the others (a replacement that takes dependents with it) needs
 * one consistent view. Steps then run beside each other.
 */
import { randomBytes } from "node:crypto";
import { AlreadyReported } from "../errors.ts";
import type { ResourceOperations } from "../plugins/provider.ts";
import { isProviderType, isRootStack, makeUrn, nameOf, parseReference } from "../urn.ts";
import { AliasTable } from "./aliases.ts";
import { reportFailures } from "./check-failures.ts";
import type { Deployment } from "./deployment.ts";
import { ignoringChanges } from "./diff.ts";
import type { Goal, ReadEvent, Registration } from "./goal.ts";
import { stateOf } from "./goal-state.ts";
import { ReadStep } from "./other-steps.ts";
import {
  CreateStep,
  ImportStep,
  ReplaceStep,
  SameStep,
  SkippedCreateStep,
} from "./register-steps.ts";
import { changeSteps } from "./replacements.ts";
import { needsOf, newState, type ResourceState } from "./state.ts";
import type { Step } from "./step.ts";
import { TargetSelection } from "./targets.ts";

export interface Plan {
  readonly steps: readonly Step[];
  /** More steps follow once these are done; resolves with undefined when they failed. */
  readonly then?: Promise<(() => Promise<Plan>) | undefined>;
}

/** A registration with all that planning has found out about it. */
export interface Candidate {
  readonly registration: Registration;
  readonly goal: Goal;
  readonly urn: string;
  readonly old: ResourceState | undefined;
  readonly news: ResourceState;
  readonly operations: ResourceOperations | undefined;
  readonly conflict: boolean;
  readonly randomSeed: Uint8Array;
}

export class Planner {
  readonly deployment: Deployment;
  readonly aliases: AliasTable;
  readonly targets: TargetSelection;
  /** URNs by what happens to them in this run. */
  readonly urns = new Set<string>();
  readonly reads = new Set<string>();
  readonly creates = new Set<string>();
  readonly sames = new Set<string>();
  readonly updates = new Set<string>();
  readonly replaces = new Set<string>();
  readonly deletes = new Set<string>();
  readonly imports = new Set<string>();
  readonly refreshes = new Set<string>();
  /** New resources that are left out of this run. */
  readonly skippedCreates = new Set<string>();
  readonly pendingDeletes = new Set<ResourceState>();
  /** Why a dependent is replaced together with a resource that is deleted first. */
  readonly dependentReplaceKeys = new Map<string, readonly string[]>();
  /** Provider resources of this run by URN, old URNs included. */
  readonly providers = new Map<string, ResourceState>();
  /** What a destroy that runs the program has registered, to be deleted in the end. */
  readonly toDelete: ResourceState[] = [];
  /** Errors have been reported: the run fails, though it may go on to find more. */
  sawError = false;

  constructor(deployment: Deployment) {
    this.deployment = deployment;
    this.aliases = new AliasTable(deployment, this.urns);
    this.targets = new TargetSelection(deployment);
  }

  /** True when a step for the URN has been planned that is no delete. */
  isOperatedOn(urn: string): boolean {
    const name = this.aliases.renamed(urn) ?? urn;
    return [this.sames, this.updates, this.replaces, this.reads, this.refreshes].some((set) =>
      set.has(name),
    );
  }

  hasStep(urn: string): boolean {
    return [this.creates, this.sames, this.updates, this.deletes, this.replaces, this.reads].some(
      (set) => set.has(urn),
    );
  }

  planRead(event: ReadEvent): Plan {
    this.#checkParent(event.parent);
    const urn = this.#claimUrn(event.parent, event.type, event.name);
    const { old, alias } = this.aliases.find(
      { urn, name: event.name, type: event.type, parent: event.parent },
      [],
    );
    const news = newState({
      urn,
      type: event.type,
      custom: true,
      id: event.id,
      inputs: event.inputs,
      parent: event.parent,
      external: true,
      dependencies: event.dependencies,
      provider: event.provider,
      additionalSecretOutputs: event.additionalSecretOutputs,
      sourcePosition: event.sourcePosition,
      stackTrace: event.stackTrace,
      alias,
    });
    if (news.id === "") throw new Error(`Expected an ID for ${urn}`);
    if (old && !old.external && old.id !== event.id) {
      this.replaces.add(urn);
      return {
        steps: [
          new ReadStep(this.deployment, event, old, news, true),
          new ReplaceStep(this.deployment, undefined, old, news),
        ],
      };
    }
    if (this.deployment.options.destroyProgram) this.toDelete.push(news);
    this.reads.add(urn);
    return { steps: [new ReadStep(this.deployment, event, old, news, false)] };
  }

  async planRegistration(registration: Registration): Promise<Plan> {
    const { goal } = registration,
      { parent, type, name } = goal;
    this.#checkParent(parent);
    const urn = this.#claimUrn(parent, type, name);
    const { old, alias, conflict } = this.aliases.find({ urn, name, type, parent }, goal.aliases);
    const news = stateOf(goal, urn, old, alias);
    if (isProviderType(type))
      for (const name of alias ? [urn, alias] : [urn]) this.providers.set(name, news);
    const destroying = this.deployment.options.destroyProgram
      ? this.#planDestroyed(registration, old, news)
      : undefined;
    if (destroying) return destroying;
    const operations = goal.custom ? await this.#operations(news) : undefined;
    const candidate: Candidate = {
      registration,
      goal,
      urn,
      old,
      news,
      operations,
      conflict,
      randomSeed: randomBytes(32),
    };
    const known = old && (old.importID || old.id);
    if (goal.custom && goal.importId !== "" && (!old || old.external || known !== goal.importId))
      return this.#planImport(candidate);
    return { steps: await this.#plan(candidate, false) };
  }

  #checkParent(parent: string): void {
    if (parent !== "" && !this.urns.has(parent))
      throw new Error(`could not find parent resource ${parent}`);
  }

  #claimUrn(parent: string, type: string, name: string): string {
    const urn = makeUrn(this.deployment.stack, this.deployment.project, parent, type, name);
    if (this.urns.has(urn)) {
      this.deployment.events.diagnostic({
        severity: "error",
        urn,
        message: `Duplicate resource URN '${urn}'; try giving it a unique name`,
      });
      throw new AlreadyReported(`duplicate URN ${urn}`);
    }
    this.urns.add(urn);
    return urn;
  }

  async #operations(state: ResourceState): Promise<ResourceOperations> {
    if (!isProviderType(state.type)) {
      if (!this.deployment.isKnownReference(state.provider)) {
        this.deployment.events.diagnostic({
          severity: "error",
          urn: state.urn,
          message: `unknown provider '${state.provider}' for resource '${state.urn}'`,
        });
        throw new AlreadyReported(`unknown provider ${state.provider}`);
      }
      await this.deployment.ensureProvider(state.provider);
    }
    return this.deployment.operationsOf(state);
  }

  /** In a destroy, managed resources are only registered; providers and components really are set up. */
  #planDestroyed(
    registration: Registration,
    old: ResourceState | undefined,
    news: ResourceState,
  ): Plan | undefined {
    const managed = news.custom && !isProviderType(news.type);
    if (needsOf(news).some((urn) => this.skippedCreates.has(urn)) || (managed && !old)) {
      this.skippedCreates.add(news.urn);
      if (old) news.outputs = old.outputs;
      return { steps: [new SkippedCreateStep(this.deployment, registration, news)] };
    }
    this.toDelete.push(news);
    if (!managed || !old) return undefined;
    this.sames.add(news.urn);
    news.inputs = old.inputs;
    return { steps: [new SameStep(this.deployment, registration, old, news)] };
  }

  #planImport(candidate: Candidate): Plan {
    const { registration, goal, old, news, urn } = candidate;
    this.imports.add(urn);
    const replacing = old !== undefined && !this.deletes.has(urn);
    const { promise, resolve } = Promise.withResolvers<(() => Promise<Plan>) | undefined>();
    const imported = (state: ResourceState | undefined): void =>
      resolve(
        state &&
          (async () => ({
            steps: await this.#plan(
              { ...candidate, old: state, news: stateOf(goal, urn, state, news.alias) },
              true,
            ),
          })),
      );
    const step = new ImportStep(
      this.deployment,
      registration,
      replacing ? old : undefined,
      news,
      goal.ignoreChanges,
      imported,
    );
    return {
      steps: replacing ? [step, new ReplaceStep(this.deployment, undefined, old, news)] : [step],
      then: promise,
    };
  }

  async #plan(candidate: Candidate, imported: boolean): Promise<Step[]> {
    const { goal, urn, old, news, operations } = candidate;
    const recreating = this.deletes.has(urn),
      external = old?.external === true;
    const implicit = isProviderType(goal.type) || isRootStack(urn);
    const targeted = implicit || this.targets.includes(news);
    let invalid = candidate.conflict;
    const reset = old
      ? ignoringChanges(goal.inputs, old.inputs, goal.ignoreChanges)
      : { inputs: goal.inputs, invalid: [] };
    if (reset.invalid.length)
      this.deployment.events.diagnostic({
        severity: "info",
        urn,
        message: `cannot ignore changes in added or removed elements of the path: ${JSON.stringify(reset.invalid.join(", "))}`,
      });
    news.inputs = reset.inputs;
    const fresh = recreating || external || !old || this.isTargetedReplace(urn, old);
    if (operations && targeted) {
      const request = fresh
        ? { olds: {}, news: goal.inputs }
        : { olds: old.inputs, news: reset.inputs };
      const checked = await operations.check({
        urn,
        ...request,
        allowUnknowns: this.deployment.options.preview,
        randomSeed: candidate.randomSeed,
      });
      if (reportFailures(this.deployment.events, news, checked.failures)) invalid = true;
      news.inputs = checked.inputs;
    } else if (operations) news.inputs = old?.inputs ?? {};
    if (invalid) throw new AlreadyReported(`resource ${urn} is invalid`);
    if (recreating && old) return this.recreate(candidate);
    if (external && old) {
      this.creates.add(urn);
      return this.validated([
        new CreateStep(this.deployment, candidate.registration, old, news, true),
        new ReplaceStep(this.deployment, candidate.registration, old, news),
      ]);
    }
    this.targets.follow(news, targeted);
    if (old) {
      if (!targeted) return this.#planUntargeted(candidate, old);
      const steps = await changeSteps(this, { ...candidate, old });
      return this.validated(steps.length ? steps : this.#planSame(candidate, old, imported));
    }
    if (!targeted) {
      this.sames.add(urn);
      this.skippedCreates.add(urn);
      return this.validated([new SkippedCreateStep(this.deployment, candidate.registration, news)]);
    }
    this.creates.add(urn);
    return this.validated([
      new CreateStep(this.deployment, candidate.registration, undefined, news),
    ]);
  }

  /** The resource was deleted earlier in this run, together with something that it depends on. */
  recreate({ registration, urn, old, news }: Candidate): Step[] {
    this.deletes.delete(urn);
    this.replaces.add(urn);
    const keys = this.dependentReplaceKeys.get(urn) ?? [];
    return this.validated([
      new ReplaceStep(this.deployment, registration, old, news),
      new CreateStep(this.deployment, registration, old, news, false, { keys }),
    ]);
  }

  #planSame({ registration, urn, news }: Candidate, old: ResourceState, imported: boolean): Step[] {
    if (imported) {
      registration.done({ state: old, result: "success" });
      return [];
    }
    this.sames.add(urn);
    return [new SameStep(this.deployment, registration, old, news)];
  }

  /** An untargeted resource stays as it is; what it needs and the program no longer registers must stay before it. */
  #planUntargeted({ registration, urn }: Candidate, old: ResourceState): Step[] {
    const steps: Step[] = [];
    const keep = (state: ResourceState, own: Registration | undefined): void => {
      if (state.delete) return;
      this.urns.add(state.urn);
      this.sames.add(urn);
      this.sames.add(state.urn);
      for (const need of needsOf(state)) {
        const dependency = this.deployment.old(need);
        if (this.hasStep(need) || this.isOperatedOn(need)) continue;
        if (!dependency)
          throw new Error(`dependency ${need} of untargeted resource ${urn} has no old state`);
        keep(dependency, undefined);
      }
      steps.push(new SameStep(this.deployment, own, state, { ...state, id: "", alias: "" }, true));
    };
    if (old.provider && !this.deployment.registry.get(old.provider)) {
      const { urn: provider } = parseReference(old.provider);
      throw new Error(
        `provider ${old.provider} for resource ${urn} has not been registered yet, this is due to a change of providers mixed with --target. Change your program back to the original providers (${nameOf(provider)})`,
      );
    }
    keep(old, registration);
    return steps;
  }

  isTargetedReplace(urn: string, old: ResourceState | undefined): boolean {
    return this.deployment.options.replaceTargets.has(urn) || old?.taint === true;
  }

  /** A step must not depend on a resource that `--target` leaves out. */
  validated(steps: Step[]): Step[] {
    const { targets, replaceTargets, preview } = this.deployment.options;
    if (targets.size === 0 && replaceTargets.size === 0) return steps;
    for (const step of steps) {
      if (!step.new || step instanceof SkippedCreateStep) continue;
      for (const urn of needsOf(step.new)) {
        if (!this.skippedCreates.has(urn)) continue;
        this.deployment.events.diagnostic({
          severity: "error",
          urn: step.urn,
          message: missingTarget(step.urn, urn),
        });
        this.sawError = true;
        if (!preview) throw new AlreadyReported("untargeted create");
        this.skippedCreates.delete(urn);
      }
    }
    return steps;
  }
}

function missingTarget(urn: string, needed: string): string {
  return `Resource '${urn}' depends on '${needed}' which was was not specified in --target list.`;
}
