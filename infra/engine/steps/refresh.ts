/** Refresh without the program: reads what the state holds and takes over what has changed. */
import { AlreadyReported } from "../errors.ts";
import type { Deployment } from "./deployment.ts";
import { StepExecutor } from "./executor.ts";
import { RefreshStep } from "./other-steps.ts";
import { needsOf, type ResourceState } from "./state.ts";

export async function runRefresh(deployment: Deployment, signal: AbortSignal): Promise<void> {
  if (deployment.resources.length === 0) return;
  const steps = new Map<ResourceState, RefreshStep>();
  for (const state of selected(deployment)) {
    await deployment.ensureProvider(state.provider);
    steps.set(state, new RefreshStep(deployment, state));
  }
  const executor = new StepExecutor(deployment, true);
  const cancel = (): void => executor.cancel();
  signal.addEventListener("abort", cancel);
  await executor.all([...steps.values()]);
  signal.removeEventListener("abort", cancel);
  deployment.rebase(rebuilt(deployment.resources, steps));
  await deployment.events.rebuilt();
  if (executor.error || signal.aborted) {
    deployment.events.diagnostic({
      severity: "error",
      message: `${deployment.options.preview ? "preview" : "update"} ${signal.aborted ? "canceled" : "failed"}`,
    });
    throw new AlreadyReported("refresh failed");
  }
}

function* selected(deployment: Deployment): Generator<ResourceState> {
  const { targets, targetDependents, excludes, excludeDependents } = deployment.options;
  const chosen = new Set(targets),
    left = new Set(excludes);
  for (const state of deployment.resources) {
    const needs = needsOf(state);
    if (targets.size > 0) {
      if (targetDependents && needs.some((urn) => chosen.has(urn))) chosen.add(state.urn);
      if (!chosen.has(state.urn)) continue;
    } else if (excludes.size > 0) {
      if (excludeDependents && needs.some((urn) => left.has(urn))) left.add(state.urn);
      if (left.has(state.urn)) continue;
    }
    yield state;
  }
}

/** The state after a refresh: without what is gone, and without references to it. */
function rebuilt(
  resources: readonly ResourceState[],
  steps: ReadonlyMap<ResourceState, RefreshStep>,
): ResourceState[] {
  const kept: ResourceState[] = [],
    there = new Set<string>(),
    parents = new Map<string, string>();
  for (const old of resources) {
    const step = steps.get(old),
      news = step ? step.new : old;
    if (!news) continue;
    if (news.dependencies.length)
      news.dependencies = news.dependencies.filter((urn) => there.has(urn));
    if (news.propertyDependencies)
      news.propertyDependencies = Object.fromEntries(
        Object.entries(news.propertyDependencies)
          .map(([key, urns]) => [key, urns.filter((urn) => there.has(urn))] as const)
          .filter(([, urns]) => urns.length),
      );
    if (news.deletedWith && !there.has(news.deletedWith)) news.deletedWith = "";
    if (news.replaceWith.length)
      news.replaceWith = news.replaceWith.filter((urn) => there.has(urn));
    there.add(news.urn);
    kept.push(news);
  }
  for (const state of kept) {
    if (state.parent && !there.has(state.parent)) state.parent = parents.get(state.parent) ?? "";
    parents.set(state.urn, state.parent);
  }
  return kept;
}
