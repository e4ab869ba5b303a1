import fc from "fast-check";
import { planNetwork } from "../../../infra/plan/network.ts";
import type { NetworkPlan } from "../../../infra/plan/types.ts";
import { localNetwork, localSite, parsed } from "../topology/descriptions.ts";

export const seed = 20_260_615;

/** The plan of a description that may be built in this version. */
export function planOf(description: object): NetworkPlan {
  return planNetwork(parsed(description, { today: "2026-06-15" }));
}

/** The plan of one local site. */
export function localPlan(validators: number, fullNodes: number, more: object = {}): NetworkPlan {
  const sites = [{ ...localSite, validators, fullNodes }];
  return planOf({ ...localNetwork, sites, ...more });
}

export interface LocalSite {
  readonly name: string;
  readonly kind: "local";
  readonly validators: number;
  readonly fullNodes: number;
  readonly ports: { readonly api: number; readonly p2p: number; readonly internal: number };
}

/** One to four local sites, each with a thousand ports of its own, and 4 validators in the first. */
export const localSites: fc.Arbitrary<readonly LocalSite[]> = fc
  .uniqueArray(fc.stringMatching(/^[a-z]([a-z0-9-]{0,30}[a-z0-9])?$/), {
    minLength: 1,
    maxLength: 4,
  })
  .chain((names) =>
    fc.tuple(
      ...names.map((name, i) =>
        fc
          .record({
            validators: i === 0 ? fc.integer({ min: 4, max: 30 }) : fc.nat(20),
            fullNodes: fc.integer({ min: 1, max: 30 }),
          })
          .map(({ validators, fullNodes }): LocalSite => {
            const first = 20_000 + i * 1000;
            const ports = { api: first, p2p: first + 300, internal: first + 600 };
            return { name, kind: "local", validators, fullNodes, ports };
          }),
      ),
    ),
  );
