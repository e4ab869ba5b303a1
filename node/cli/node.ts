import { mkdirSync } from "node:fs";
import type { ApiContext } from "../api/context.ts";
import { createInternalApi } from "../api/internal.ts";
import { createOpenWrites } from "../api/open-writes.ts";
import { createApi } from "../api/server.ts";
import { type Chain, openChain } from "../chain/chain.ts";
import { type ConsensusEngine, Engine } from "../consensus/engine.ts";
import { decodeCertificate } from "../consensus/messages.ts";
import { toHex } from "../formats/bytes.ts";
import type { NodeSettings } from "../formats/configuration.ts";
import type { SigningKey } from "../formats/ed25519.ts";
import { nodeVersion } from "../formats/release.ts";
import type { Network } from "../network/ports.ts";
import { ExitError } from "../operations/exit.ts";
import { TransactionGossip } from "../operations/gossip.ts";
import { Health } from "../operations/health.ts";
import { keepGenesis, type LoadedGenesis, loadGenesis } from "../operations/load-genesis.ts";
import type { Logs } from "../operations/logger.ts";
import { createMetrics, type Metrics } from "../operations/metrics.ts";
import { loadNodeKey, readKeyFile } from "../operations/node-key.ts";
import { observeConsensus } from "../operations/node-metrics.ts";
import type { Startable } from "../operations/run.ts";
import { openStorage, type Storage } from "../storage/open.ts";
import { freeDiskProblem, networkFor, validatorsOf } from "./parts.ts";
import { deliverTo, transportOver } from "./wiring.ts";

const LISTED_EVIDENCE = 100;

export interface NodeOptions {
  readonly settings: NodeSettings;
  readonly environment: Readonly<Record<string, string | undefined>>;
  readonly logs: Logs;
  readonly signal: AbortSignal;
  /** The node must end, with the exit that the error calls for. */
  readonly onFatal: (error: Error) => void;
}

export interface ComposedNode {
  /** In the order of their start. */
  readonly services: readonly Startable[];
  readonly health: Health;
  /** For the log line that says that the node is ready. */
  describe(): object;
}

/**
 * Puts one node together; nothing runs before the services are started.
 *
 * @throws ExitError, StorageError
 */
export async function composeNode(options: NodeOptions): Promise<ComposedNode> {
  const { settings, logs, signal } = options;
  const { logger } = logs;
  const loaded = await loadGenesis(settings, signal);
  const key = loadKey(options, loaded);
  const metrics = createMetrics();
  const storage = openStorage(settings.dataDir, {
    genesisHash: loaded.hash,
    publicKey: toHex(key.publicKey),
    observeCommit: (database, seconds) => metrics.storage.commit.observe({ database }, seconds),
  });
  try {
    keepGenesis(settings, loaded);
    const chain = openChain({ genesis: loaded.genesis, store: storage.chain });
    const height = () => chain.tip().height;
    const network = networkFor({ settings, loaded, key, storage, metrics, height, logger });
    const engine = new Engine({
      genesis: loaded.genesis,
      ...(settings.consensusEnabled && { key }),
      application: chain,
      transport: transportOver(network),
      journal: storage.journal,
      evidence: storage.evidence,
      observer: observeConsensus(metrics, logger.child({ part: "consensus" })),
      onFatal: options.onFatal,
    });
    deliverTo(engine, network);
    return await serve({ ...options, loaded, key, metrics, storage, chain, network, engine });
  } catch (error) {
    storage.close();
    throw error;
  }
}

function loadKey({ settings, environment, logs }: NodeOptions, { genesis }: LoadedGenesis) {
  mkdirSync(settings.dataDir, { recursive: true, mode: 0o700 });
  const { purpose } = genesis;
  const { key, source, warnings } = loadNodeKey({ settings, purpose, environment });
  logs.redactor.learn(key.seed());
  for (const warning of warnings) logs.logger.warn(warning);
  const publicKey = toHex(key.publicKey);
  const known = genesis.validators.find((validator) => validator.publicKey === publicKey);
  if (settings.consensusEnabled && !known)
    throw new ExitError(
      "key",
      `the key from ${source} has the public key ${publicKey}, which is no validator of the genesis; use the key of one of ${genesis.validators.map(({ name }) => name).join(", ")}, or leave out consensus-enabled`,
    );
  logs.logger.info({ publicKey, source, validator: known?.name }, "node key loaded");
  return key;
}

