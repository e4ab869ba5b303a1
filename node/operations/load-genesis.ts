import { existsSync, readFileSync, renameSync, writeFileSync } from "node:fs";
import { join } from "node:path";
import type { NodeSettings } from "../formats/configuration.ts";
import { encodeGenesis, type Genesis, genesisHash, parseGenesisText } from "../formats/genesis.ts";
import { nodeVersion } from "../formats/release.ts";
import { ExitError } from "./exit.ts";

const MAX_GENESIS_BYTES = 4 * 1024 * 1024;
const FETCH_TIMEOUT_MS = 15_000;

export interface LoadedGenesis {
  readonly genesis: Genesis;
  readonly hash: string;
  readonly source: string;
}

/** Where a node keeps the genesis it started with once. */
export function keptGenesisPath({ dataDir }: Pick<NodeSettings, "dataDir">): string {
  return join(dataDir, "genesis.json");
}

/**
 * Loads the genesis, and refuses one that this node may not join or that the settings contradict.
 *
 * @throws ExitError `configuration`
 */
export async function loadGenesis(
  settings: NodeSettings,
  signal: AbortSignal,
): Promise<LoadedGenesis> {
  const { source, text } = await genesisText(settings, signal);
  let genesis: Genesis;
  try {
    genesis = parseGenesisText(text);
  } catch (error) {
    throw new ExitError("configuration", `${source}:\n${(error as Error).message}`);
  }
  const hash = genesisHash(genesis);
  const problem = joinProblem(genesis) ?? settingProblem(settings, genesis, hash);
  if (problem !== undefined) throw new ExitError("configuration", `${source}: ${problem}`);
  return { genesis, hash, source };
}

async function genesisText(
  settings: NodeSettings,
  signal: AbortSignal,
): Promise<{ source: string; text: string }> {
  const kept = keptGenesisPath(settings);
  const file = settings.genesisFile ?? kept;
  try {
    return { source: `genesis ${file}`, text: readFileSync(file, "utf8") };
  } catch (error) {
    if (settings.genesisFile !== undefined)
      throw new ExitError("configuration", `genesis-file: ${(error as Error).message}`);
  }
  if (settings.genesisUrl === undefined)
    throw new ExitError(
      "configuration",
      `no genesis: there is no ${kept}; set genesis-file, or genesis-url with genesis-hash for a full node`,
    );
  const url = settings.genesisUrl;
  return { source: `genesis ${url}`, text: await fetchText(url, signal) };
}

async function fetchText(url: string, signal: AbortSignal): Promise<string> {
  try {
    const timeout = AbortSignal.timeout(FETCH_TIMEOUT_MS);
    const response = await fetch(url, { signal: AbortSignal.any([signal, timeout]) });
    if (!response.ok) throw new Error(`got status ${response.status}`);
    const parts: Uint8Array[] = [];
    let size = 0;
    for await (const part of response.body ?? []) {
      size += part.length;
      if (size > MAX_GENESIS_BYTES) throw new Error(`got more than ${MAX_GENESIS_BYTES} bytes`);
      parts.push(part);
    }
    return Buffer.concat(parts).toString("utf8");
  } catch (error) {
    const { message, cause } = error as Error;
    const reason = cause instanceof Error ? `${message}: ${cause.message}` : message;
    throw new ExitError("configuration", `genesis-url: cannot fetch ${url}: ${reason}`);
  }
}

/** Why this version of the node may not join the chain, if so: 0.x is for devnets, 1.x for others. */
export function joinProblem(
  genesis: Pick<Genesis, "purpose" | "protocolVersion">,
  version: { readonly node: string; readonly protocol: number } = nodeVersion,
): string | undefined {
  const devnetOnly = version.node.startsWith("0.");
  if (devnetOnly !== (genesis.purpose === "devnet"))
    return `guts-node ${version.node} may join ${devnetOnly ? "devnets only" : "testnets and mainnets only"}, this is a ${genesis.purpose}`;
  if (genesis.protocolVersion !== version.protocol)
    return `guts-node ${version.node} speaks protocol ${version.protocol}, this chain needs ${genesis.protocolVersion}`;
  return undefined;
}

function settingProblem(
  settings: NodeSettings,
  genesis: Genesis,
  hash: string,
): string | undefined {
  const { blockIntervalMs } = genesis.consensus;
  if (settings.genesisHash !== undefined && settings.genesisHash !== hash)
    return `its hash is ${hash}, genesis-hash allows only ${settings.genesisHash}`;
  if (settings.blockTime !== undefined && settings.blockTime !== blockIntervalMs)
    return `block-time is ${settings.blockTime}ms, allowed: ${blockIntervalMs}ms, because the block interval is part of the genesis`;
  if (settings.openWrites !== "off" && genesis.purpose !== "devnet")
    return `open-writes is ${settings.openWrites}, allowed on a ${genesis.purpose}: off`;
  return undefined;
}

/** Keeps the genesis in the data directory: the next start and `guts-node verify` need no other. */
export function keepGenesis(settings: NodeSettings, { genesis }: LoadedGenesis): void {
  const path = keptGenesisPath(settings);
  if (existsSync(path)) return;
  writeFileSync(`${path}.new`, `${encodeGenesis(genesis)}\n`);
  renameSync(`${path}.new`, path);
}
