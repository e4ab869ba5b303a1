import type { SiteKind } from "../topology/sites.ts";

/**
 * Monthly list prices in US dollars. `takenOn` is the day they were looked up; it is shown with every
 * cost, so that a reader sees how old the figures are.
 */
export const prices: {
  readonly takenOn: string;
  readonly node: {
    readonly [Kind in SiteKind]?: { readonly monthlyUsd: number; readonly what: string };
  };
} = {
  takenOn: "2026-11-24",
  /** Price of one node and what it buys; a kind without a row cannot be planned. */
  node: {
    local: { monthlyUsd: 0, what: "processes on this machine" },
  },
};
