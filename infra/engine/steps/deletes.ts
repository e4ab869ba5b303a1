/** The end of a run: deleting what the program no longer wants, dependents first. */
import { AlreadyReported } from "../errors.ts";
import type { Deployment } from "./deployment.ts";
import type { StepExecutor } from "./executor.ts";
import { DependencyGraph } from "./graph.ts";
import { DeleteStep, RemovePendingReplaceStep } from "./other-steps.ts";
import type { Planner } from "./planner.ts";
import { SameStep } from "./register-steps.ts";
import { cascades, dependentReplacements } from "./replacements.ts";
import type { ResourceState } from "./state.ts";
import type { Step } from "./step.ts";

export async function runDeletes(
  deployment: Deployment,
  planner: Planner,
  executor: StepExecutor,
): Promise<void> {
  if (deployment.resources.length === 0) return;
  const { sames, deletes } = await planDeletes(deployment, planner);
  if (sames.length) await (await executor.start(sames)).done;
  const graph = new DependencyGraph(orderedForDeletes(deployment, planner));
  const kept = new Set<ResourceState>();
  let seen = 0;
  for (const group of groups(deletes, graph)) {
    for (const failed of executor.failedSteps.slice(seen))
      for (const state of [failed.res, failed.old])
        if (state && graph.contains(state))
          for (const need of graph.transitiveDependenciesOf(state)) kept.add(need);
    seen = executor.failedSteps.length;
    await executor.all(group.filter((step) => !kept.has(step.res)));
  }
}

/** What a destroy registered comes first: the old state may hold the same URNs. */
function orderedForDeletes(deployment: Deployment, planner: Planner): ResourceState[] {
  return [...planner.toDelete, ...deployment.resources];
}

async function planDeletes(
  deployment: Deployment,
  planner: Planner,
): Promise<{ sames: Step[]; deletes: Step[] }> {
  const selected = await selection(deployment, planner),
    sames: Step[] = [],
    deletes: Step[] = [];
  for (const state of deployment.resources) {
    if (!selected(state)) {
      if (!planner.isOperatedOn(state.urn))
        sames.push(
          new SameStep(deployment, undefined, state, { ...state, id: "", alias: "" }, true),
        );
      continue;
    }
    if (state.delete) {
      if (planner.pendingDeletes.has(state)) continue;
      deletes.push(new DeleteStep(deployment, state, planner.deletes, "replaced"));
    } else if (!planner.isOperatedOn(state.urn)) {
      deletes.push(
        state.pendingReplacement
          ? new RemovePendingReplaceStep(deployment, state)
          : new DeleteStep(deployment, state, planner.deletes),
      );
    } else continue;
    planner.deletes.add(state.urn);
    await deployment.ensureProvider(state.provider);
  }
  for (const state of planner.toDelete.filter(selected)) {
    planner.deletes.add(state.urn);
    deletes.push(new DeleteStep(deployment, state, planner.deletes));
  }
  refuseUntargeted(deployment, planner, deletes);
  return { sames, deletes };
}

/** Deleting one resource may take others with it that were not named. */
function refuseUntargeted(
  deployment: Deployment,
  planner: Planner,
  deletes: readonly Step[],
): void {
  const { targets, targetDependents, preview } = deployment.options;
  if (targets.size === 0 || targetDependents) return;
  const unnamed = deletes.filter((step) => !targets.has(step.urn));
  for (const { urn } of unnamed) {
    const message = `Resource '${urn}' will be destroyed but was not specified in --target list.\nEither include resource in --target list or pass --target-dependents to proceed.`;
    deployment.events.diagnostic({ severity: "error", urn, message });
    planner.sawError = true;
  }
  if (unnamed.length && !preview) throw new AlreadyReported("delete untargeted resource");
}

async function selection(
  deployment: Deployment,
  planner: Planner,
): Promise<(state: ResourceState) => boolean> {
  const { targets, excludes, excludeDependents } = deployment.options;
  if (targets.size > 0) {
    const condemned = await condemnedTargets(deployment, planner);
    return (state) => condemned.has(state.urn);
  }
  if (excludes.size === 0) return () => true;
  const graph = new DependencyGraph(orderedForDeletes(deployment, planner)),
    kept = new Set<string>();
  const waiting = deployment.resources.filter((r) => excludes.has(r.urn));
  for (let next = waiting.pop(); next; next = waiting.pop()) {
    if (kept.has(next.urn)) continue;
    kept.add(next.urn);
    waiting.push(
      ...graph.dependenciesOf(next),
      ...(excludeDependents ? graph.dependingOn(next, kept, true) : []),
    );
  }
  return (state) => !kept.has(state.urn);
}

/** The targets, everything that depends on them, and everything that would have to be replaced with them. */
async function condemnedTargets(deployment: Deployment, planner: Planner): Promise<Set<string>> {
  const graph = new DependencyGraph(orderedForDeletes(deployment, planner)),
    reached = new Set<string>(),
    condemned = new Set<string>();
  const waiting = deployment.resources.filter((r) => deployment.options.targets.has(r.urn));
  for (let next = waiting.shift(); next; next = waiting.shift()) {
    if (reached.has(next.urn)) continue;
    reached.add(next.urn);
    waiting.push(...graph.dependingOn(next, reached, true));
  }
  for (const urn of reached)
    for (const state of deployment.allOlds(urn)) {
      condemned.add(urn);
      for (const dependent of [
        ...(await dependentReplacements(planner, state)),
        ...cascades(planner, urn),
      ])
        condemned.add(dependent.state.urn);
    }
  return condemned;
}

/**
 * Groups of deletes that can run at once, in order: a resource is deleted when everything that depends on it is gone. A resource that
 * depends on nothing condemned belongs to the last group.
 */
function groups(deletes: readonly Step[], graph: DependencyGraph): Step[][] {
  const condemned = new Map(deletes.map((step) => [step.res, step])),
    found: Step[][] = [];
  const needs = new Map(
    [...condemned.keys()].map((state) => [state, [...graph.dependenciesOf(state)]]),
  );
  while (condemned.size) {
    const group = [...condemned].filter(
      ([state]) => !needs.get(state)?.some((need) => condemned.has(need)),
    );
    if (group.length === 0)
      throw new Error(
        `the resources to delete depend on each other: ${[...condemned.keys()].map((s) => s.urn).join(", ")}`,
      );
    for (const [state] of group) condemned.delete(state);
    found.unshift(group.map(([, step]) => step));
  }
  return found;
}
