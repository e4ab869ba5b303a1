/** One resource as the checkpoint records it. */
import { isProviderType, parseReference } from "../urn.ts";
import { EMPTY, type Value, type ValueMap } from "../values/value.ts";

export const HOOK_KINDS = [
  "BeforeCreate",
  "AfterCreate",
  "BeforeUpdate",
  "AfterUpdate",
  "BeforeDelete",
  "AfterDelete",
  "OnError",
] as const;
export type HookKind = (typeof HOOK_KINDS)[number];

/** Seconds; zero or absent leaves it to the provider. */
export interface CustomTimeouts {
  create?: number;
  update?: number;
  delete?: number;
  read?: number;
}

/**
 * Steps fill in `id`, `outputs` and the times while they run, and mark the old state of a replacement. A URN is never empty; other
 * text fields are empty where the checkpoint leaves them out.
 */
export interface ResourceState {
  urn: string;
  type: string;
  custom: boolean;
  id: string;
  inputs: ValueMap;
  /** Undefined until known; an empty map is written as absent too. */
  outputs: ValueMap;
  parent: string;
  provider: string;
  dependencies: readonly string[];
  propertyDependencies: Readonly<Record<string, readonly string[]>> | undefined;
  protect: boolean;
  taint: boolean;
  external: boolean;
  retainOnDelete: boolean;
  refreshBeforeUpdate: boolean;
  /** Replaced, and still to be deleted. */
  delete: boolean;
  /** Deleted already, and still to be created again. */
  pendingReplacement: boolean;
  deletedWith: string;
  replaceWith: readonly string[];
  initErrors: readonly string[];
  additionalSecretOutputs: readonly string[];
  ignoreChanges: readonly string[];
  replaceOnChanges: readonly string[];
  hideDiff: readonly string[];
  customTimeouts: CustomTimeouts;
  importID: string;
  replacementTrigger: Value;
  resourceHooks: Partial<Record<HookKind, readonly string[]>>;
  /** RFC 3339. */
  created: string;
  modified: string;
  sourcePosition: string;
  stackTrace: readonly unknown[];
  /** The old URN that this run found the resource under; never written. */
  alias: string;
}

export function newState(
  given: Pick<ResourceState, "urn" | "type" | "custom"> & Partial<ResourceState>,
): ResourceState {
  return {
    id: "",
    inputs: EMPTY,
    outputs: EMPTY,
    parent: "",
    provider: "",
    dependencies: [],
    propertyDependencies: undefined,
    protect: false,
    taint: false,
    external: false,
    retainOnDelete: false,
    refreshBeforeUpdate: false,
    delete: false,
    pendingReplacement: false,
    deletedWith: "",
    replaceWith: [],
    initErrors: [],
    additionalSecretOutputs: [],
    ignoreChanges: [],
    replaceOnChanges: [],
    hideDiff: [],
    customTimeouts: {},
    importID: "",
    replacementTrigger: null,
    resourceHooks: {},
    created: "",
    modified: "",
    sourcePosition: "",
    stackTrace: [],
    alias: "",
    ...given,
  };
}

export type DependencyKind = "parent" | "dependency" | "property" | "deletedWith" | "replaceWith";
export interface Dependency {
  readonly kind: DependencyKind;
  readonly urn: string;
}

/** Everything the resource needs except its provider. */
export function dependenciesOf(state: ResourceState): Dependency[] {
  const found: Dependency[] = [];
  if (state.parent) found.push({ kind: "parent", urn: state.parent });
  for (const urn of state.dependencies) found.push({ kind: "dependency", urn });
  for (const urns of Object.values(state.propertyDependencies ?? {}))
    for (const urn of urns) found.push({ kind: "property", urn });
  if (state.deletedWith) found.push({ kind: "deletedWith", urn: state.deletedWith });
  for (const urn of state.replaceWith) found.push({ kind: "replaceWith", urn });
  return found;
}

/** The URN of the resource's provider, or empty. */
export function providerUrnOf(state: ResourceState): string {
  return state.provider === "" ? "" : parseReference(state.provider).urn;
}

/** URNs of everything the resource needs, provider included. */
export function needsOf(state: ResourceState): string[] {
  const provider = providerUrnOf(state);
  return [...(provider ? [provider] : []), ...dependenciesOf(state).map((d) => d.urn)];
}

export const isProvider = (state: ResourceState): boolean => isProviderType(state.type);
/** Provider resources and components have no calls of their own to a plugin. */
export const isManaged = (state: ResourceState): boolean => state.custom && !isProvider(state);
