import { mkdtempSync, rmSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { type Chain, openChain } from "../chain/chain.ts";
import { FinalizationVerifier } from "../consensus/certificates.ts";
import { toHex } from "../formats/bytes.ts";
import type { Genesis } from "../formats/genesis.ts";
import { exitCodes } from "../operations/exit.ts";
import { ChainStore } from "../storage/chain-store.ts";
import { lockDirectory } from "../storage/lock.ts";
import { chainMigrations } from "../storage/schema.ts";
import { SyncedDatabase } from "../storage/sqlite.ts";
import { type Command, operand } from "./command.ts";
import { genesisOf, genesisOption } from "./data-directory.ts";

const REPORT_EVERY = 10_000;

export const verify: Command = {
  name: "verify",
  operands: "<data-dir>",
  summary:
    "check every block, certificate and state root of a stopped node from genesis on; exit 3 when one is wrong",
  options: genesisOption,
  examples: ["guts-node verify /var/lib/guts"],
  async run(invocation) {
    const directory = operand(verify, invocation);
    const genesis = genesisOf(directory, invocation);
    using _lock = lockDirectory(directory);
    using stored = openStored(join(directory, "chain.db"), genesis);
    using replayed = openEmpty(genesis);
    const verifier = new FinalizationVerifier(
      genesis.validators.map(({ publicKey }) => publicKey),
      stored.chain.genesisHash,
    );
    const { height } = stored.chain.tip();
    const problem = await replay(stored.chain, replayed.chain, verifier, (at) =>
      invocation.output.complain(`block ${at} of ${height}`),
    );
    if (problem !== undefined) {
      invocation.output.complain(`guts-node: ${directory}: ${problem}`);
      return exitCodes.dataDirectory;
    }
    const { digest, stateRoot } = stored.chain.tip();
    invocation.output.print(
      `${height} blocks are valid\nlast block  ${digest}\nstate root  ${stateRoot}`,
    );
    return 0;
  },
};

/** Executes all stored blocks again; the first thing that is wrong, if any. */
async function replay(
  stored: Chain,
  replayed: Chain,
  verifier: FinalizationVerifier,
  report: (height: number) => void,
): Promise<string | undefined> {
  const { height: last } = stored.tip();
  /** Blocks that a certificate of an ancestor speaks of and that have to come. */
  const promised = new Set<string>();
  for (let height = 1; height <= last; height += 1) {
    const block = stored.readFinalized(height);
    const summary = stored.block(height);
    if (!block || !summary) return `block ${height} is missing`;
    try {
      const certified = toHex(verifier.verify(block.certificate).payload);
      if (certified !== toHex(block.certifies))
        return `block ${height}: its certificate is for ${certified}`;
      promised.add(certified);
      await replayed.finalize(block);
    } catch (error) {
      return `block ${height}: ${(error as Error).message}`;
    }
    const again = replayed.tip();
    if (again.digest !== summary.digest)
      return `block ${height}: its bytes have the digest ${again.digest}, stored: ${summary.digest}`;
    if (again.stateRoot !== summary.stateRoot)
      return `block ${height}: executed again it gives the state root ${again.stateRoot}, stored: ${summary.stateRoot}`;
    promised.delete(again.digest);
    if (height % REPORT_EVERY === 0) report(height);
  }
  const [missing] = promised;
  return missing && `a certificate is for the block ${missing}, which is not there`;
}

function openStored(path: string, genesis: Genesis) {
  const database = new SyncedDatabase(path, { migrations: chainMigrations, checkIntegrity: true });
  return withDatabase(database, genesis, () => undefined);
}

/** A chain of its own in a temporary directory. */
function openEmpty(genesis: Genesis) {
  const directory = mkdtempSync(join(tmpdir(), "guts-verify-"));
  const database = new SyncedDatabase(join(directory, "chain.db"), { migrations: chainMigrations });
  // Nothing of it has to survive.
  database.connection.pragma("synchronous = OFF");
  return withDatabase(database, genesis, () => rmSync(directory, { recursive: true }));
}

function withDatabase(database: SyncedDatabase, genesis: Genesis, after: () => void) {
  const close = () => {
    database.close();
    after();
  };
  try {
    const chain = openChain({ genesis, store: new ChainStore(database) });
    return { chain, [Symbol.dispose]: close };
  } catch (error) {
    close();
    throw error;
  }
}
