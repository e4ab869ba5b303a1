import { readFileSync, writeFileSync } from "node:fs";
import { parseSetting, type SettingDefinition } from "../formats/configuration.ts";
import {
  encodeGenesis,
  type Genesis,
  genesisHash,
  parseGenesis,
  parseGenesisText,
} from "../formats/genesis.ts";
import { joinProblem } from "../operations/load-genesis.ts";
import { type Command, type Invocation, operand } from "./command.ts";
import { textTable, UsageError } from "./output.ts";

const blockTime: SettingDefinition = {
  name: "block-time",
  type: "duration",
  group: "chain",
  minimum: 50,
  maximum: 60_000,
  help: "",
  example: "2s",
};
/** Beyond the block interval, time for a proposal to travel: on one machine, or around the world. */
const PATIENCE_MS = { devnet: 500, testnet: 1000, mainnet: 1000 } as const;

const create: Command = {
  name: "genesis create",
  operands: "",
  summary: "write the genesis file of a new chain",
  options: {
    "chain-id": { type: "string", help: "name of the chain" },
    purpose: { type: "string", default: "devnet", help: "devnet, testnet or mainnet" },
    validator: {
      type: "string",
      multiple: true,
      help: "<name>=<public key>[@<multiaddr>]; repeatable",
    },
    account: {
      type: "string",
      multiple: true,
      help: "<name>=<public key>[:devnet]; repeatable; a devnet account may write for every owner",
    },
    "block-time": { type: "string", default: "2s", help: "smallest time between two blocks" },
    output: { type: "string", default: "genesis.json", help: "the file to write" },
  },
  examples: [
    "guts-node genesis create --chain-id my-devnet --validator v1=<public key> --account dev=<public key>:devnet",
  ],
  run(invocation) {
    const genesis = parseGenesis(describe(invocation));
    const path = invocation.required("output");
    try {
      writeFileSync(path, `${encodeGenesis(genesis)}\n`, { flag: "wx" });
    } catch (error) {
      throw new UsageError(`cannot write ${path}: ${(error as Error).message}`);
    }
    invocation.output.print(`${path}\n${genesisHash(genesis)}`);
    return 0;
  },
};

function describe(invocation: Invocation): Genesis {
  const purpose = invocation.required("purpose") as Genesis["purpose"];
  const interval = parseSetting(blockTime, invocation.required("block-time"));
  if ("problem" in interval) throw new UsageError(`--block-time: ${interval.problem}`);
  const blockIntervalMs = interval.value as number;
  const patience = PATIENCE_MS[purpose] ?? PATIENCE_MS.mainnet;
  return {
    format: 1,
    chainId: invocation.required("chain-id"),
    purpose,
    protocolVersion: purpose === "devnet" ? 0 : 1,
    consensus: {
      blockIntervalMs,
      leaderTimeoutMs: blockIntervalMs + patience,
      certificationTimeoutMs: blockIntervalMs + 2 * patience,
      nullifyRetryMs: 1000,
      maxBlockBytes: 1_048_576,
      maxBlockTransactions: 4096,
    },
    validators: invocation.list("validator").map((text) => {
      const { name, publicKey, rest } = named(text, "validator", "@");
      return { name, publicKey, weight: 1, ...(rest && { p2pAddress: rest }) };
    }),
    accounts: invocation.list("account").map((text) => {
      const { name, publicKey, rest = "user" } = named(text, "account", ":");
      return { name, publicKeys: [publicKey], role: rest as "user" | "devnet" };
    }),
  };
}

/** `<name>=<public key>`, and what follows behind the separator. */
function named(text: string, option: string, separator: string) {
  const [head = "", ...tail] = text.split(separator);
  const [name, publicKey, ...more] = head.split("=");
  if (!name || !publicKey || more.length > 0)
    throw new UsageError(`--${option}: got "${text}", allowed: <name>=<public key>`);
  return { name, publicKey, rest: tail.length > 0 ? tail.join(separator) : undefined };
}

const show: Command = {
  name: "genesis show",
  operands: "<file>",
  summary: "check a genesis file and print what it says",
  options: { json: { type: "boolean", help: "print canonical JSON" } },
  examples: ["guts-node genesis show genesis.json"],
  run(invocation) {
    const genesis = read(operand(show, invocation));
    invocation.output.print(invocation.given("json") ? encodeGenesis(genesis) : summary(genesis));
    return 0;
  },
};

function summary(genesis: Genesis): string {
  const { consensus, validators, accounts } = genesis;
  const head = textTable([
    ["chain", `${genesis.chainId}, ${genesis.purpose}, protocol ${genesis.protocolVersion}`],
    ["hash", genesisHash(genesis)],
    ["block interval", `${consensus.blockIntervalMs} ms`],
    ["this node", joinProblem(genesis) ?? "may join"],
  ]);
  const voters = textTable([
    ["VALIDATOR", "PUBLIC KEY", "ADDRESS"],
    ...validators.map(({ name, publicKey, p2pAddress }) => [name, publicKey, p2pAddress ?? ""]),
  ]);
  const users = textTable([
    ["ACCOUNT", "ROLE", "PUBLIC KEYS"],
    ...accounts.map(({ name, role, publicKeys }) => [name, role, publicKeys.join(" ")]),
  ]);
  return accounts.length > 0 ? `${head}\n\n${voters}\n\n${users}` : `${head}\n\n${voters}`;
}

const hash: Command = {
  name: "genesis hash",
  operands: "<file>",
  summary: "print the hash that identifies a chain",
  options: {},
  examples: ["guts-node genesis hash genesis.json"],
  run(invocation) {
    invocation.output.print(genesisHash(read(operand(hash, invocation))));
    return 0;
  },
};

function read(path: string): Genesis {
  let text: string;
  try {
    text = readFileSync(path, "utf8");
  } catch (error) {
    throw new UsageError((error as Error).message);
  }
  return parseGenesisText(text);
}

export const genesisCommands: readonly Command[] = [create, show, hash];
