import type { Channel } from "./ports.ts";

/** What a frame costs in credit and queues beyond its bytes, so that tiny frames are not free. */
export const FRAME_OVERHEAD_BYTES = 64;

const KIB = 1024;
const MIB = 1024 * KIB;

/** Bounds of one channel with one peer. */
export interface ChannelLimits {
  readonly maxMessageBytes: number;
  /** Bytes the sender may have on the way or unread at the receiver: its credit. */
  readonly windowBytes: number;
  /** Bytes and messages that wait here while the peer is slow; the oldest make room. */
  readonly queueBytes: number;
  readonly queueMessages: number;
  /** Token buckets of the receiver; a peer that is faster waits, it is not punished. */
  readonly messagesPerSecond: number;
  readonly bytesPerSecond: number;
}

/** Every bound of the network; the defaults hold for 100 validators. */
export interface NetworkLimits {
  readonly channels: Readonly<Record<Channel, ChannelLimits>>;
  /** Peers that are no validators. */
  readonly maxFullNodes: number;
  /** Validators and full nodes that a full node keeps connected by itself, beyond bootstrap. */
  readonly targetPeers: number;
  readonly maxRequestBytes: number;
  readonly maxResponseBytes: number;
  /** Own questions to one peer that are not answered yet; a peer that has more is cut off. */
  readonly maxQuestionsPerPeer: number;
  readonly requestTimeoutMs: number;
  /** Answers being worked out or waiting to be sent: for one peer, and for all full nodes. */
  readonly maxAnswersPerPeer: number;
  readonly maxAnswersForFullNodes: number;
  readonly requestsPerSecond: number;
  /** From a new connection to an accepted hello. */
  readonly handshakeTimeoutMs: number;
  readonly pingIntervalMs: number;
  /** A peer that sent nothing for this long, not even an answer to a ping, is gone. */
  readonly peerTimeoutMs: number;
  /** A started frame must arrive, and a waiting one must leave, within this time. */
  readonly stallTimeoutMs: number;
  readonly dialTimeoutMs: number;
  readonly quicDialTimeoutMs: number;
  readonly maxParallelDials: number;
  readonly redialBaseMs: number;
  /** Longest wait between two dials: validators at private addresses, everybody else. */
  readonly redialPrivateCapMs: number;
  readonly redialCapMs: number;
  /** Time between two questions for peer records, to one connected peer. */
  readonly peerExchangeIntervalMs: number;
  readonly maxKnownFullNodes: number;
  /** New connections per second from one public address, and from a private one. */
  readonly connectionsPerAddress: number;
  readonly connectionsPerPrivateAddress: number;
  readonly banMs: number;
}

const channels: Record<Channel, ChannelLimits> = {
  votes: {
    maxMessageBytes: 64 * KIB,
    windowBytes: 512 * KIB,
    queueBytes: MIB,
    queueMessages: 4096,
    messagesPerSecond: 2000,
    bytesPerSecond: 4 * MIB,
  },
  certificates: {
    maxMessageBytes: 256 * KIB,
    windowBytes: MIB,
    queueBytes: 2 * MIB,
    queueMessages: 2048,
    messagesPerSecond: 1000,
    bytesPerSecond: 8 * MIB,
  },
  blocks: {
    maxMessageBytes: 4 * MIB + 256 * KIB,
    windowBytes: 10 * MIB,
    queueBytes: 12 * MIB,
    queueMessages: 256,
    messagesPerSecond: 200,
    bytesPerSecond: 64 * MIB,
  },
  transactions: {
    maxMessageBytes: 256 * KIB,
    windowBytes: 512 * KIB,
    queueBytes: 8 * MIB,
    queueMessages: 16_384,
    messagesPerSecond: 8000,
    bytesPerSecond: 16 * MIB,
  },
};

export const defaultLimits: NetworkLimits = {
  channels,
  maxFullNodes: 64,
  targetPeers: 8,
  maxRequestBytes: 64 * KIB,
  maxResponseBytes: 4 * MIB + 256 * KIB,
  maxQuestionsPerPeer: 16,
  requestTimeoutMs: 10_000,
  maxAnswersPerPeer: 4,
  maxAnswersForFullNodes: 16,
  requestsPerSecond: 400,
  handshakeTimeoutMs: 5_000,
  pingIntervalMs: 4_000,
  peerTimeoutMs: 10_000,
  stallTimeoutMs: 30_000,
  dialTimeoutMs: 5_000,
  quicDialTimeoutMs: 3_000,
  maxParallelDials: 16,
  redialBaseMs: 500,
  redialPrivateCapMs: 5_000,
  redialCapMs: 30_000,
  peerExchangeIntervalMs: 30_000,
  maxKnownFullNodes: 512,
  connectionsPerAddress: 8,
  connectionsPerPrivateAddress: 400,
  banMs: 600_000,
};

/** Windows of the streams that are not channels. */
export const CONTROL_MESSAGE_BYTES = 4 * KIB;
export const CONTROL_WINDOW_BYTES = 64 * KIB;
export const PEERS_MESSAGE_BYTES = 64 * KIB;
export const PEERS_WINDOW_BYTES = 256 * KIB;

/**
 * The smallest window in which a frame of that size can always be sent: a receiver gives credit
 * back in quarters, so three quarters must hold a frame.
 */
export function windowFor(maxMessageBytes: number): number {
  return Math.ceil(((maxMessageBytes + FRAME_OVERHEAD_BYTES) * 4) / 3);
}
