import { accountNameProblem, descriptionProblem, repositoryNameProblem } from "../chain/names.ts";
import type { ChainReader, TransactionProblemCode } from "../chain/ports.ts";
import { newBody, signTransaction } from "../chain/transaction.ts";
import { fromHex, toHex } from "../formats/bytes.ts";
import type { SigningKey } from "../formats/ed25519.ts";
import type { Genesis } from "../formats/genesis.ts";
import { ExitError } from "../operations/exit.ts";
import type { OpenWrites } from "./context.ts";
import { ApiError } from "./errors.ts";

/** Blocks after which a write that was not included is given up. */
const LIFETIME_BLOCKS = 100;
const DEFAULT_BRANCH = "main";

/**
 * Writes in the name of the genesis account of role devnet.
 *
 * @throws ExitError when the genesis has no such account with this key
 */
export function createOpenWrites(options: {
  readonly genesis: Genesis;
  readonly chain: Pick<ChainReader, "tip" | "genesisHash">;
  readonly key: SigningKey;
}): OpenWrites {
  const { chain, key } = options;
  const account = devnetAccount(options.genesis, key);
  const genesisHash = fromHex(chain.genesisHash, 32);
  return {
    createRepository(wanted) {
      refuse("invalid-name", "owner", accountNameProblem(wanted.owner));
      refuse("invalid-name", "name", repositoryNameProblem(wanted.name));
      refuse("invalid-value", "description", descriptionProblem(wanted.description));
      const payload = {
        kind: "create-repository",
        ...wanted,
        defaultBranch: DEFAULT_BRANCH,
      } as const;
      const life = { height: chain.tip().height, lifetimeBlocks: LIFETIME_BLOCKS };
      const body = newBody(account, key.publicKey, payload, life);
      return signTransaction(body, key, genesisHash).bytes;
    },
  };
}

/** Before signing, so that a text too long to be encoded is told like any other mistake. */
function refuse(code: TransactionProblemCode, field: string, problem: string | undefined): void {
  if (problem !== undefined) throw new ApiError(code, `${field}: ${problem}`);
}

function devnetAccount(genesis: Genesis, key: SigningKey): string {
  const publicKey = toHex(key.publicKey);
  const account = genesis.accounts.find(
    ({ role, publicKeys }) => role === "devnet" && publicKeys.includes(publicKey),
  );
  if (account) return account.name;
  throw new ExitError(
    "configuration",
    `devnet-account-key-file: its public key ${publicKey} is not the key of a genesis account of role devnet`,
  );
}
