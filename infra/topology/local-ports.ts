import { listNodes, type NodeIdentity } from "./nodes.ts";
import type { Problem } from "./problem.ts";
import type { Network } from "./schema.ts";
import type { LocalSiteDescription } from "./sites.ts";

const uses = ["api", "p2p", "internal"] as const;

type PortUse = (typeof uses)[number];

export type LocalPorts = Readonly<Record<PortUse, number>>;

/** Ports of one node of a local site: the first of each range plus the node's index. */
export function localPorts(site: LocalSiteDescription, index: number): LocalPorts {
  const { api, p2p, internal } = site.ports;
  return { api: api + index, p2p: p2p + index, internal: internal + index };
}

interface Claim {
  readonly node: NodeIdentity;
  readonly use: PortUse;
  readonly port: number;
}

function claims(network: Network): Claim[] {
  return listNodes(network).flatMap((node) => {
    const { site, index } = node;
    if (site.kind !== "local") return [];
    const ports = localPorts(site, index);
    return uses.map((use) => ({ node, use, port: ports[use] }));
  });
}

/** Ports beyond the last one, and ports that two nodes of local sites would share. */
export function portProblems(network: Network): Problem[] {
  const all = claims(network);
  const problems: Problem[] = [];
  const reported = new Set<string>();
  const taken = new Map<number, Claim>();
  for (const claim of all) {
    const path = pathOf(claim);
    const first = taken.get(claim.port);
    if (claim.port > 65_535 && !reported.has(path)) {
      reported.add(path);
      problems.push({
        path,
        reason: `got port ${claim.port} for ${claim.node.id}, allowed: at most 65535; lower it`,
      });
    }
    if (first === undefined) {
      taken.set(claim.port, claim);
      continue;
    }
    const pair = `${path} ${pathOf(first)}`;
    if (reported.has(pair)) continue;
    reported.add(pair);
    problems.push({ path, reason: collision(claim, first, freeRange(claim, all)) });
  }
  return problems;
}

function collision(claim: Claim, first: Claim, free: number | undefined): string {
  const advice = free === undefined ? "" : `, such as ${free}`;
  return `got port ${claim.port} for ${claim.node.id}, which is [${pathOf(first)}] of ${first.node.id}, allowed: a port of its own; choose another range${advice}`;
}

function pathOf({ node, use }: Claim): string {
  return `sites[${node.siteIndex}].ports.${use}`;
}

/** A start for the range of a claim that touches nobody else's ports, in steps of 100. */
function freeRange({ node, use }: Claim, all: readonly Claim[]): number | undefined {
  const isOwn = (claim: Claim) => claim.node.siteIndex === node.siteIndex && claim.use === use;
  const others = new Set(all.filter((claim) => !isOwn(claim)).map(({ port }) => port));
  const size = all.filter(isOwn).length;
  const isFree = (start: number) =>
    Array.from({ length: size }, (_, i) => start + i).every((port) => !others.has(port));
  const start = (node.site as LocalSiteDescription).ports[use];
  for (let next = start + 100; next + size <= 65_536; next += 100) if (isFree(next)) return next;
  return undefined;
}
