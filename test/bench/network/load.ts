import { readFileSync } from "node:fs";
import { Agent, request } from "node:http";
import { setTimeout as sleep } from "node:timers/promises";
import { MAX_LIFETIME_BLOCKS, newBody, signTransaction } from "../../../node/chain/transaction.ts";
import { fromHex, toHex } from "../../../node/formats/bytes.ts";
import { decodeKeyFile } from "../../../node/formats/keys.ts";

/** Requests under way at the same time, for each node. */
const IN_FLIGHT = 4;
/** Transactions in a request. */
const PER_REQUEST = 20;
/** How long a sender waits when a node has no room for more transactions. */
const FULL_WAIT_MS = 100;

interface SigningOptions {
  readonly keyFile: string;
  readonly genesisHash: string;
  /** Present height: the transactions live as long as the chain allows from there. */
  readonly height: number;
  readonly count: number;
  /** Makes the names of this batch different from those of others. */
  readonly batch: string;
}

/** Signed transactions that each create a repository. */
export function signRepositories(options: SigningOptions): Uint8Array[] {
  const { genesisHash, height, count, batch } = options;
  const key = decodeKeyFile(readFileSync(options.keyFile, "utf8"));
  const genesis = fromHex(genesisHash, 32);
  return Array.from({ length: count }, (_, index) => {
    const payload = {
      kind: "create-repository",
      owner: "bench",
      name: `${batch}-${index}`,
      description: "a repository of usual size",
      private: false,
      objectFormat: "sha1",
      defaultBranch: "main",
    } as const;
    const lifetime = { height, lifetimeBlocks: MAX_LIFETIME_BLOCKS - 100 };
    return signTransaction(newBody("devnet", key.publicKey, payload, lifetime), key, genesis).bytes;
  });
}

/**
 * Sends transactions to all nodes in turn, in batches, until they are used up or the signal ends it.
 *
 * @returns how many were accepted
 */
export async function send(
  transactions: readonly Uint8Array[],
  apiUrls: readonly string[],
  signal: AbortSignal,
): Promise<number> {
  let [next, accepted] = [0, 0];
  const agent = new Agent({ keepAlive: true, maxSockets: IN_FLIGHT });
  const sender = async (url: URL) => {
    while (!signal.aborted) {
      const batch = transactions.slice(next, (next += PER_REQUEST));
      if (batch.length === 0) return;
      const body = JSON.stringify({ transactions: batch.map(toHex) });
      while (!signal.aborted) {
        const { status, text } = await post(url, body, agent);
        if (status !== 202 && status !== 429)
          throw new Error(`a node answered ${status}, expected: 202 or 429`);
        if (status === 202) {
          accepted += (JSON.parse(text) as { accepted: number }).accepted;
          break;
        }
        await sleep(FULL_WAIT_MS);
      }
    }
  };
  try {
    const path = "/api/consensus/transactions/batch";
    await Promise.all(
      apiUrls.flatMap((url) => Array.from({ length: IN_FLIGHT }, () => sender(new URL(path, url)))),
    );
  } finally {
    agent.destroy();
  }
  return accepted;
}

function post(url: URL, body: string, agent: Agent): Promise<{ status: number; text: string }> {
  return new Promise((resolve, reject) => {
    const headers = {
      "content-type": "application/json",
      "content-length": Buffer.byteLength(body),
    };
    const sent = request(url, { method: "POST", agent, headers }, (response) => {
      let text = "";
      response.setEncoding("utf8").on("data", (part: string) => (text += part));
      response.once("end", () => resolve({ status: response.statusCode ?? 0, text }));
    });
    sent.once("error", reject);
    sent.end(body);
  });
}
