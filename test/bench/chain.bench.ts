/**
 * Measures what one transaction costs one node, by stage: sign (the client's cost), submit (decode,
 * signature, dry run), propose, verify with known and with unknown signatures, certify and finalize
 * with their synced commits. Everything runs in this process on one core but for the bulk check of
 * signatures, which uses the thread pool.
 *
 * Prints a table, and JSON with --json. Shows nothing about the network or about four nodes that
 * share two cores.
 *
 * Run: node test/bench/chain.bench.ts [--transactions 2000] [--blocks 10] [--json]
 */
import { parseArgs } from "node:util";
import {
  createRepository,
  keys,
  temporaryDirectory,
  TestChain,
  testGenesis,
} from "../node/chain/support/chain.ts";

const { values } = parseArgs({
  options: {
    transactions: { type: "string", default: "2000" },
    blocks: { type: "string", default: "10" },
    json: { type: "boolean", default: false },
  },
});
const perBlock = Number(values.transactions);
const blocks = Number(values.blocks);
const samples = new Map<string, number[]>();

async function timed<Result>(stage: string, action: () => Result | Promise<Result>) {
  const started = performance.now();
  const cpu = process.cpuUsage();
  const result = await action();
  const { user, system } = process.cpuUsage(cpu);
  record(`${stage} wall`, ((performance.now() - started) * 1000) / perBlock);
  record(`${stage} cpu`, (user + system) / perBlock);
  return result;
}

function record(stage: string, microseconds: number): void {
  samples.set(stage, [...(samples.get(stage) ?? []), microseconds]);
}

const genesis = testGenesis({ maxBlockTransactions: 65_535, maxBlockBytes: 4_194_304 });
using proposerDirectory = temporaryDirectory();
using gossipedDirectory = temporaryDirectory();
using strangerDirectory = temporaryDirectory();
using proposer = new TestChain(proposerDirectory.path, genesis);
using gossiped = new TestChain(gossipedDirectory.path, genesis);
using stranger = new TestChain(strangerDirectory.path, genesis);

for (let block = 0; block < blocks; block++) {
  const signed = await timed("sign", () =>
    Array.from({ length: perBlock }, (_, i) =>
      proposer.sign("devnet", keys.devnet, createRepository(`owner-${i % 50}`, `r-${block}-${i}`)),
    ),
  );
  await timed("submit", () => {
    for (const { bytes } of signed) proposer.chain.submit(bytes, "local");
  });
  for (const { bytes } of signed) gossiped.chain.submit(bytes, "peer");
  const proposal = await timed("propose", () => proposer.propose());
  const { context, digest, bytes } = proposal;
  await timed("verify after gossip", async () => {
    gossiped.chain.receive(bytes);
    await gossiped.chain.verify(context, digest);
  });
  await timed("verify unknown", async () => {
    stranger.chain.receive(bytes);
    await stranger.chain.verify(context, digest);
  });
  await timed("certify", () => gossiped.chain.certify(context, digest));
  await timed("finalize", () => gossiped.finalize(proposal));
  for (const node of [proposer, stranger]) {
    await node.chain.certify(context, digest);
    await node.finalize(proposal);
  }
}
if (proposer.chain.repositories({ offset: 0, limit: 1 }).total !== perBlock * blocks)
  throw new Error("not every transaction was executed");

const rows = [...samples].map(([stage, all]) => {
  const sorted = all.toSorted((a, b) => a - b);
  const at = (share: number) => sorted[Math.floor((sorted.length - 1) * share)] ?? 0;
  return { stage, p50: at(0.5), min: at(0), max: at(1) };
});
if (values.json) {
  console.log(JSON.stringify({ perBlock, blocks, microsecondsPerTransaction: rows }));
} else {
  console.log(`${blocks} blocks of ${perBlock} transactions; µs per transaction`);
  for (const { stage, p50, min, max } of rows)
    console.log(
      `${stage.padEnd(28)} p50 ${p50.toFixed(1).padStart(7)}  min ${min.toFixed(1).padStart(7)}  max ${max.toFixed(1).padStart(7)}`,
    );
}
