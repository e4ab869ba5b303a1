import { countValidators, type NodeIdentity, toleratedFaults } from "./nodes.ts";
import type { Problem } from "./problem.ts";
import type { Network } from "./schema.ts";
import type { SiteDescription } from "./sites.ts";

/**
 * Where a node is, widest first: provider, region, zone or host. Two nodes whose lists share the first
 * entries fail together when that provider, region, zone or host does.
 */
export function failureDomain({ site, index, id }: NodeIdentity): readonly string[] {
  switch (site.kind) {
    case "local":
      return ["this-machine"];
    case "ssh":
      return [`site ${site.name}`, site.hosts[index]?.address ?? id];
    case "kubernetes":
      return [`site ${site.name}`, id];
    case "aws":
    case "gcp":
    case "azure": {
      const zone = site.zones?.[index % site.zones.length];
      return [site.kind, site.region, ...(zone === undefined ? [] : [zone]), id];
    }
  }
}

/** What fails as one whole. A narrower domain never holds more votes than the wider one around it. */
function widestDomain(site: SiteDescription): string {
  switch (site.kind) {
    case "local":
      return "this machine";
    case "ssh":
    case "kubernetes":
      return `site ${site.name}`;
    default:
      return `provider ${site.kind}`;
  }
}

/**
 * Domains whose loss stops the network: those with a third of the votes or more. A network of one to
 * three validators is refused for its size, so its domains are not looked at.
 */
export function failureDomainProblems(network: Network): Problem[] {
  const total = countValidators(network);
  if (network.purpose === "devnet" || total < 4) return [];
  const tolerated = toleratedFaults(total);
  const votes = new Map<string, { count: number; sites: string[] }>();
  for (const [i, site] of network.sites.entries()) {
    if (site.validators === 0) continue;
    const domain = votes.get(widestDomain(site)) ?? { count: 0, sites: [] };
    domain.count += site.validators;
    domain.sites.push(`sites[${i}]`);
    votes.set(widestDomain(site), domain);
  }
  return [...votes]
    .filter(([, { count }]) => count > tolerated)
    .map(([domain, { count, sites }]) => ({
      path: "sites",
      reason: `got ${count} of ${total} votes on ${domain} [${sites.join(", ")}], allowed: at most ${tolerated} in one place, so that the network survives its loss; spread the validators over ${proposal(total)}`,
    }));
}

/** How many places a network of this size needs, and how many validators go to each. */
function proposal(total: number): string {
  const tolerated = toleratedFaults(total);
  const places = Math.ceil(total / tolerated);
  const shares = Array.from({ length: places }, (_, i) =>
    i < places - 1 ? tolerated : total - tolerated * (places - 1),
  );
  return `at least ${places} places, such as ${shares.join("+")}`;
}
