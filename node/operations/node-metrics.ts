import type { ConsensusObserver } from "../consensus/status.ts";
import type { NetworkMetrics } from "../network/options.ts";
import type { Logger } from "./logger.ts";
import type { Metrics } from "./metrics.ts";

/** Feeds what consensus shows of itself to metrics and the log. */
export function observeConsensus(metrics: Metrics, logger: Logger): ConsensusObserver {
  const { consensus } = metrics;
  return {
    viewTimedOut: ({ view, leader, reason }) => {
      consensus.timeouts.inc({ reason });
      logger.debug({ view, leader, reason }, "view given up");
    },
    voteSent: ({ kind }) => consensus.votes.inc({ kind }),
    certificate: ({ kind, formed }) =>
      consensus.certificates.inc({ kind, origin: formed ? "formed" : "received" }),
    viewFinalized: ({ latencyMs }) => {
      if (latencyMs !== undefined) consensus.finality.observe(latencyMs / 1000);
    },
    refused: ({ peer, channel, reason }) => {
      consensus.refused.inc({ channel });
      logger.debug({ peer, channel, reason }, "consensus message refused");
    },
    requested: ({ kind, ok }) =>
      consensus.requests.inc({ kind, outcome: ok ? "answered" : "failed" }),
    evidence: ({ kind, signer, view }) => {
      consensus.evidence.inc({ kind });
      logger.warn({ kind, signer, view }, "a validator broke the rules");
    },
    log: (level, message, fields) => logger[level](fields, message),
  };
}

/** Feeds what the network counts to metrics. */
export function observeNetwork({ p2p }: Metrics): NetworkMetrics {
  return {
    messageSent: (channel, bytes) => {
      p2p.messages.inc({ channel, direction: "sent" });
      p2p.bytes.inc({ channel, direction: "sent" }, bytes);
    },
    messageReceived: (channel, bytes) => {
      p2p.messages.inc({ channel, direction: "received" });
      p2p.bytes.inc({ channel, direction: "received" }, bytes);
    },
    messageDropped: (channel) => p2p.dropped.inc({ channel }),
    connections: (open) => p2p.connections.set(open),
    dialed: (transport, outcome) => p2p.dials.inc({ transport, outcome }),
    refused: (code) => p2p.refused.inc({ code }),
    penalized: (reason) => p2p.penalties.inc({ reason }),
    banned: () => p2p.bans.inc(),
    requested: (outcome, durationMs) => p2p.requests.observe({ outcome }, durationMs / 1000),
    answered: (outcome) => p2p.answers.inc({ outcome }),
    roundTrip: (durationMs) => p2p.roundTrip.observe(durationMs / 1000),
  };
}
