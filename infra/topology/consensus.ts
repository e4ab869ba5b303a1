import type { Genesis } from "../../node/formats/genesis.ts";
import { durationMs, durationText } from "./duration.ts";
import type { Problem } from "./problem.ts";
import type { Network } from "./schema.ts";

/** Bounds in milliseconds; the genesis file has room for timeouts of up to 10 minutes. */
const bounds = {
  blockInterval: [50, 60_000],
  leaderTimeout: [100, 600_000],
  certificationTimeout: [150, 600_000],
  nullifyRetry: [100, 600_000],
} as const satisfies Partial<Record<keyof Network["consensus"], readonly [number, number]>>;

/** Beyond a missed deadline, time for a proposal to travel: within one machine or around the world. */
function patienceMs(purpose: Network["purpose"]): number {
  return purpose === "devnet" ? 500 : 1000;
}

/** The consensus parameters of the genesis: what the description says, and what follows from it. */
export function consensusParameters({
  purpose,
  consensus,
}: Pick<Network, "purpose" | "consensus">): Genesis["consensus"] {
  const given = (text: string | undefined, otherwise: number) =>
    text === undefined ? otherwise : durationMs(text);
  const blockIntervalMs = durationMs(consensus.blockInterval);
  const leaderTimeoutMs = given(consensus.leaderTimeout, blockIntervalMs + patienceMs(purpose));
  return {
    blockIntervalMs,
    leaderTimeoutMs,
    certificationTimeoutMs: given(
      consensus.certificationTimeout,
      leaderTimeoutMs + patienceMs(purpose),
    ),
    nullifyRetryMs: given(consensus.nullifyRetry, 1000),
    maxBlockBytes: consensus.maxBlockBytes,
    maxBlockTransactions: consensus.maxBlockTransactions,
  };
}

/** Durations out of their bounds, and timeouts in the wrong order. */
export function consensusProblems(network: Network): Problem[] {
  const problems: Problem[] = [];
  for (const [name, [least, most]] of Object.entries(bounds)) {
    const got = network.consensus[name as keyof typeof bounds];
    if (got !== undefined && (durationMs(got) < least || durationMs(got) > most))
      problems.push({
        path: `consensus.${name}`,
        reason: `got "${got}", allowed: ${durationText(least)} to ${durationText(most)}`,
      });
  }
  if (problems.length > 0) return problems;
  const { blockIntervalMs, leaderTimeoutMs, certificationTimeoutMs } = consensusParameters(network);
  if (leaderTimeoutMs <= blockIntervalMs)
    problems.push({
      path: "consensus.leaderTimeout",
      reason: `got "${durationText(leaderTimeoutMs)}", allowed: more than [blockInterval], which is ${durationText(blockIntervalMs)}; raise it or leave it out`,
    });
  if (certificationTimeoutMs <= leaderTimeoutMs)
    problems.push({
      path: "consensus.certificationTimeout",
      reason: `got "${durationText(certificationTimeoutMs)}", allowed: more than [leaderTimeout], which is ${durationText(leaderTimeoutMs)}; raise it or leave it out`,
    });
  return problems;
}
