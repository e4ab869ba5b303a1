import { prices } from "./prices.ts";
import type { CostPlan, SitePlan } from "./types.ts";

/** Monthly cost, one line per site. @throws RangeError for a kind that has no price */
export function planCost(sites: readonly SitePlan[]): CostPlan {
  const lines = sites.map(({ name, kind, nodes }) => {
    const price = prices.node[kind];
    if (!price) throw new RangeError(`got a site of kind "${kind}", which has no price`);
    const { monthlyUsd, what } = price;
    return { site: name, what: `${nodes.length} ${what}`, monthlyUsd: nodes.length * monthlyUsd };
  });
  const monthlyUsd = lines.reduce((sum, line) => sum + line.monthlyUsd, 0);
  return { monthlyUsd, pricesOf: prices.takenOn, lines };
}
