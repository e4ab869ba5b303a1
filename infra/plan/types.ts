import type { NodeSettings } from "../../node/formats/configuration.ts";
import type { Genesis } from "../../node/formats/genesis.ts";
import type { NodeRole } from "../topology/nodes.ts";
import type { Purpose } from "../topology/schema.ts";
import type { SiteKind } from "../topology/sites.ts";

/**
 * Everything that is decided before anything is made: plain JSON without absolute paths, times or
 * randomness, so that the same description gives the same bytes on every machine.
 */
export interface NetworkPlan {
  /** Version of this format. */
  readonly format: 1;
  readonly chainId: string;
  readonly purpose: Purpose;
  readonly genesis: GenesisPlan;
  readonly sites: readonly SitePlan[];
  /** In the order of the description: sites as written, validators before full nodes. */
  readonly nodes: readonly NodePlan[];
  readonly external: readonly ExternalPlan[];
  readonly keys: readonly KeyPlan[];
  readonly cost: CostPlan;
  readonly budget: { readonly monthlyUsd?: number; readonly expires?: string };
  readonly verdict: VerdictPlan;
}

/**
 * The genesis without the public keys that are still to be made. Addresses stay out of it, so that a
 * validator may move without a new chain; nodes learn them from `bootstrap` and from each other.
 */
export interface GenesisPlan {
  readonly protocolVersion: Genesis["protocolVersion"];
  readonly consensus: Genesis["consensus"];
  readonly validators: readonly GenesisValidatorPlan[];
  readonly accounts: readonly GenesisAccountPlan[];
  /** Whether a changed genesis may start a new chain. */
  readonly reset: boolean;
}

export interface GenesisValidatorPlan {
  /** A node id, or the name of a validator that another organisation runs. */
  readonly name: string;
  /** Known beforehand only for a validator of another organisation; else that of the key `name`. */
  readonly publicKey?: string;
}

/** A validator that another organisation runs. */
export interface ExternalPlan {
  readonly name: string;
  readonly publicKey: string;
  /** Multiaddr without peer id. */
  readonly p2pAddress: string;
}

export interface GenesisAccountPlan {
  readonly name: string;
  readonly role: Genesis["accounts"][number]["role"];
  /** Id of its key among `keys`. */
  readonly key: string;
}

export interface SitePlan {
  readonly name: string;
  readonly kind: SiteKind;
  /** Ids of its nodes, validators first. */
  readonly nodes: readonly string[];
}

/** A host and a port; TCP, and for peers UDP as well. */
export interface Endpoint {
  readonly host: string;
  readonly port: number;
}

export interface NodePlan {
  /** `<site>-validator-<k>` or `<site>-full-<k>`; also its name in the genesis and its directory. */
  readonly id: string;
  readonly role: NodeRole;
  /** Name of its site. */
  readonly site: string;
  /** What fails together with it, widest first. */
  readonly failureDomain: readonly string[];
  readonly api: Endpoint;
  readonly p2p: Endpoint;
  readonly internal: Endpoint;
  /** Relative to the directory of the network. */
  readonly directory: string;
  /** Id of its key among `keys`; absent for a full node, which makes its own at the first start. */
  readonly key?: string;
  /** The peers it starts from: validators, by their names in the genesis. */
  readonly bootstrap: readonly string[];
  /**
   * Its configuration but for `bootstrap`, which needs public keys. File names are relative to the
   * directory of the node.
   */
  readonly settings: Partial<NodeSettings>;
  readonly files: readonly StartupFile[];
  readonly firewall: readonly FirewallRule[];
}

/** A file the node finds when it starts. */
export interface StartupFile {
  /** Relative to the directory of the node. */
  readonly path: string;
  readonly content: "configuration" | "genesis";
  /** Permissions in octal. */
  readonly mode: string;
}

/** A private key that has to be made. */
export interface KeyPlan {
  /** The id of the validator, or `devnet-account`. */
  readonly id: string;
  readonly use: "validator" | "account";
  /** Site whose vault holds it; an account key lies in the vault of the first site. */
  readonly site: string;
  /** Of the file vault, relative to the directory of the network. */
  readonly file: string;
}

/** Inbound traffic that is let through; everything else is refused. */
export interface FirewallRule {
  readonly key: "p2p-tcp" | "p2p-udp" | "api" | "internal";
  readonly protocol: "tcp" | "udp";
  readonly port: number;
  /** Address ranges in CIDR notation. */
  readonly from: readonly string[];
}

export interface CostPlan {
  readonly monthlyUsd: number;
  /** Day the prices were taken. */
  readonly pricesOf: string;
  readonly lines: readonly {
    readonly site: string;
    readonly what: string;
    readonly monthlyUsd: number;
  }[];
}

export interface VerdictPlan {
  /** Seconds until a network that does not finalize is called broken. */
  readonly waitSeconds: number;
}
