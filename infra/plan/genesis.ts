import { type Genesis, parseGenesis } from "../../node/formats/genesis.ts";
import { consensusParameters } from "../topology/consensus.ts";
import type { Network } from "../topology/schema.ts";
import { publicKeyOf, type PublicKeys } from "./bootstrap.ts";
import type { GenesisPlan, GenesisValidatorPlan, NetworkPlan } from "./types.ts";

/** Key and name of the account that open writes of a devnet are signed with. */
export const DEVNET_ACCOUNT_KEY = "devnet-account";

/**
 * The genesis but for the keys. Its validators are in order of their names, so that moving a site in the
 * description makes no new chain.
 *
 * @param own ids of the validators the network runs itself
 */
export function planGenesis(network: Network, own: readonly string[]): GenesisPlan {
  const { purpose, external, reset } = network;
  const validators: GenesisValidatorPlan[] = [
    ...own.map((name) => ({ name })),
    ...external.map(({ name, publicKey }) => ({ name, publicKey })),
  ];
  return {
    protocolVersion: purpose === "devnet" ? 0 : 1,
    consensus: consensusParameters(network),
    validators: validators.sort((a, b) => (a.name < b.name ? -1 : 1)),
    accounts:
      purpose === "devnet" ? [{ name: "devnet", role: "devnet", key: DEVNET_ACCOUNT_KEY }] : [],
    reset,
  };
}

/**
 * The genesis of a plan, once the keys are made.
 *
 * @throws RangeError when a public key is missing
 * @throws GenesisError when a public key is not acceptable
 */
export function genesisOf(
  { chainId, purpose, genesis }: Pick<NetworkPlan, "chainId" | "purpose" | "genesis">,
  publicKeys: PublicKeys,
): Genesis {
  return parseGenesis({
    format: 1,
    chainId,
    purpose,
    protocolVersion: genesis.protocolVersion,
    consensus: genesis.consensus,
    validators: genesis.validators.map(({ name, publicKey }) => ({
      name,
      publicKey: publicKey ?? publicKeyOf(publicKeys, name),
      weight: 1,
    })),
    accounts: genesis.accounts.map(({ name, role, key }) => ({
      name,
      role,
      publicKeys: [publicKeyOf(publicKeys, key)],
    })),
  } satisfies Genesis);
}
