import * as pulumi from "@pulumi/pulumi";
import { planNetwork } from "./plan/network.ts";
import { Provider } from "./provider/resources.ts";
import {
  dataPolicyOf,
  describeNetwork,
  groundSites,
  judge,
  makeGenesis,
  publicKeysOf,
} from "./sites/steps.ts";

const config = new pulumi.Config();
const stack = pulumi.getStack();

// 1. Describe: what the stack file asks for, or every mistake in it.
const network = await describeNetwork(config, stack);

// 2. Plan: names, addresses, settings; plain data.
const plan = planNetwork(network);

// 3. Ground: places with addresses, vaults and keys.
const shared = {
  provider: new Provider("guts"),
  owner: `${pulumi.getProject()}/${stack}`,
  stack,
  data: dataPolicyOf(config),
};
const sites = groundSites(plan, shared);
const publicKeys = publicKeysOf(sites);

// 4. Genesis: from the public keys.
const genesis = makeGenesis(plan, publicKeys, shared);

// 5. Launch: nodes, everywhere.
const orders = { publicKeys, genesis: genesis.content, genesisHash: genesis.hash };
const machines = sites.flatMap((site) => site.launch(orders));

// 6. Verdict: the same finalized block, seen on every node.
const verdict = judge(plan, machines, genesis.hash, shared);

export const chainId = plan.chainId;
export const genesisHash = genesis.hash;
export const height = verdict.height;
export const blockId = verdict.blockId;
export const directory = stack;
export const nodes = machines.map(({ id, role, apiUrl, adminUrl, p2pAddress, location }) => ({
  id,
  role,
  apiUrl,
  adminUrl,
  p2pAddress,
  directory: location,
}));
