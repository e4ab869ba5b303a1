/** Who depends on whom among the resources of a checkpoint, whose order is topological. */
import { dependenciesOf, needsOf, providerUrnOf, type ResourceState } from "./state.ts";

export class DependencyGraph {
  readonly #resources: readonly ResourceState[];
  readonly #index = new Map<ResourceState, number>();
  /** Positions of all descendants of a URN. */
  readonly #descendants = new Map<string, number[]>();

  constructor(resources: readonly ResourceState[]) {
    this.#resources = resources;
    const at = new Map<string, number>();
    resources.forEach((r, i) => {
      this.#index.set(r, i);
      at.set(r.urn, i);
      for (let parent = r.parent; parent;) {
        const own = this.#descendants.get(parent);
        if (own) own.push(i);
        else this.#descendants.set(parent, [i]);
        const above = at.get(parent);
        parent = above === undefined ? "" : (resources[above] as ResourceState).parent;
      }
    });
  }

  contains(state: ResourceState): boolean {
    return this.#index.has(state);
  }

  /** Everything that depends on a resource, directly or not, in the order of the list. */
  dependingOn(
    state: ResourceState,
    ignored: ReadonlySet<string>,
    includeChildren: boolean,
  ): ResourceState[] {
    const found: ResourceState[] = [],
      reached = new Set([state.urn]);
    for (const candidate of this.#resources.slice(this.#at(state) + 1)) {
      if (ignored.has(candidate.urn)) continue;
      const needs = dependenciesOf(candidate).some(
        (d) => reached.has(d.urn) && (includeChildren || d.kind !== "parent"),
      );
      if (needs || reached.has(providerUrnOf(candidate))) {
        found.push(candidate);
        reached.add(candidate.urn);
      }
    }
    return found;
  }

  /** What a resource needs directly: a component counts for those of its descendants that precede the resource. */
  dependenciesOf(state: ResourceState): Set<ResourceState> {
    const own = this.#at(state),
      found = new Set<ResourceState>();
    const urns = new Set([
      providerUrnOf(state),
      ...dependenciesOf(state)
        .filter((d) => d.kind !== "parent")
        .map((d) => d.urn),
    ]);
    for (const candidate of this.#resources.slice(0, own)) {
      if (urns.has(candidate.urn)) {
        found.add(candidate);
        if (!candidate.custom)
          for (const i of this.#descendants.get(candidate.urn) ?? [])
            if (i < own) found.add(this.#resources[i] as ResourceState);
      }
      if (candidate.urn === state.parent) found.add(candidate);
    }
    return found;
  }

  /** Everything a resource needs, directly or not. Entries marked for deletion prefer each other. */
  transitiveDependenciesOf(state: ResourceState): Set<ResourceState> {
    const live = new Map<string, ResourceState>(),
      condemned = new Map<string, ResourceState>();
    for (const r of this.#resources) (r.delete ? condemned : live).set(r.urn, r);
    const found = new Set<ResourceState>(),
      waiting = [state];
    for (let next = waiting.pop(); next; next = waiting.pop())
      for (const urn of needsOf(next)) {
        const need = next.delete
          ? (condemned.get(urn) ?? live.get(urn))
          : (live.get(urn) ?? condemned.get(urn));
        if (need && need !== state && !found.has(need)) {
          found.add(need);
          waiting.push(need);
        }
      }
    return found;
  }

  #at(state: ResourceState): number {
    const index = this.#index.get(state);
    if (index === undefined) throw new Error(`${state.urn} is not in the dependency graph`);
    return index;
  }
}
