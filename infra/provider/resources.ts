import * as pulumi from "@pulumi/pulumi";
import type { StateOf } from "./contract.ts";
import { accountKeyContract, type KeyInputs, validatorKeyContract } from "./contracts/key.ts";
import { bundleContract, type BundleInputs } from "./contracts/bundle.ts";
import { genesisContract, type GenesisInputs } from "./contracts/genesis.ts";

import { localNodeContract, type LocalNodeInputs } from "./contracts/local-node.ts";
import { verdictContract, type VerdictInputs } from "./contracts/verdict.ts";

/** A value of which every part may be known later. */
type Later<Value> = pulumi.Input<
  Value extends readonly (infer Item)[]
    ? readonly Later<Item>[]
    : Value extends object
      ? { readonly [Key in keyof Value]: Later<Value[Key]> }
      : Value
>;

/** Arguments of a resource: its inputs, each of them allowed to be known later. */
export type Args<Inputs> = { readonly [Key in keyof Inputs]: Later<Inputs[Key]> };

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

/** Arguments in which what the provider fills in by itself may be left out. */
type WithDefaults<Inputs, Filled extends keyof Inputs> = Args<Omit<Inputs, Filled>> &
  Partial<Args<Pick<Inputs, Filled>>>;

/** A release of the node, built from this checkout or taken from the cache; see contracts/bundle.ts. */
export class Bundle extends pulumi.CustomResource {
  declare readonly sha256: pulumi.Output<string>;
  declare readonly file: pulumi.Output<string>;
  declare readonly sizeBytes: pulumi.Output<number>;
  declare readonly version: pulumi.Output<string>;
  declare readonly nodeVersion: pulumi.Output<string>;

  constructor(name: string, args: Args<BundleInputs>, opts: pulumi.CustomResourceOptions) {
    super(bundleContract.token, name, { ...outputs(bundleContract), ...args }, opts);
  }
}

export type LocalNodeArgs = WithDefaults<
  LocalNodeInputs,
  "dataDirectory" | "startTimeoutSeconds" | "stopTimeoutSeconds"
>;

/** A node as a process on this machine; see contracts/local-node.ts. */
export class LocalNode extends pulumi.CustomResource {
  declare readonly apiUrl: pulumi.Output<string>;
  declare readonly internalUrl: pulumi.Output<string>;
  declare readonly p2pAddress: pulumi.Output<string>;
  declare readonly directory: pulumi.Output<string>;
  declare readonly logFile: pulumi.Output<string>;
  declare readonly pid: pulumi.Output<number>;
  declare readonly incarnation: pulumi.Output<string>;

  constructor(name: string, args: LocalNodeArgs, opts: pulumi.CustomResourceOptions) {
    super(localNodeContract.token, name, { ...outputs(localNodeContract), ...args }, opts);
  }
}

/** Finality, watched on every node; see contracts/verdict.ts. */
export class Verdict extends pulumi.CustomResource {
  declare readonly height: pulumi.Output<number>;
  declare readonly blockId: pulumi.Output<string>;
  declare readonly durationMs: pulumi.Output<number>;

  constructor(name: string, args: Args<VerdictInputs>, opts: pulumi.CustomResourceOptions) {
    super(verdictContract.token, name, { ...outputs(verdictContract), ...args }, opts);
  }
}
