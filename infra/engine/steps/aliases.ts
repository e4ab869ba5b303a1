/** Finding the old state of a resource under its own URN or an alias. */
import { isRootStack, makeUrn, nameOf, parseUrn } from "../urn.ts";
import type { Deployment } from "./deployment.ts";
import type { Alias } from "./goal.ts";
import type { ResourceState } from "./state.ts";

export interface Identity {
  readonly urn: string;
  readonly name: string;
  readonly type: string;
  readonly parent: string;
}

export class AliasTable {
  readonly #deployment: Deployment;
  /** URNs seen in this run. */
  readonly #seen: ReadonlySet<string>;
  /** New URN by the old one it was found under. */
  readonly #byOld = new Map<string, string>();
  readonly #byNew = new Map<string, string>();

  constructor(deployment: Deployment, seen: ReadonlySet<string>) {
    this.#deployment = deployment;
    this.#seen = seen;
  }

  /** The new URN of a resource that was found under `urn`, if there is one. */
  renamed(urn: string): string | undefined {
    return this.#byOld.get(urn);
  }

  /**
   * @returns the old state, and whether two resources claim the same old URN (which has then been reported)
   */
  find(
    self: Identity,
    aliases: readonly Alias[],
  ): { old: ResourceState | undefined; alias: string; conflict: boolean } {
    let conflict = false;
    const claim = (message: string): void => {
      conflict = true;
      this.#deployment.events.diagnostic({ severity: "error", urn: self.urn, message });
    };
    const claimed = this.#byOld.get(self.urn);
    if (claimed)
      claim(
        `Duplicate resource URN '${self.urn}' conflicting with alias on resource with URN '${claimed}'`,
      );
    for (const candidate of [self.urn, ...this.#candidates(self, aliases)]) {
      const old = this.#deployment.old(candidate);
      if (!old) continue;
      if (candidate === self.urn) return { old, alias: "", conflict };
      const other = this.#seen.has(candidate) ? candidate : this.#byOld.get(candidate);
      if (other)
        claim(
          `Duplicate resource alias '${candidate}' applied to resource with URN '${self.urn}' conflicting with resource with URN '${other}'`,
        );
      this.#byOld.set(candidate, self.urn);
      this.#byNew.set(self.urn, candidate);
      this.#deployment.registry.registerAlias(self.urn, candidate);
      return { old, alias: candidate, conflict };
    }
    return { old: undefined, alias: "", conflict };
  }

  /** The resource's own aliases, and those it has because its parent was found under another URN. */
  #candidates(self: Identity, aliases: readonly Alias[]): Set<string> {
    const own = aliases.map((alias) => this.#resolve(self, alias)),
      found = new Set(own);
    const parentAlias = this.#byNew.get(self.parent);
    if (parentAlias) {
      found.add(this.#inherited(self.type, self.name, self.parent, parentAlias));
      for (const urn of own) {
        const { type, name } = parseUrn(urn);
        found.add(this.#inherited(type, name, self.parent, parentAlias));
      }
    }
    return found;
  }

  #resolve(self: Identity, alias: Alias): string {
    if ("urn" in alias) return alias.urn;
    const given =
      alias.parent === "" ? self.parent : (this.#byNew.get(alias.parent) ?? alias.parent);
    const parent = alias.noParent || isRootStack(given) ? "" : given;
    return makeUrn(
      alias.stack || this.#deployment.stack,
      alias.project || this.#deployment.project,
      parent,
      alias.type || self.type,
      alias.name || self.name,
    );
  }

  /** A child named after its parent (`app-role` of `app`) is looked for under the parent's old name too. */
  #inherited(type: string, name: string, parent: string, parentAlias: string): string {
    const prefix = nameOf(parent);
    const oldName = name.startsWith(prefix)
      ? nameOf(parentAlias) + name.slice(prefix.length)
      : name;
    return makeUrn(this.#deployment.stack, this.#deployment.project, parentAlias, type, oldName);
  }
}
