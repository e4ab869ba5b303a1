/** Executes blocks in this process, another than the test's, and prints the state roots. */
import { readFileSync } from "node:fs";
import { TestChain } from "./chain.ts";

const [directory = "", file = ""] = process.argv.slice(2);
const blocks = JSON.parse(readFileSync(file, "utf8")) as string[];
using node = new TestChain(directory);
for (const text of blocks) {
  const bytes = new Uint8Array(Buffer.from(text, "base64"));
  const digest = node.chain.receive(bytes);
  if (digest === undefined) throw new Error("not a block of this chain");
  await node.finalize({ digest, bytes });
  process.stdout.write(`${node.chain.tip().stateRoot}\n`);
}
