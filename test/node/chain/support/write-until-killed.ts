/**
 * Runs a chain of one node until it is killed: every block holds one transaction, and a line goes to
 * the standard output for each that `settled` has answered, and for each block that was certified.
 */
import { createRepository, keys, TestChain } from "./chain.ts";

const [directory = ""] = process.argv.slice(2);
const node = new TestChain(directory);
const say = (line: string) => process.stdout.write(`${line}\n`);
for (let i = 0; ; i++) {
  const { bytes, id } = node.sign("alice", keys.alice, createRepository("alice", `r${i}`));
  node.chain.submit(bytes, "local");
  const settled = node.chain.settled(id, new AbortController().signal);
  const block = await node.propose();
  await node.chain.certify(block.context, block.digest);
  say(`certified ${Buffer.from(block.digest).toString("hex")}`);
  // The next one is certified too before this one is finalized: two are always in flight.
  const next = await node.propose(block.digest);
  await node.chain.certify(next.context, next.digest);
  say(`certified ${Buffer.from(next.digest).toString("hex")}`);
  await node.finalize(block);
  const status = await settled;
  if (status.status === "finalized") say(`finalized ${id} ${status.height}`);
}
