import * as pulumi from "@pulumi/pulumi";
import type { NetworkPlan } from "../plan/types.ts";
import { Genesis, type Provider, Verdict } from "../provider/resources.ts";
import { formatProblems } from "../topology/problem.ts";
import { parseNetwork } from "../topology/parse.ts";
import type { Network } from "../topology/schema.ts";
import { LocalSite } from "./local/site.ts";
import { type DataPolicy, dataPolicies, type Machine, type Site, type SiteArgs } from "./site.ts";

/** Directories of home that are shared by all stacks, so no stack may be called so. */
const sharedDirectories = ["bundles", "releases", "state"];

/**
 * The network a stack describes.
 *
 * @throws RunError with a line per problem
 */
export async function describeNetwork(config: pulumi.Config, stack: string): Promise<Network> {
  if (sharedDirectories.includes(stack))
    throw new pulumi.RunError(
      `got the stack name "${stack}", allowed: any but ${sharedDirectories.join(", ")}`,
    );
  const described: unknown = config.getObject("network");
  if (described === undefined)
    throw new pulumi.RunError(
      `stacks/Pulumi.${stack}.yaml has no ${config.name}:network: describe the network there`,
    );
  const today = new Date().toISOString().slice(0, 10);
  const parsed = parseNetwork(described, { today });
  if ("problems" in parsed) throw new pulumi.RunError(formatProblems(parsed.problems));
  if (parsed.warnings.length > 0) await pulumi.log.warn(formatProblems(parsed.warnings));
  return parsed.network;
}

/** What to do with keys and data when the network is taken down, from `guts:data`. */
export function dataPolicyOf(config: pulumi.Config): DataPolicy {
  const got = config.get("data") ?? "keep";
  const policy = dataPolicies.find((candidate) => candidate === got);
  if (policy === undefined)
    throw new pulumi.RunError(
      `${config.name}:data: got "${got}", allowed: ${dataPolicies.join(", ")}`,
    );
  return policy;
}

type Shared = Omit<SiteArgs, "network" | "site"> & { readonly provider: Provider };

/** Every place where nodes will live, with its keys. */
export function groundSites(network: NetworkPlan, { provider, ...shared }: Shared): Site[] {
  return network.sites.map((site) => {
    switch (site.kind) {
      case "local":
        return new LocalSite(site.name, { network, site, ...shared }, { provider });
      default:
        throw new pulumi.RunError(`sites of kind ${site.kind} are not available in this version`);
    }
  });
}

/** Public keys of all sites by key id. */
export function publicKeysOf(sites: readonly Site[]): Record<string, pulumi.Output<string>> {
  return Object.assign({}, ...sites.map(({ ground }) => ground.publicKeys));
}

/** The genesis of the plan, with the keys that were made for it. */
export function makeGenesis(
  { chainId, purpose, genesis }: NetworkPlan,
  publicKeys: Readonly<Record<string, pulumi.Output<string>>>,
  { stack, data, provider }: Shared,
): Genesis {
  const keyOf = (id: string) => publicKeys[id] as pulumi.Output<string>;
  return new Genesis(
    "genesis",
    {
      chainId,
      purpose,
      protocolVersion: genesis.protocolVersion,
      consensus: genesis.consensus,
      validators: genesis.validators.map(({ name, publicKey }) => ({
        name,
        publicKey: publicKey ?? keyOf(name),
        weight: 1 as const,
      })),
      accounts: genesis.accounts.map(({ name, role, key }) => ({
        name,
        role,
        publicKeys: [keyOf(key)],
      })),
      file: `${stack}/genesis.json`,
      reset: genesis.reset,
      forget: data === "delete",
    },
    { provider },
  );
}

/** Finality, seen on every node. */
export function judge(
  { verdict }: NetworkPlan,
  machines: readonly Machine[],
  genesisHash: pulumi.Output<string>,
  { provider }: Shared,
): Verdict {
  const nodes = machines.map(({ id, role, apiUrl, incarnation }) => ({
    name: id,
    role,
    apiUrl,
    incarnation,
  }));
  return new Verdict(
    "verdict",
    { genesisHash, nodes, limitSeconds: verdict.waitSeconds },
    { provider },
  );
}
