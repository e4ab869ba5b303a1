import type { Goal } from "./goal.ts";
import { newState, type ResourceState } from "./state.ts";

/** The state a registration asks for, before anything has been done. */
export function stateOf(
  goal: Goal,
  urn: string,
  old: ResourceState | undefined,
  alias: string,
): ResourceState {
  return newState({
    urn,
    type: goal.type,
    custom: goal.custom,
    inputs: goal.inputs,
    parent: goal.parent,
    protect: goal.protect,
    dependencies: goal.dependencies,
    provider: goal.provider,
    propertyDependencies: goal.propertyDependencies,
    additionalSecretOutputs: goal.additionalSecretOutputs,
    alias,
    customTimeouts: goal.customTimeouts,
    importID: goal.importId,
    retainOnDelete: goal.retainOnDelete,
    deletedWith: goal.deletedWith,
    replaceWith: goal.replaceWith,
    created: old?.created ?? "",
    modified: old?.modified ?? "",
    sourcePosition: goal.sourcePosition,
    stackTrace: goal.stackTrace,
    ignoreChanges: goal.ignoreChanges,
    hideDiff: goal.hideDiff,
    replaceOnChanges: goal.replaceOnChanges,
    replacementTrigger: goal.replacementTrigger,
    refreshBeforeUpdate: old?.refreshBeforeUpdate ?? false,
    resourceHooks: goal.hooks,
  });
}
