import { listNodes, type NodeIdentity } from "../topology/nodes.ts";
import type { Network } from "../topology/schema.ts";
import { availableKinds } from "../topology/sites.ts";
import { planBootstrap } from "./bootstrap.ts";
import { planCost } from "./cost.ts";
import { planGenesis } from "./genesis.ts";
import { keyFile, planLocalNode } from "./local-node.ts";
import type { GenesisPlan, KeyPlan, NetworkPlan, NodePlan, VerdictPlan } from "./types.ts";

/**
 * Everything a network will be, from its description: pure, so the same network is the same bytes.
 *
 * @throws RangeError for a kind of site that `parseNetwork` would have refused
 */
export function planNetwork(network: Network): NetworkPlan {
  const { chainId, purpose, external, budget = {} } = network;
  const identities = listNodes(network);
  const own = identities.filter(({ role }) => role === "validator").map(({ id }) => id);
  const genesis = planGenesis(network, own);
  const names = genesis.validators.map(({ name }) => name);
  const nodes = identities.map((node) =>
    planNode(node, planBootstrap(names, node), purpose === "devnet"),
  );
  const sites = network.sites.map(({ name, kind }) => ({
    name,
    kind,
    nodes: nodes.filter(({ site }) => site === name).map(({ id }) => id),
  }));
  return {
    format: 1,
    chainId,
    purpose,
    genesis,
    sites,
    nodes,
    external,
    keys: planKeys(nodes, genesis),
    cost: planCost(sites),
    budget,
    verdict: planVerdict(genesis),
  };
}

function planNode(node: NodeIdentity, bootstrap: readonly string[], writable: boolean): NodePlan {
  const { site } = node;
  if (site.kind === "local") return planLocalNode({ ...node, site }, bootstrap, writable);
  throw new RangeError(`got a site of kind "${site.kind}", allowed: ${availableKinds.join(", ")}`);
}

function planKeys(nodes: readonly NodePlan[], genesis: GenesisPlan): KeyPlan[] {
  const own = nodes
    .filter(({ role }) => role === "validator")
    .map(({ id, site }): KeyPlan => ({ id, use: "validator", site, file: keyFile(id) }));
  // A vault that moves is a new key, so its place depends on nothing but the validators.
  const [home] = own.toSorted((a, b) => (a.id < b.id ? -1 : 1));
  if (!home) return [];
  const accounts = genesis.accounts.map(({ key }): KeyPlan => ({
    id: key,
    use: "account",
    site: home.site,
    file: keyFile(key),
  }));
  return [...own, ...accounts];
}

/**
 * Time for the processes to start on a busy machine, and then for ten blocks, so that a leader or two
 * that fail to propose do not fail the network. Full nodes do not count: a new one changes nothing else.
 */
function planVerdict({ validators, consensus }: GenesisPlan): VerdictPlan {
  const blocksSeconds = Math.ceil((10 * consensus.blockIntervalMs) / 1000);
  return { waitSeconds: 60 + validators.length + blocksSeconds };
}
