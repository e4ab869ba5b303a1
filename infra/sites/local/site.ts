import * as pulumi from "@pulumi/pulumi";
import { formatAddress } from "../../../node/formats/configuration.ts";
import { renderNodeConfiguration } from "../../plan/startup.ts";
import type { KeyPlan, NodePlan } from "../../plan/types.ts";
import { AccountKey, Bundle, LocalNode, ValidatorKey } from "../../provider/resources.ts";
import type { Ground, LaunchOrders, Machine, Site, SiteArgs } from "../site.ts";

/**
 * Nodes as processes on this machine: keys as files, the bundle that other sites ship too, and one
 * process for each node, with everything under `<home>/<stack>`.
 */
export class LocalSite extends pulumi.ComponentResource implements Site {
  readonly ground: Ground;
  readonly #args: SiteArgs;
  readonly #bundle: Bundle;

  constructor(name: string, args: SiteArgs, opts: pulumi.ComponentResourceOptions) {
    super("guts:local:Site", name, {}, opts);
    this.#args = args;
    this.#bundle = new Bundle(`${name}-bundle`, {}, { parent: this });
    const keys = args.network.keys.filter(({ site }) => site === args.site.name);
    this.ground = {
      publicKeys: Object.fromEntries(keys.map((key) => [key.id, this.#makeKey(name, key)])),
    };
    this.registerOutputs({ publicKeys: this.ground.publicKeys });
  }

  launch(orders: LaunchOrders): Machine[] {
    const { network, site } = this.#args;
    return network.nodes
      .filter((node) => node.site === site.name)
      .map((node) => this.#startNode(node, orders));
  }

  #makeKey(name: string, { id, use, file }: KeyPlan): pulumi.Output<string> {
    const { owner, stack, data } = this.#args;
    const args = {
      network: owner,
      keyId: id,
      vault: `file:${stack}/${file.slice(0, file.lastIndexOf("/"))}`,
      forget: data === "delete",
    };
    const opts = { parent: this };
    const key =
      use === "validator"
        ? new ValidatorKey(`${id}-key`, args, opts)
        : new AccountKey(`${name}-${id}-key`, args, opts);
    return key.publicKey;
  }

  #startNode(node: NodePlan, orders: LaunchOrders): Machine {
    const { network, stack, data } = this.#args;
    const configuration = pulumi
      .output(orders.publicKeys)
      .apply((publicKeys) => renderNodeConfiguration(network, node, publicKeys));
    const process = new LocalNode(
      node.id,
      {
        directory: `${stack}/${node.directory}`,
        release: this.#bundle.sha256,
        genesisHash: orders.genesisHash,
        files: node.files.map(({ path, mode, content }) => ({
          path,
          mode,
          content: content === "genesis" ? orders.genesis : configuration,
        })),
        apiAddr: formatAddress(node.api),
        internalAddr: formatAddress(node.internal),
        p2pAddr: formatAddress(node.p2p),
        purge: data === "delete",
      },
      { parent: this },
    );
    return {
      id: node.id,
      role: node.role,
      apiUrl: process.apiUrl,
      adminUrl: process.internalUrl,
      p2pAddress: process.p2pAddress,
      incarnation: process.incarnation,
      location: process.directory,
    };
  }
}
