import * as pulumi from "@pulumi/pulumi";
import type { StateOf } from "./contract.ts";
import { accountKeyContract, type KeyInputs, validatorKeyContract } from "./contracts/key.ts";
import { genesisContract, type GenesisInputs } from "./contracts/genesis.ts";

/** Arguments of a resource: its inputs, each of them allowed to be known later. */
export type Args<Inputs> = { readonly [Key in keyof Inputs]: pulumi.Input<Inputs[Key]> };

/** Names of all outputs, so that the engine's answer finds its properties. */
function outputs(contract: { state: { properties: object } }): Record<string, undefined> {
  return Object.fromEntries(Object.keys(contract.state.properties).map((key) => [key, undefined]));
}

export interface ProviderArgs {
  /**
   * Absolute directory of everything local: keys, nodes, bundles.
   *
   * @default GUTS_HOME, else `.guts` beside Pulumi.yaml; neither is recorded in the state
   */
  readonly home?: pulumi.Input<string>;
}

/** An instance of the provider plugin `guts`; every resource names one. */
export class Provider extends pulumi.ProviderResource {
  constructor(name: string, args: ProviderArgs = {}, opts?: pulumi.ResourceOptions) {
    super("guts", name, { ...args }, opts);
  }
}

type KeyOutputs = StateOf<typeof validatorKeyContract>;

/** The key with which a node votes and is known to its peers; see contracts/key.ts. */
export class ValidatorKey extends pulumi.CustomResource {
  declare readonly publicKey: pulumi.Output<string>;
  declare readonly peerId: pulumi.Output<string>;
  declare readonly reference: pulumi.Output<string>;
  declare readonly status: pulumi.Output<KeyOutputs["status"]>;

  constructor(name: string, args: Args<KeyInputs>, opts: pulumi.CustomResourceOptions) {
    const contract = validatorKeyContract;
    super(contract.token, name, { ...outputs(contract), ...args }, opts);
  }
}

/** The key of an account of the chain; see contracts/key.ts. */
export class AccountKey extends pulumi.CustomResource {
  declare readonly publicKey: pulumi.Output<string>;
  declare readonly reference: pulumi.Output<string>;
  declare readonly status: pulumi.Output<KeyOutputs["status"]>;

  constructor(name: string, args: Args<KeyInputs>, opts: pulumi.CustomResourceOptions) {
    const contract = accountKeyContract;
    super(contract.token, name, { ...outputs(contract), ...args }, opts);
  }
}

/** The genesis of a chain, written to home; see contracts/genesis.ts. */
export class Genesis extends pulumi.CustomResource {
  declare readonly hash: pulumi.Output<string>;
  declare readonly content: pulumi.Output<string>;
  declare readonly file: pulumi.Output<string>;

  constructor(name: string, args: Args<GenesisInputs>, opts: pulumi.CustomResourceOptions) {
    super(genesisContract.token, name, { ...outputs(genesisContract), ...args }, opts);
  }
}
