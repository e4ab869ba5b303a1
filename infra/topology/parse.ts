import { nodeVersion } from "../../node/formats/release.ts";
import { type Problem, shown } from "./problem.ts";
import { isDay, ruleProblems, ruleWarnings } from "./rules.ts";
import { purposes as allPurposes, type Network, networkSchema, type Purpose } from "./schema.ts";
import { isRecord, readShape, ROOT } from "./shape.ts";
import { availableKinds, type SiteKind, siteKinds } from "./sites.ts";

/** The purposes the node of this version may serve: protocol 0 is for devnets only. */
export const availablePurposes: readonly Purpose[] =
  nodeVersion.protocol === 0 ? ["devnet"] : ["testnet", "mainnet"];

export interface ParseOptions {
  /** The day, as 2027-01-31; a network that expired before it is refused. */
  readonly today: string;
  /** Kinds of sites that can be built. @default availableKinds */
  readonly kinds?: readonly SiteKind[];
  /** Purposes that can be served. @default availablePurposes */
  readonly purposes?: readonly Purpose[];
}

export type ParsedNetwork =
  | { readonly network: Network; readonly warnings: readonly Problem[] }
  | { readonly problems: readonly Problem[] };

/**
 * Reads the value of `guts:network`: checks it, fills in the defaults and collects every problem. Rules
 * that need more than one field are looked at once the shape of every field is right.
 *
 * @throws RangeError when `today` is no day, which is a mistake of the caller
 */
export function parseNetwork(value: unknown, options: ParseOptions): ParsedNetwork {
  const { today, kinds = availableKinds, purposes = availablePurposes } = options;
  if (!isDay(today)) throw new RangeError(`got today = "${today}", allowed: a day as 2027-01-31`);
  const shape: Problem[] = [];
  const read = readShape(networkSchema, value, ROOT, shape);
  const unavailable = availabilityProblems(read, kinds, purposes);
  if (shape.length > 0) return { problems: [...shape, ...unavailable] };
  const network = withPlainDates(read as Network);
  const problems = [...unavailable, ...ruleProblems(network, today)];
  return problems.length > 0 ? { problems } : { network, warnings: ruleWarnings(network) };
}

/** What is described correctly and cannot be built yet. The value may have any shape. */
function availabilityProblems(
  value: unknown,
  kinds: readonly SiteKind[],
  purposes: readonly Purpose[],
): Problem[] {
  if (!isRecord(value)) return [];
  const problems: Problem[] = [];
  const refuse = (path: string, got: unknown, allowed: readonly string[]) =>
    problems.push({
      path,
      reason: `got ${shown(got)}, which is not available in this version, allowed: ${allowed.join(", ")}`,
    });
  const { purpose, sites } = value;
  if (allPurposes.includes(purpose as Purpose) && !purposes.includes(purpose as Purpose))
    refuse("purpose", purpose, purposes);
  for (const [i, site] of (Array.isArray(sites) ? sites : []).entries()) {
    const kind: unknown = isRecord(site) ? site.kind : undefined;
    if (siteKinds.includes(kind as SiteKind) && !kinds.includes(kind as SiteKind))
      refuse(`sites[${i}].kind`, kind, kinds);
  }
  return problems;
}

function withPlainDates(network: Network): Network {
  const { budget } = network;
  if (budget?.expires === undefined) return network;
  return { ...network, budget: { ...budget, expires: budget.expires.slice(0, 10) } };
}
