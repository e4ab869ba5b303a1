import type { NetworkPlan } from "./types.ts";

/**
 * What changes from one plan to another, for people: `+` new, `-` gone, `~` changed, `!` a new chain.
 *
 * @returns one line per thing, in the order of the plans; none when nothing changes
 */
export function comparePlans(before: NetworkPlan, after: NetworkPlan): string[] {
  return [
    ...compareGenesis(before, after),
    ...compareNodes(before, after),
    ...compareKeys(before, after),
    ...compareRest(before, after),
  ];
}

function compareGenesis(before: NetworkPlan, after: NetworkPlan): string[] {
  const identity = ({ chainId, purpose, genesis }: NetworkPlan) => {
    const { protocolVersion, consensus, validators, accounts } = genesis;
    return { chainId, purpose, protocolVersion, consensus, validators, accounts };
  };
  const changes = leafChanges(identity(before), identity(after));
  if (changes.length === 0) return [];
  return ["! genesis: this makes a new chain", ...changes.map((change) => `    ${change}`)];
}

function compareNodes(before: NetworkPlan, after: NetworkPlan): string[] {
  const lines: string[] = [];
  for (const node of before.nodes)
    if (!after.nodes.some(({ id }) => id === node.id)) lines.push(`- node ${node.id}`);
  for (const node of after.nodes) {
    const old = before.nodes.find(({ id }) => id === node.id);
    if (!old) lines.push(`+ node ${node.id} (${node.role}, api ${node.api.host}:${node.api.port})`);
    else {
      const changes = leafChanges(old, node);
      if (changes.length > 0)
        lines.push(`~ node ${node.id}`, ...changes.map((change) => `    ${change}`));
    }
  }
  return lines;
}

function compareKeys(before: NetworkPlan, after: NetworkPlan): string[] {
  const has = (plan: NetworkPlan, id: string) => plan.keys.some((key) => key.id === id);
  const gone = before.keys.filter(({ id }) => !has(after, id));
  const made = after.keys.filter(({ id }) => !has(before, id));
  return [
    ...gone.map(({ id, file }) => `- key ${id}, which stays in ${file}`),
    ...made.map(({ id, file }) => `+ key ${id} in ${file}`),
  ];
}

function compareRest(before: NetworkPlan, after: NetworkPlan): string[] {
  const rest = ({ genesis, external, cost, budget, verdict }: NetworkPlan) => ({
    reset: genesis.reset,
    external,
    cost: { monthlyUsd: cost.monthlyUsd },
    budget,
    verdict,
  });
  return leafChanges(rest(before), rest(after)).map((change) => `~ ${change}`);
}

/** `path: old -> new` for every leaf that differs, in the order of the first value. */
function leafChanges(before: unknown, after: unknown): string[] {
  const old = leaves(before, "");
  const next = leaves(after, "");
  return [...new Set([...old.keys(), ...next.keys()])]
    .filter((path) => old.get(path) !== next.get(path))
    .map((path) => `${path}: ${old.get(path) ?? "nothing"} -> ${next.get(path) ?? "nothing"}`);
}

function leaves(value: unknown, path: string): Map<string, string> {
  if (typeof value !== "object" || value === null)
    return new Map([[path, JSON.stringify(value) ?? "nothing"]]);
  const isList = Array.isArray(value);
  return new Map(
    Object.entries(value).flatMap(([name, inner]) => {
      const below = isList ? `${path}[${name}]` : path === "" ? name : `${path}.${name}`;
      return [...leaves(inner, below)];
    }),
  );
}
