import { join } from "node:path";
import { setTimeout as sleep } from "node:timers/promises";
import { Checkout, smallNetwork } from "../e2e/checkout.ts";
import type { Bench, BenchOptions, Measurement } from "./measure.ts";
import { send, signRepositories } from "./network/load.ts";
import { bucketsBetween, processorSeconds, quantile, scrape } from "./network/probes.ts";

/** Windows of measurement, in milliseconds: long enough for ten blocks at 2 s, for many at 50 ms. */
const IDLE_WINDOW_MS = 20_000;
const BUSY_WINDOW_MS = 10_000;
/** Start-up work, and the first views, are not idling. */
const SETTLE_MS = 5_000;
/** More than the nodes can take in a window, so that the senders never run dry. */
const TRANSACTIONS_PER_WINDOW = 40_000;
const DRAIN_LIMIT_MS = 60_000;
const MiB = 2 ** 20;
const FINALITY = "guts_consensus_finality_seconds";

/** A running node, as `guts status --json` shows it. */
interface Node {
  readonly id: string;
  readonly pid: number;
  readonly apiUrl: string;
  readonly internalUrl: string;
  readonly height: number;
  readonly residentBytes: number;
}

interface Status {
  readonly genesisHash: string;
  readonly nodes: readonly Node[];
}

/** Four validators on this machine, brought up by the product, at two block intervals. */
export const bench: Bench = {
  name: "a network of four validators on one machine",
  run: async (options) => [...(await measureIdle(options)), ...(await measureBusy(options))],
};

async function measureIdle({ repeats, say }: BenchOptions): Promise<Measurement[]> {
  return withNetwork("2s", say, async (checkout) => {
    const [processor, memory]: [number[], number[]] = [[], []];
    const [p50, p99]: [number[], number[]] = [[], []];
    await sleep(SETTLE_MS);
    for (let repeat = 1; repeat <= repeats; repeat += 1) {
      say(`idle, ${repeat} of ${repeats}`);
      const { nodes } = await statusOf(checkout);
      const used = () => nodes.map(({ pid }) => processorSeconds(pid));
      const [before, usedBefore, started] = [await scrapeAll(nodes), used(), performance.now()];
      await sleep(IDLE_WINDOW_MS);
      const seconds = (performance.now() - started) / 1000;
      const usedAfter = used();
      const shares = usedAfter.map((after, index) => (after - (usedBefore[index] ?? 0)) / seconds);
      processor.push(Math.max(...shares) * 100);
      const finality = bucketsBetween(FINALITY, before, await scrapeAll(nodes));
      p50.push(quantile(finality, 0.5) * 1000);
      p99.push(quantile(finality, 0.99) * 1000);
      const sizes = (await statusOf(checkout)).nodes.map(({ residentBytes }) => residentBytes);
      memory.push(Math.max(...sizes) / MiB);
    }
    const note = "block interval 2 s, largest of the four nodes";
    return [
      {
        name: "processor, idle",
        unit: "% of a core",
        values: processor,
        goal: { atMost: 3 },
        note,
      },
      { name: "memory, idle", unit: "MiB", values: memory, goal: { atMost: 160 }, note },
      {
        name: "proposal to finalization, p50",
        unit: "ms",
        values: p50,
        goal: { atMost: 25 },
        note: "block interval 2 s",
      },
      {
        name: "proposal to finalization, p99",
        unit: "ms",
        values: p99,
        note: "block interval 2 s",
      },
    ];
  });
}

