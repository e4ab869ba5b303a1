import type * as pulumi from "@pulumi/pulumi";
import type { NetworkPlan, NodePlan, SitePlan } from "../plan/types.ts";

/** What all sites of a network share. */
export interface SiteArgs {
  /** The whole network: a node needs the addresses and names of nodes elsewhere. */
  readonly network: NetworkPlan;
  readonly site: SitePlan;
  /** Project and stack, such as `guts/local`: whose the keys in the vaults are. */
  readonly owner: string;
  /** Name of the stack. */
  readonly stack: string;
  /**
   * What happens to keys and data when the network is taken down.
   *
   * @default "keep" - they stay, and the network goes on from there when it is brought up again
   */
  readonly data?: DataPolicy;
}

export const dataPolicies = ["keep", "delete"] as const;
export type DataPolicy = (typeof dataPolicies)[number];

/** What is there before the first node: key vaults with their keys. Addresses are in the plan. */
export interface Ground {
  /** Public keys in hexadecimal by key id, of the keys in this site's vaults. */
  readonly publicKeys: Readonly<Record<string, pulumi.Output<string>>>;
}

/** What every node of the network is started with. */
export interface LaunchOrders {
  /** Public keys of all sites by key id. */
  readonly publicKeys: Readonly<Record<string, pulumi.Output<string>>>;
  /** The genesis as canonical JSON, and its hash. */
  readonly genesis: pulumi.Output<string>;
  readonly genesisHash: pulumi.Output<string>;
}

/** A node that runs. */
export interface Machine {
  readonly id: NodePlan["id"];
  readonly role: NodePlan["role"];
  /** Base URL of the public API. */
  readonly apiUrl: pulumi.Output<string>;
  /** Base URL of metrics, health and administration. */
  readonly adminUrl: pulumi.Output<string>;
  /** Multiaddr for peers, without peer id. */
  readonly p2pAddress: pulumi.Output<string>;
  /** Changes with every start of the node. */
  readonly incarnation: pulumi.Output<string>;
  /** Where the site keeps its data, in the site's own words. */
  readonly location: pulumi.Output<string>;
}

/** A place where nodes live. Its constructor makes the ground; nodes come with the genesis. */
export interface Site {
  readonly ground: Ground;
  launch(orders: LaunchOrders): Machine[];
}
