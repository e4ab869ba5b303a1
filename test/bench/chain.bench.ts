import {
  createRepository,
  keys,
  temporaryDirectory,
  TestChain,
  testGenesis,
} from "../node/chain/support/chain.ts";
import type { Bench, Measurement } from "./measure.ts";

const PER_BLOCK = 1_000;
const BLOCKS_PER_REPEAT = 3;

/**
 * What one transaction costs one node, by stage, with the synced commits. Everything runs in this
 * process on one core but for the bulk check of signatures, which uses the thread pool. Says nothing
 * about the network or about four nodes that share two cores.
 */
export const bench: Bench = {
  name: "one CreateRepository transaction on one node",
  async run({ repeats, say }) {
    const stages = new Map<string, number[]>();
    // A long interval, so that a block has time for all of them.
    const genesis = testGenesis({
      blockIntervalMs: 2_000,
      leaderTimeoutMs: 3_000,
      certificationTimeoutMs: 4_000,
      maxBlockTransactions: 65_535,
      maxBlockBytes: 4_194_304,
    });
    using directories = new DisposableStack();
    const openChain = () => {
      const { path } = directories.use(temporaryDirectory());
      return directories.use(new TestChain(path, genesis));
    };
    const [proposer, gossiped, stranger] = [openChain(), openChain(), openChain()];
    for (let block = 0; block < repeats * BLOCKS_PER_REPEAT; block += 1) {
      say(`block ${block + 1} of ${repeats * BLOCKS_PER_REPEAT}`);
      await measureBlock({ proposer, gossiped, stranger }, block, stages);
    }
    return [...stages].map(([name, values]): Measurement => ({
      name,
      unit: "µs of processor each",
      values,
      note: `blocks of ${PER_BLOCK}`,
    }));
  },
};

interface Chains {
  readonly proposer: TestChain;
  /** Has every transaction before the block comes. */
  readonly gossiped: TestChain;
  /** Sees them in the block for the first time. */
  readonly stranger: TestChain;
}

async function measureBlock(
  { proposer, gossiped, stranger }: Chains,
  block: number,
  stages: Map<string, number[]>,
): Promise<void> {
  const timed = async <Result>(stage: string, action: () => Result | Promise<Result>) => {
    const before = process.cpuUsage();
    const result = await action();
    const { user, system } = process.cpuUsage(before);
    stages.set(stage, [...(stages.get(stage) ?? []), (user + system) / PER_BLOCK]);
    return result;
  };
  const signed = await timed("sign, by the client", () =>
    Array.from({ length: PER_BLOCK }, (_, i) =>
      proposer.sign("devnet", keys.devnet, createRepository(`owner-${i % 50}`, `r-${block}-${i}`)),
    ),
  );
  await timed("submit: decode, signature, dry run", () => {
    for (const { bytes } of signed) proposer.chain.submit(bytes, "local");
  });
  for (const { bytes } of signed) gossiped.chain.submit(bytes, "peer");
  const proposal = await timed("propose", () => proposer.propose());
  const { context, digest, bytes } = proposal;
  await timed("verify after gossip", async () => {
    gossiped.chain.receive(bytes);
    await gossiped.chain.verify(context, digest);
  });
  await timed("verify with unknown signatures", async () => {
    stranger.chain.receive(bytes);
    await stranger.chain.verify(context, digest);
  });
  await timed("certify", () => gossiped.chain.certify(context, digest));
  await timed("finalize", () => gossiped.finalize(proposal));
  for (const node of [proposer, stranger]) {
    await node.chain.certify(context, digest);
    await node.finalize(proposal);
  }
  const made = proposer.chain.repositories({ offset: 0, limit: 1 }).total;
  if (made !== PER_BLOCK * (block + 1))
    throw new Error(
      `${made} repositories after block ${block + 1}, expected: ${PER_BLOCK} more each`,
    );
}
