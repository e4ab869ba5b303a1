import {
  CONTROL_MESSAGE_BYTES,
  CONTROL_WINDOW_BYTES,
  type NetworkLimits,
  PEERS_MESSAGE_BYTES,
  PEERS_WINDOW_BYTES,
  windowFor,
} from "./limits.ts";
import type { Channel } from "./ports.ts";

/** Kinds of stream. Each side opens at most one of each on a connection; only the dialer opens hello. */
export type Protocol = "hello" | Channel | "sync" | "peers";

/** What a node opens by itself when it has something to say, in the order of its urgency. */
export const lanesByUrgency = [
  "votes",
  "certificates",
  "sync",
  "blocks",
  "transactions",
  "peers",
] as const satisfies readonly Protocol[];
export type LaneName = (typeof lanesByUrgency)[number];

const channels: readonly string[] = ["votes", "certificates", "blocks", "transactions"];
/** Only genesis keys may speak here. */
const consensusChannels: readonly string[] = ["votes", "certificates", "blocks"];

export const protocols: readonly Protocol[] = ["hello", ...lanesByUrgency];

export function protocolId(protocol: Protocol): string {
  return `/guts/${protocol}/1`;
}

export function isChannel(protocol: Protocol): protocol is Channel {
  return channels.includes(protocol);
}

export function onlyValidatorsSpeak(protocol: Protocol): boolean {
  return consensusChannels.includes(protocol);
}

/** Bytes before a question (its number) and before an answer (number and status). */
export const QUESTION_HEADER_BYTES = 4;
export const ANSWER_HEADER_BYTES = 5;

interface DirectionBounds {
  readonly maxMessageBytes: number;
  readonly windowBytes: number;
}

export interface StreamBounds {
  readonly toAcceptor: DirectionBounds;
  readonly toOpener: DirectionBounds;
}

const nothing: DirectionBounds = { maxMessageBytes: 0, windowBytes: 0 };

export function streamBounds(protocol: Protocol, limits: NetworkLimits): StreamBounds {
  const control = { maxMessageBytes: CONTROL_MESSAGE_BYTES, windowBytes: CONTROL_WINDOW_BYTES };
  if (protocol === "hello") return { toAcceptor: control, toOpener: control };
  if (protocol === "peers")
    return {
      toAcceptor: { maxMessageBytes: PEERS_MESSAGE_BYTES, windowBytes: PEERS_WINDOW_BYTES },
      toOpener: nothing,
    };
  if (protocol === "sync") {
    const question = limits.maxRequestBytes + QUESTION_HEADER_BYTES;
    const answer = limits.maxResponseBytes + ANSWER_HEADER_BYTES;
    return {
      toAcceptor: { maxMessageBytes: question, windowBytes: windowFor(question) * 4 },
      toOpener: { maxMessageBytes: answer, windowBytes: windowFor(answer) * 2 },
    };
  }
  const { maxMessageBytes, windowBytes } = limits.channels[protocol];
  return { toAcceptor: { maxMessageBytes, windowBytes }, toOpener: nothing };
}

/** How fast a peer may speak on a stream before it has to wait. */
export interface Rates {
  readonly messagesPerSecond: number;
  readonly bytesPerSecond: number;
}

const SYNC_BYTES_PER_SECOND = 4 * 1024 * 1024;
const PEERS_RATES: Rates = { messagesPerSecond: 20, bytesPerSecond: 256 * 1024 };
/** A key costs nothing, so one that is not in the genesis gets a part of the rates only. */
const STRANGER_SHARE = 0.25;

export function inletRates(
  protocol: LaneName,
  limits: NetworkLimits,
  fromValidator: boolean,
): Rates {
  if (protocol === "peers") return PEERS_RATES;
  const { messagesPerSecond, bytesPerSecond } =
    protocol === "sync"
      ? { messagesPerSecond: limits.requestsPerSecond, bytesPerSecond: SYNC_BYTES_PER_SECOND }
      : limits.channels[protocol];
  const share = fromValidator ? 1 : STRANGER_SHARE;
  return { messagesPerSecond: messagesPerSecond * share, bytesPerSecond: bytesPerSecond * share };
}
