import { setTimeout as delay } from "node:timers/promises";
import { ProviderError } from "../errors.ts";
import { askStatus, isFinalizing, type NodeStatus, stallLimitMs } from "../observe/api.ts";

const POLL_MS = 200;
const ANSWER_MS = 2_000;
/** Time to catch up and see a new block, besides that in which a working network makes one. */
const CATCH_UP_MS = 60_000;

/**
 * Lets one planned restart at a time through per network, each after the one before has brought its
 * node back to finalizing. After a failure the others are not touched: the rest of the network runs on.
 */
export class RestartQueue {
  readonly #tails = new Map<string, Promise<void>>();
  readonly #failed = new Map<string, string>();

  /** @param network nodes with the same text wait for each other */
  run<T>(network: string, node: string, restart: () => Promise<T>): Promise<T> {
    const before = this.#tails.get(network) ?? Promise.resolve();
    const result = before.then(async () => {
      const failed = this.#failed.get(network);
      if (failed !== undefined)
        throw new ProviderError(
          `${node} was not restarted, because ${failed} did not come back: see why, and run the command again`,
        );
      try {
        return await restart();
      } catch (error) {
        this.#failed.set(network, node);
        throw error;
      }
    });
    this.#tails.set(
      network,
      result.then(
        () => undefined,
        () => undefined,
      ),
    );
    return result;
  }
}

/** The node's status if the network is finalizing as it sees it; undefined when there is nothing to wait for. */
export async function finalizingStatus(
  apiUrl: string,
  signal: AbortSignal,
): Promise<NodeStatus | undefined> {
  const answer = await askStatus(apiUrl, AbortSignal.any([signal, AbortSignal.timeout(ANSWER_MS)]));
  if ("problem" in answer) return undefined;
  const { status } = answer;
  return isFinalizing(status, Date.now()) ? status : undefined;
}

/** Waits until a restarted node has finalized a block that is newer than what it had before. */
export async function waitForFinality(
  name: string,
  apiUrl: string,
  before: NodeStatus,
  signal: AbortSignal,
): Promise<void> {
  const limitMs = CATCH_UP_MS + stallLimitMs(before);
  const end = performance.now() + limitMs;
  let seen = "it did not answer";
  while (performance.now() < end) {
    signal.throwIfAborted();
    const answer = await askStatus(
      apiUrl,
      AbortSignal.any([signal, AbortSignal.timeout(ANSWER_MS)]),
    );
    if (!("problem" in answer)) {
      if (answer.status.height > before.height) return;
      seen = `it is at height ${answer.status.height}`;
    } else seen = answer.problem;
    await delay(POLL_MS);
  }
  throw new ProviderError(
    `${name} runs again and did not get beyond height ${before.height} within ${limitMs / 1000} s: ${seen}`,
  );
}
