import type { Contract } from "./contract.ts";
import { bundleContract } from "./contracts/bundle.ts";
import { genesisContract } from "./contracts/genesis.ts";
import { accountKeyContract, validatorKeyContract } from "./contracts/key.ts";
import { localNodeContract } from "./contracts/local-node.ts";
import { verdictContract } from "./contracts/verdict.ts";
import { ProviderError } from "./errors.ts";
import type { Handler } from "./handler.ts";

interface Entry {
  readonly contract: Contract;
  /** Loaded at first use: a bundler or a file system walker costs nothing to those who do not need it. */
  load(): Promise<Handler>;
}

const entries: readonly Entry[] = [
  {
    contract: validatorKeyContract,
    load: async () => widen((await import("./handlers/key.ts")).validatorKeyHandler),
  },
  {
    contract: accountKeyContract,
    load: async () => widen((await import("./handlers/key.ts")).accountKeyHandler),
  },
  {
    contract: genesisContract,
    load: async () => widen((await import("./handlers/genesis.ts")).genesisHandler),
  },
  {
    contract: bundleContract,
    load: async () => widen((await import("./handlers/bundle.ts")).bundleHandler),
  },
  {
    contract: localNodeContract,
    load: async () => widen((await import("./handlers/local-node.ts")).localNodeHandler),
  },
  {
    contract: verdictContract,
    load: async () => widen((await import("./handlers/verdict.ts")).verdictHandler),
  },
];

/** Every resource of the package. */
export const contracts: readonly Contract[] = entries.map((entry) => entry.contract);

/** @throws ProviderError for a token that is not ours */
export function handlerOf(token: string): Promise<Handler> {
  const entry = entries.find(({ contract }) => contract.token === token);
  if (entry === undefined)
    throw new ProviderError(
      `got the resource type ${token}, allowed: ${contracts.map((c) => c.token).join(", ")}`,
    );
  return entry.load();
}

/** Values are checked against the contract before a handler sees them, so the narrow type holds. */
function widen<C extends Contract>(handler: Handler<C>): Handler {
  return handler as unknown as Handler;
}
