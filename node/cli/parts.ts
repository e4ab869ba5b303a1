import { statfsSync } from "node:fs";
import type { ValidatorEntry } from "../api/context.ts";
import { type HostPort, type NodeSettings, parseAddress } from "../formats/configuration.ts";
import type { SigningKey } from "../formats/ed25519.ts";
import type { Genesis } from "../formats/genesis.ts";
import { nodeVersion } from "../formats/release.ts";
import { createNetwork } from "../network/network.ts";
import type { Network } from "../network/ports.ts";
import { ExitError } from "../operations/exit.ts";
import type { LoadedGenesis } from "../operations/load-genesis.ts";
import type { Logger } from "../operations/logger.ts";
import type { Metrics } from "../operations/metrics.ts";
import { observeNetwork } from "../operations/node-metrics.ts";
import type { Storage } from "../storage/open.ts";
import { addressBookIn } from "./wiring.ts";

/** With less free disk than this a node should get no new work. */
const MIN_FREE_BYTES = 64 * 1024 * 1024;

/** The validators in the order consensus counts them: by public key. */
export function validatorsOf({ validators }: Genesis): ValidatorEntry[] {
  return validators
    .map(({ name, publicKey, weight, p2pAddress }) => ({
      name,
      publicKey,
      weight,
      address: p2pAddress ?? "",
    }))
    .sort((a, b) => (a.publicKey < b.publicKey ? -1 : 1));
}

/** Why the disk of the data directory should take no more, if so. */
export function freeDiskProblem(directory: string): string | undefined {
  const { bavail, bsize } = statfsSync(directory);
  const free = bavail * bsize;
  if (free >= MIN_FREE_BYTES) return undefined;
  const mebibytes = (bytes: number) => Math.floor(bytes / 1024 / 1024);
  return `${mebibytes(free)} MiB free in ${directory}, needed: ${mebibytes(MIN_FREE_BYTES)} MiB`;
}

/** @throws ExitError for a bootstrap peer or an announced address that cannot be read */
export function networkFor(options: {
  readonly settings: NodeSettings;
  readonly loaded: LoadedGenesis;
  readonly key: SigningKey;
  readonly storage: Storage;
  readonly metrics: Metrics;
  readonly logger: Logger;
  height(): number;
}): Network {
  const { settings, loaded } = options;
  try {
    return createNetwork({
      key: options.key,
      genesisHash: loaded.hash,
      validators: loaded.genesis.validators,
      role: settings.consensusEnabled ? "validator" : "full",
      nodeVersion: nodeVersion.node,
      protocolVersion: nodeVersion.protocol,
      listen: parseAddress(settings.p2pAddr) as HostPort,
      quic: settings.p2pQuic,
      ...(settings.p2pAnnounce !== undefined && { announce: announced(settings.p2pAnnounce) }),
      bootstrap: settings.bootstrap,
      addressBook: addressBookIn(options.storage),
      logger: options.logger.child({ part: "network" }),
      metrics: observeNetwork(options.metrics),
      height: options.height,
    });
  } catch (error) {
    if (!(error instanceof RangeError)) throw error;
    throw new ExitError("configuration", `bootstrap or p2p-announce: ${error.message}`);
  }
}

/** `host:port` becomes the multiaddrs of both transports; a multiaddr stays as it is. */
function announced(setting: string): string[] {
  const address = parseAddress(setting);
  if (!address) return [setting];
  const { host, port } = address;
  const kind = host.includes(":") ? "ip6" : /^[\d.]+$/.test(host) ? "ip4" : "dns4";
  return [`/${kind}/${host}/tcp/${port}`, `/${kind}/${host}/udp/${port}/quic-v1`];
}
