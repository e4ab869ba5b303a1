import { toleratedFaults } from "../topology/nodes.ts";
import type { NetworkPlan } from "./types.ts";

/** What is allowed in a plan and may surprise, one line each. */
export function planWarnings({ cost, budget, genesis }: NetworkPlan): string[] {
  const warnings: string[] = [];
  if (budget.monthlyUsd !== undefined && cost.monthlyUsd > budget.monthlyUsd)
    warnings.push(
      `costs ${cost.monthlyUsd} USD per month, budget.monthlyUsd is ${budget.monthlyUsd}; take nodes away or raise it`,
    );
  if (toleratedFaults(genesis.validators.length) === 0)
    warnings.push("one validator: when it stops, the chain stops; 4 validators survive one fault");
  if (genesis.reset)
    warnings.push(
      "reset is true: a changed genesis starts a new chain and leaves the old one behind; set it to false once that is done",
    );
  return warnings;
}
