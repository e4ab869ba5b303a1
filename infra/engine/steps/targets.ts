/** `--target` and `--exclude`: which resources take part in a run. */
import type { Deployment } from "./deployment.ts";
import { needsOf, type ResourceState } from "./state.ts";

export class TargetSelection {
  readonly #deployment: Deployment;
  /** The named ones and, with `--target-dependents` or `--exclude-dependents`, those found to depend on them. */
  readonly #targets: Set<string>;
  readonly #excludes: Set<string>;

  constructor(deployment: Deployment) {
    this.#deployment = deployment;
    this.#targets = new Set(deployment.options.targets);
    this.#excludes = new Set(deployment.options.excludes);
  }

  includes(state: ResourceState): boolean {
    const { targets, excludes } = this.#deployment.options;
    if (targets.size > 0) return this.#isTargeted(state);
    return excludes.size === 0 || !this.#isExcluded(state);
  }

  /** Lets the dependents of a resource take part, or not, as it does. */
  follow(state: ResourceState, targeted: boolean): void {
    const { excludes } = this.#deployment.options;
    if (excludes.size > 0 && !targeted && this.#isExcluded(state)) this.#excludes.add(state.urn);
    else if (targeted && this.#isTargeted(state)) this.#targets.add(state.urn);
  }

  #isTargeted(state: ResourceState): boolean {
    const { targets, targetDependents } = this.#deployment.options;
    return (
      targets.has(state.urn) ||
      (targetDependents && needsOf(state).some((urn) => this.#targets.has(urn)))
    );
  }

  #isExcluded(state: ResourceState): boolean {
    const { excludes, excludeDependents } = this.#deployment.options;
    return (
      excludes.has(state.urn) ||
      (excludeDependents && needsOf(state).some((urn) => this.#excludes.has(urn)))
    );
  }
}
