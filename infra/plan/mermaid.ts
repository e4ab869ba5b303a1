import { toleratedFaults } from "../topology/nodes.ts";
import type { NetworkPlan } from "./types.ts";

/**
 * A plan as a flowchart: a box per site, the validators joined by consensus, the full nodes at the
 * validators they start from. Identifiers are positions, because Mermaid reserves some words.
 *
 * @see https://mermaid.js.org/syntax/flowchart.html
 */
export function mermaid({ chainId, sites, nodes, external, genesis }: NetworkPlan): string {
  const total = genesis.validators.length;
  const quorum = total - toleratedFaults(total);
  const identifiers = new Map<string, string>();
  for (const { id } of nodes) identifiers.set(id, `n${identifiers.size}`);
  for (const { name } of external) identifiers.set(name, `n${identifiers.size}`);
  const identifier = (name: string) => identifiers.get(name) ?? name;
  const box = (name: string, detail: string) => `${identifier(name)}["${name}<br/>${detail}"]`;
  const lines = [
    "flowchart LR",
    `  chain(("${chainId}<br/>${quorum} of ${total} votes finalize"))`,
  ];
  for (const [i, site] of sites.entries()) {
    lines.push(`  subgraph s${i}["${site.name} (${site.kind})"]`);
    for (const { id, api, p2p } of nodes.filter((node) => node.site === site.name))
      lines.push(`    ${box(id, `api ${api.port}, p2p ${p2p.port}`)}`);
    lines.push("  end");
  }
  for (const { name, p2pAddress } of external) lines.push(`  ${box(name, p2pAddress)}`);
  for (const { name } of genesis.validators) lines.push(`  ${identifier(name)} === chain`);
  for (const { id, role, bootstrap } of nodes)
    if (role === "full")
      for (const name of bootstrap) lines.push(`  ${identifier(id)} -.-> ${identifier(name)}`);
  return `${lines.join("\n")}\n`;
}
