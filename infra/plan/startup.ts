import { renderConfiguration } from "../../node/formats/configuration.ts";
import { bootstrapSetting, type PublicKeys } from "./bootstrap.ts";
import type { NetworkPlan, NodePlan, StartupFile } from "./types.ts";

export const CONFIGURATION_FILE = "node.yaml";
export const GENESIS_FILE = "genesis.json";

/** The files a node is given; neither holds a secret. */
export const startupFiles: readonly StartupFile[] = [
  { path: CONFIGURATION_FILE, content: "configuration", mode: "0644" },
  { path: GENESIS_FILE, content: "genesis", mode: "0644" },
];

/**
 * The text of a node's configuration file, once the keys are made.
 *
 * @param changes settings that only the site knows, such as absolute file names
 * @throws RangeError when a public key is missing or the node would refuse a value
 */
export function renderNodeConfiguration(
  plan: Pick<NetworkPlan, "nodes" | "external">,
  node: NodePlan,
  publicKeys: PublicKeys,
  changes: NodePlan["settings"] = {},
): string {
  const bootstrap = bootstrapSetting(plan, node, publicKeys);
  return renderConfiguration({ ...node.settings, bootstrap, ...changes });
}