interface Parts extends NodeOptions {
  readonly loaded: LoadedGenesis;
  readonly key: SigningKey;
  readonly metrics: Metrics;
  readonly storage: Storage;
  readonly chain: Chain;
  readonly network: Network;
  readonly engine: ConsensusEngine;
}

async function serve(parts: Parts): Promise<ComposedNode> {
  const { settings, metrics, storage, chain, network, engine } = parts;
  const votes = settings.consensusEnabled;
  const context = apiContext(parts);
  const api = await createApi(context);
  const internal = await createInternalApi({
    address: settings.internalAddr,
    health: context.health,
    metrics,
  });
  metrics.watch({
    height: () => chain.tip().height,
    view: () => engine.status().view,
    mempool: () => chain.mempool(),
    peers: () => network.peers(),
    eventStreams: () => api.streams.size,
  });
  chain.onFinalized(({ transactionCount }) => {
    metrics.consensus.commits.inc();
    metrics.consensus.transactions.inc(transactionCount);
  });
  const gossip = new TransactionGossip({ chain, network, votes });
  return {
    services: [
      { name: "metrics", start: () => undefined, stop: () => metrics.stop() },
      { name: "storage", start: () => undefined, stop: () => storage.close() },
      { name: "chain", start: () => undefined, stop: () => chain.close() },
      internal,
      { name: "consensus", start: (signal) => engine.start(signal), stop: () => engine.stop() },
      {
        name: "network",
        start: (signal) => listenForPeers(network, signal),
        stop: () => network.stop(),
      },
      gossip,
      api,
    ],
    health: context.health,
    describe: () => ({
      api: api.url,
      internal: internal.url,
      p2p: network.listenAddresses,
      height: chain.tip().height,
    }),
  };
}

/** What can fail at the start of the network is listening; errors of the language are bugs. */
async function listenForPeers(network: Network, signal: AbortSignal): Promise<void> {
  try {
    await network.start(signal);
  } catch (error) {
    if (!(error instanceof Error) || error.constructor !== Error) throw error;
    throw new ExitError("configuration", `p2p-addr: ${error.message}`, { cause: error });
  }
}

function apiContext(parts: Parts): ApiContext {
  const { settings, metrics, storage, chain, network, engine, loaded, logs } = parts;
  const validators = validatorsOf(loaded.genesis);
  const role = settings.consensusEnabled ? "validator" : "full";
  const health = new Health({
    storage: () => freeDiskProblem(settings.dataDir),
    height: () => chain.tip().height,
    peers: () => network.peers(),
    validators: validators.map(({ publicKey }) => publicKey),
    votes: settings.consensusEnabled ? network.publicKey : undefined,
    maxLag: settings.readyMaxLag,
  });
  return {
    settings,
    chain,
    validators,
    identity: {
      publicKey: network.publicKey,
      peerId: network.peerId,
      role,
      nodeVersion: nodeVersion.node,
      protocolVersion: nodeVersion.protocol,
    },
    health,
    logger: logs.logger.child({ part: "api" }),
    metrics,
    openWrites: openWrites(parts),
    votes: settings.consensusEnabled,
    peers: () => network.peers(),
    onPeers: (listener) => network.onPeers(listener),
    consensus: () => engine.status(),
    evidence: () => storage.evidence.list({ offset: 0, limit: LISTED_EVIDENCE }),
    signers: (certificate) => decodeCertificate(certificate, validators.length).signers,
  };
}

function openWrites({ settings, loaded, chain, logs }: Parts): ApiContext["openWrites"] {
  if (settings.openWrites === "off" || settings.devnetAccountKeyFile === undefined)
    return undefined;
  const key = readKeyFile(settings.devnetAccountKeyFile);
  logs.redactor.learn(key.seed());
  logs.logger.warn(
    { api: settings.apiAddr },
    "open writes: requests from this machine may write without an account",
  );
  return createOpenWrites({ genesis: loaded.genesis, chain, key });
}
