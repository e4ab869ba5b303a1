import type {
  BlockSummary,
  ChainReader,
  Repository,
  StateProof,
  Submission,
  TransactionStatus,
} from "../../../node/chain/ports.ts";
import type { ApiContext, EvidenceEntry } from "../../../node/api/context.ts";
import { defaultSettings, type NodeSettings } from "../../../node/formats/configuration.ts";
import { toHex } from "../../../node/formats/bytes.ts";
import { SigningKey } from "../../../node/formats/ed25519.ts";
import { type Genesis, genesisHash } from "../../../node/formats/genesis.ts";
import type { PeerInfo } from "../../../node/network/ports.ts";
import { Health } from "../../../node/operations/health.ts";
import { createLogs } from "../../../node/operations/logger.ts";
import { createMetrics } from "../../../node/operations/metrics.ts";

const keys = [1, 2, 3, 4]
  .map((byte) => new SigningKey(new Uint8Array(32).fill(byte)))
  .map((key) => toHex(key.publicKey))
  .sort();

export const genesis: Genesis = {
  format: 1,
  chainId: "test-net",
  purpose: "devnet",
  protocolVersion: 0,
  consensus: {
    blockIntervalMs: 2000,
    leaderTimeoutMs: 4000,
    certificationTimeoutMs: 6000,
    nullifyRetryMs: 2000,
    maxBlockBytes: 1_048_576,
    maxBlockTransactions: 1000,
  },
  validators: keys.map((publicKey, i) => ({ name: `validator-${i}`, publicKey, weight: 1 })),
  accounts: [],
};

const digest = (height: number) => height.toString(16).padStart(64, "0");

function blockAt(height: number): BlockSummary {
  return {
    height,
    digest: digest(height),
    parentDigest: digest(Math.max(0, height - 1)),
    view: height,
    epoch: 0,
    leader: height % 4,
    timestampMs: height * 2000,
    transactionCount: 1,
    transactionRoot: digest(0),
    stateRoot: digest(height),
    bytes: 300,
  };
}

/** A chain in memory: a transaction is the text `owner/name`, and its id is made from its bytes. */
export class FakeChain implements ChainReader {
  readonly genesis = genesis;
  readonly genesisHash = genesisHash(genesis);
  readonly items: Repository[] = [];
  height = 25;
  /** What `submit` answers, when a test wants something else than acceptance. */
  refusal: Submission | undefined;
  /** Held transactions are never finalized. */
  hold = false;
  #listeners = new Set<(block: BlockSummary) => void>();