async function measureBusy({ repeats, say }: BenchOptions): Promise<Measurement[]> {
  return withNetwork("50ms", say, async (checkout) => {
    const [blocks, transactions]: [number[], number[]] = [[], []];
    const [p50, p99]: [number[], number[]] = [[], []];
    for (let repeat = 1; repeat <= repeats; repeat += 1) {
      say(`blocks, ${repeat} of ${repeats}`);
      const { nodes, genesisHash } = await statusOf(checkout);
      const before = await scrapeAll(nodes);
      await sleep(BUSY_WINDOW_MS);
      const after = await scrapeAll(nodes);
      blocks.push(growth("guts_consensus_finalized_height", before, after));
      const finality = bucketsBetween(FINALITY, before, after);
      p50.push(quantile(finality, 0.5) * 1000);
      p99.push(quantile(finality, 0.99) * 1000);

      say(`transactions, ${repeat} of ${repeats}`);
      const height = Math.max(...(await statusOf(checkout)).nodes.map((node) => node.height));
      const signed = signRepositories({
        keyFile: join(checkout.home, checkout.stack, "keys", "devnet-account.key"),
        genesisHash,
        height,
        count: TRANSACTIONS_PER_WINDOW,
        batch: `r${repeat}`,
      });
      transactions.push(await sustained(signed, nodes));
      await untilDrained(nodes);
    }
    const note = "block interval 50 ms";
    return [
      { name: "blocks", unit: "per second", values: blocks, goal: { atLeast: 15 }, note },
      { name: "proposal to finalization, p50", unit: "ms", values: p50, note },
      { name: "proposal to finalization, p99", unit: "ms", values: p99, note },
      {
        name: "CreateRepository transactions",
        unit: "per second",
        values: transactions,
        goal: { atLeast: 1000 },
        note: `${note}, signed beforehand, 20 per request to all four; the sender shares the processors`,
      },
    ];
  });
}

/** Finalized transactions per second once the senders run at full speed. */
async function sustained(signed: readonly Uint8Array[], nodes: readonly Node[]): Promise<number> {
  const end = new AbortController();
  const sending = send(
    signed,
    nodes.map(({ apiUrl }) => apiUrl),
    end.signal,
  );
  try {
    await sleep(SETTLE_MS / 2);
    const before = await scrapeAll(nodes);
    await sleep(BUSY_WINDOW_MS);
    return growth("guts_consensus_transactions_total", before, await scrapeAll(nodes));
  } finally {
    end.abort();
    await sending;
  }
}

/** Growth per second of a number that is the same on all nodes, taken from the one that saw most. */
function growth(
  name: string,
  before: readonly TimedSamples[],
  after: readonly TimedSamples[],
): number {
  return Math.max(
    ...after.map((samples, index) => {
      const first = before[index];
      const grown = (samples.get(name) ?? 0) - (first?.get(name) ?? 0);
      return grown / ((samples.takenAt - (first?.takenAt ?? 0)) / 1000);
    }),
  );
}

class TimedSamples extends Map<string, number> {
  readonly takenAt = performance.now();
}

function scrapeAll(nodes: readonly Node[]): Promise<TimedSamples[]> {
  return Promise.all(
    nodes.map(async ({ internalUrl }) => new TimedSamples(await scrape(internalUrl))),
  );
}

async function withNetwork<Result>(
  blockInterval: string,
  say: (line: string) => void,
  measure: (checkout: Checkout) => Promise<Result>,
): Promise<Result> {
  const checkout = new Checkout();
  try {
    checkout.describe(await smallNetwork({ consensus: { blockInterval } }));
    say(`brings up the network with a block interval of ${blockInterval}`);
    const { code, all } = await checkout.up();
    if (code !== 0) throw new Error(`the network did not come up:\n${all}`);
    return await measure(checkout);
  } finally {
    await checkout.remove();
  }
}

/** Whether the network is healthy does not matter: after a burst it may take a while to finalize again. */
async function statusOf(checkout: Checkout): Promise<Status> {
  const { stdout, stderr } = await checkout.guts(["status", checkout.stack, "--json"]);
  if (stdout === "") throw new Error(`guts status says nothing:\n${stderr}`);
  return JSON.parse(stdout) as Status;
}

/** Lets the nodes work off what a burst has left, so that the next window begins like the first. */
async function untilDrained(nodes: readonly Node[]): Promise<void> {
  const end = performance.now() + DRAIN_LIMIT_MS;
  const waiting = async () =>
    (await scrapeAll(nodes)).some((samples) => samples.get("guts_consensus_mempool_size") !== 0);
  while ((await waiting()) && performance.now() < end) await sleep(200);
}
