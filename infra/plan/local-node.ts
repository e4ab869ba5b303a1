import { formatAddress } from "../../node/formats/configuration.ts";
import { failureDomain } from "../topology/failure-domains.ts";
import { localPorts } from "../topology/local-ports.ts";
import type { NodeIdentity } from "../topology/nodes.ts";
import type { LocalSiteDescription } from "../topology/sites.ts";
import { loopbackAudiences, planFirewall } from "./firewall.ts";
import { DEVNET_ACCOUNT_KEY } from "./genesis.ts";
import { GENESIS_FILE, startupFiles } from "./startup.ts";
import type { NodePlan } from "./types.ts";

const LOOPBACK = "127.0.0.1";

/** Of a key in the file vault, relative to the directory of the network. */
export function keyFile(key: string): string {
  return `keys/${key}.key`;
}

/** A node as a process on this machine. Validators have a key in the vault, full nodes make theirs. */
export function planLocalNode(
  node: NodeIdentity & { readonly site: LocalSiteDescription },
  bootstrap: readonly string[],
  writable: boolean,
): NodePlan {
  const { id, role, site, index } = node;
  const ports = localPorts(site, index);
  const api = { host: LOOPBACK, port: ports.api };
  const p2p = { host: LOOPBACK, port: ports.p2p };
  const internal = { host: LOOPBACK, port: ports.internal };
  const isValidator = role === "validator";
  return {
    id,
    role,
    site: site.name,
    failureDomain: failureDomain(node),
    api,
    p2p,
    internal,
    directory: id,
    ...(isValidator && { key: id }),
    bootstrap,
    settings: {
      apiAddr: formatAddress(api),
      internalAddr: formatAddress(internal),
      p2pAddr: formatAddress(p2p),
      dataDir: "data",
      ...(isValidator && { privateKeyFile: `../${keyFile(id)}` }),
      genesisFile: GENESIS_FILE,
      consensusEnabled: isValidator,
      ...(writable && {
        openWrites: "loopback",
        devnetAccountKeyFile: `../${keyFile(DEVNET_ACCOUNT_KEY)}`,
      }),
      logFormat: "json",
    },
    files: startupFiles,
    firewall: planFirewall({ api, p2p, internal }, loopbackAudiences),
  };
}