  tip = () => blockAt(this.height);
  block = (height: number) => (height <= this.height ? blockAt(height) : undefined);
  blockByDigest = () => undefined;
  blockTransactions = (height: number) => [digest(height + 1000)];
  certificate = (height: number) =>
    height === 0 ? undefined : { bytes: Uint8Array.of(0, 1, 3), certifies: digest(height) };
  transaction(id: string): TransactionStatus {
    return id === digest(7)
      ? { status: "finalized", height: 3, index: 0 }
      : { status: id === digest(8) ? "pending" : "unknown" };
  }
  repositories({ owner, offset, limit }: { owner?: string; offset: number; limit: number }) {
    const all = this.items.filter((item) => owner === undefined || item.owner === owner);
    return { items: all.slice(offset, offset + limit), total: all.length };
  }
  repository = (owner: string, name: string) =>
    this.items.find((item) => item.owner === owner && item.name === name);
  account = () => undefined;
  prove = (): StateProof => {
    throw new Error("not part of this fake");
  };
  mempool = () => ({ size: 2, bytes: 100, ids: [digest(8), digest(9)] });
  submit(transaction: Uint8Array): Submission {
    if (this.refusal) return this.refusal;
    const text = Buffer.from(transaction).toString();
    const id = Buffer.from(text).toString("hex").padStart(64, "0").slice(-64);
    const [owner = "", name = ""] = text.split("/");
    if (!this.hold) this.add(owner, name);
    return { accepted: true, id };
  }
  settled(_: string, signal: AbortSignal): Promise<TransactionStatus> {
    if (!this.hold) return Promise.resolve({ status: "finalized", height: 26, index: 0 });
    return new Promise((_, reject) =>
      signal.addEventListener("abort", () => reject(signal.reason as Error)),
    );
  }
  onFinalized(listener: (block: BlockSummary) => void) {
    this.#listeners.add(listener);
    return () => this.#listeners.delete(listener);
  }
  onAccepted = () => () => undefined;
  add(owner: string, name: string): void {
    this.items.push({
      id: digest(this.items.length),
      owner,
      name,
      description: "",
      private: false,
      objectFormat: "sha1",
      defaultBranch: "main",
      createdAtMs: 1000,
      updatedAtMs: 1000,
      createdHeight: 1,
    });
  }
  finalize(): void {
    this.height += 1;
    for (const listener of this.#listeners) listener(blockAt(this.height));
  }
}

export const peer: PeerInfo = {
  publicKey: keys[1] as string,
  peerId: "12D3KooWPjceQrSwdWXPyLLeABRXmuqt69Rg3sBYbU1Nft9HyQ6X",
  name: "validator-1",
  role: "validator",
  nodeVersion: "0.1.0",
  protocolVersion: 0,
  height: 25,
  transport: "tcp",
  direction: "inbound",
  address: "/ip4/203.0.113.9/tcp/9000",
  roundTripMs: 1.5,
  connectedAt: 0,
};

export interface FakeNode {
  readonly chain: FakeChain;
  readonly context: ApiContext;
  readonly peers: PeerInfo[];
  readonly evidence: EvidenceEntry[];
  readonly log: string[];
}

/** Everything the API needs, without a network, a disk or a clock. */
export async function fakeNode(changes: Partial<NodeSettings> = {}): Promise<FakeNode> {
  const settings: NodeSettings = { ...defaultSettings(), apiAddr: "127.0.0.1:0", ...changes };
  const chain = new FakeChain();
  const peers = [1, 2, 3].map((i) => ({
    ...peer,
    publicKey: keys[i] as string,
    name: `validator-${i}`,
  }));
  const evidence: EvidenceEntry[] = [];
  const log: string[] = [];
  const { logger } = await createLogs({ logLevel: "debug", logFormat: "json" }, (line) => {
    log.push(line);
  });
  const health = new Health({
    storage: () => undefined,
    height: () => chain.height,
    peers: () => peers,
    validators: keys,
    votes: keys[0],
    maxLag: settings.readyMaxLag,
  });
  health.markStarted();
  const context: ApiContext = {
    settings,
    chain,
    validators: keys.map((publicKey, i) => ({
      name: `validator-${i}`,
      publicKey,
      weight: 1,
      address: "",
    })),
    identity: {
      publicKey: keys[0] as string,
      peerId: peer.peerId,
      role: "validator",
      nodeVersion: "0.1.0",
      protocolVersion: 0,
    },
    health,
    logger,
    metrics: createMetrics(),
    openWrites:
      settings.openWrites === "loopback"
        ? { createRepository: ({ owner, name }) => Buffer.from(`${owner}/${name}`) }
        : undefined,
    votes: true,
    peers: () => peers,
    onPeers: () => undefined,
    consensus: () => ({
      epoch: 0,
      view: chain.height + 1,
      lastFinalizedView: chain.height,
      deliveredHeight: chain.height,
      leader: 2,
      isLeader: false,
      mode: "voting",
      phase: "waiting-for-proposal",
      catchingUp: false,
      validatorIndex: 0,
      validatorCount: 4,
      quorum: 3,
      faultsTolerated: 1,
      trackedViews: 2,
      validators: keys.map((publicKey, index) => ({
        publicKey,
        index,
        lastSeenMs: index === 3 ? undefined : 10,
        active: index !== 3,
      })),
    }),
    evidence: () => evidence,
    signers: (certificate) => [...certificate],
  };
  return { chain, context, peers, evidence, log };
}
