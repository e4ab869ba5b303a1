import type { Network } from "./schema.ts";
import type { SiteDescription } from "./sites.ts";

export type NodeRole = "validator" | "full";

/** One node the network runs itself, by its place in the description. */
export interface NodeIdentity {
  /** `<site>-validator-<k>` or `<site>-full-<k>`, k from 1. */
  readonly id: string;
  readonly role: NodeRole;
  readonly site: SiteDescription;
  readonly siteIndex: number;
  /** Counts the nodes of the site from 0: validators first, then full nodes. */
  readonly index: number;
}

/** Every node of every site, in the order of the description. Ids do not depend on other sites. */
export function listNodes(network: Pick<Network, "sites">): NodeIdentity[] {
  return network.sites.flatMap((site, siteIndex) =>
    nodesOfSite(site).map((node, index) => ({ ...node, site, siteIndex, index })),
  );
}

function nodesOfSite({ name, validators, fullNodes }: SiteDescription) {
  const numbered = (role: NodeRole, count: number) =>
    Array.from({ length: count }, (_, i) => ({ id: `${name}-${role}-${i + 1}`, role }));
  return [...numbered("validator", validators), ...numbered("full", fullNodes)];
}

/** Validators of the whole network, those of other organisations included. */
export function countValidators({ sites, external }: Pick<Network, "sites" | "external">): number {
  return sites.reduce((sum, site) => sum + site.validators, 0) + external.length;
}

/** Faults that `validators` equal validators tolerate: floor((n - 1) / 3). */
export function toleratedFaults(validators: number): number {
  return Math.floor((validators - 1) / 3);
}
