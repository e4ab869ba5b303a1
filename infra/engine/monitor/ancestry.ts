/** What resources pass to their children: options, providers, transforms. */
import type { Goal } from "../steps/goal.ts";
import { packageOf, packageOfProvider, parseReference, typeOf } from "../urn.ts";
import type { Callback } from "./callbacks.ts";
import type { Draft, RegisterRequest } from "./registration.ts";

export class Ancestry {
  readonly #goals = new Map<string, Goal>();
  /** Providers a component passes on, by package. */
  readonly #providers = new Map<string, ReadonlyMap<string, string>>();
  readonly #transforms = new Map<string, readonly Callback[]>();
  readonly #stackTransforms: Callback[] = [];

  /** Fills in the options that a request leaves to its parent. */
  inherit(request: RegisterRequest): void {
    const goal = this.#goals.get(request.getParent());
    if (!goal) return;
    if (request.getDeletedwith() === "") request.setDeletedwith(goal.deletedWith);
    if (!request.hasProtect()) request.setProtect(goal.protect);
    if (!request.hasRetainondelete()) request.setRetainondelete(goal.retainOnDelete);
  }

  /** The reference of a resource's provider, its own or an ancestor's; empty for the default provider. */
  provider({ options }: Draft, parent: string, type: string): string {
    const name = packageOf(type);
    const given =
      options.getProvider() || (options.getProvidersMap().get(name) as string | undefined);
    if (given) return given;
    const above = this.#goals.get(parent);
    if (above?.provider && packageOfProvider(typeOf(parseReference(above.provider).urn)) === name)
      return above.provider;
    return this.#providers.get(parent)?.get(name) ?? "";
  }

  /** The resource's own transforms, those of its ancestors from near to far, those of the stack. */
  transforms(own: readonly Callback[], parent: string): Callback[] {
    const found = [...own];
    for (let urn = parent; urn; urn = this.#goals.get(urn)?.parent ?? "")
      found.push(...(this.#transforms.get(urn) ?? []));
    return [...found, ...this.#stackTransforms];
  }

  addStackTransform(callback: Callback): void {
    this.#stackTransforms.push(callback);
  }

  remember(urn: string, goal: Goal, { options }: Draft, transforms: readonly Callback[]): void {
    this.#goals.set(urn, goal);
    this.#transforms.set(urn, transforms);
    if (goal.custom) return;
    const providers = new Map(this.#providers.get(goal.parent) ?? []);
    options
      .getProvidersMap()
      .forEach((reference: string, name: string) => providers.set(name, reference));
    this.#providers.set(urn, providers);
  }
}
