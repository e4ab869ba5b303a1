import { existsSync, readFileSync } from "node:fs";
import { join } from "node:path";
import { type Genesis, parseGenesisText } from "../formats/genesis.ts";
import { keptGenesisPath } from "../operations/load-genesis.ts";
import type { Invocation } from "./command.ts";
import { UsageError } from "./output.ts";

/** Option of the commands that read a data directory. */
export const genesisOption = {
  "genesis-file": {
    type: "string",
    help: "the genesis of the chain; default: the one kept in the data directory",
  },
} as const;

/** @throws UsageError when there is no data directory, GenesisError for a wrong genesis */
export function genesisOf(directory: string, invocation: Invocation): Genesis {
  if (!existsSync(join(directory, "FORMAT")))
    throw new UsageError(`${directory} is no data directory of a node: it has no FORMAT file`);
  const path = invocation.text("genesis-file") ?? keptGenesisPath({ dataDir: directory });
  try {
    return parseGenesisText(readFileSync(path, "utf8"));
  } catch (error) {
    if ((error as NodeJS.ErrnoException).code === undefined) throw error;
    throw new UsageError(`${(error as Error).message}; name the genesis with --genesis-file`);
  }
}
