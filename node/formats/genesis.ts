import { type Static, Type } from "@sinclair/typebox";
import { Value } from "@sinclair/typebox/value";
import canonicalize from "canonicalize";
import { fromHex, sha256, toHex } from "./bytes.ts";
import { PUBLIC_KEY_BYTES, publicKeyProblem } from "./ed25519.ts";

const closed = { additionalProperties: false };
const publicKey = Type.String({ pattern: "^[0-9a-f]{64}$" });
const name = Type.String({ pattern: "^[a-z0-9]([a-z0-9-]{0,61}[a-z0-9])?$" });
const milliseconds = (minimum: number) => Type.Integer({ minimum, maximum: 600_000 });

/** The genesis file: what every node of a chain must agree on before the first block. */
export const genesisSchema = Type.Object(
  {
    /** Version of this file format. */
    format: Type.Literal(1),
    chainId: name,
    purpose: Type.Union([Type.Literal("devnet"), Type.Literal("testnet"), Type.Literal("mainnet")]),
    /** 0 on a devnet, 1 on testnets and mainnets. */
    protocolVersion: Type.Union([Type.Literal(0), Type.Literal(1)]),
    consensus: Type.Object(
      {
        /** Smallest time between the timestamps of two blocks. */
        blockIntervalMs: milliseconds(50),
        /** A view without a proposal is given up after this time; longer than the block interval. */
        leaderTimeoutMs: milliseconds(100),
        /** A view without a certified block is given up after this time. */
        certificationTimeoutMs: milliseconds(150),
        /** Time between two sendings of the same nullify vote. */
        nullifyRetryMs: milliseconds(100),
        maxBlockBytes: Type.Integer({ minimum: 65_536, maximum: 4_194_304 }),
        maxBlockTransactions: Type.Integer({ minimum: 1, maximum: 65_535 }),
      },
      closed,
    ),
    /** In any order; consensus sorts them by public key. */
    validators: Type.Array(
      Type.Object(
        {
          name,
          publicKey,
          /** All weights are equal. */
          weight: Type.Literal(1),
          /** Multiaddr without peer id, such as /ip4/203.0.113.7/tcp/9000. */
          p2pAddress: Type.Optional(Type.String({ maxLength: 256 })),
        },
        closed,
      ),
      { minItems: 1, maxItems: 100 },
    ),
    /** Accounts that exist from the start. */
    accounts: Type.Array(
      Type.Object(
        {
          name,
          publicKeys: Type.Array(publicKey, { minItems: 1, maxItems: 16 }),
          /** A devnet account may write for every owner; only a devnet may have one. */
          role: Type.Union([Type.Literal("user"), Type.Literal("devnet")]),
        },
        closed,
      ),
      { maxItems: 1000 },
    ),
  },
  closed,
);

export type Genesis = Static<typeof genesisSchema>;

/** A mistake in a genesis: where it is and what is wrong with it. */
export interface GenesisProblem {
  readonly path: string;
  readonly reason: string;
}

export class GenesisError extends Error {
  override readonly name = "GenesisError";
  readonly problems: readonly GenesisProblem[];
  constructor(problems: readonly GenesisProblem[]) {
    super(problems.map(({ path, reason }) => `${path}: ${reason}`).join("\n"));
    this.problems = problems;
  }
}

/** Everything that is wrong with a value that should be a genesis. */
export function genesisProblems(value: unknown): GenesisProblem[] {
  const shape = [...Value.Errors(genesisSchema, value)].map(({ path, message, value: got }) => ({
    path: path || "/",
    reason: `got ${JSON.stringify(got)?.slice(0, 80)}: ${message.toLowerCase()}`,
  }));
  if (shape.length > 0) return shape;
  return meaningProblems(value as Genesis);
}

function meaningProblems(genesis: Genesis): GenesisProblem[] {
  const problems: GenesisProblem[] = [];
  const add = (path: string, reason: string) => problems.push({ path, reason });
  const { consensus, validators, accounts, purpose, protocolVersion } = genesis;
  const version = purpose === "devnet" ? 0 : 1;
  if (protocolVersion !== version)
    add("/protocolVersion", `got ${protocolVersion}, allowed on a ${purpose}: ${version}`);
  if (validators.length === 1 ? purpose !== "devnet" : validators.length < 4)
    add("/validators", `got ${validators.length}, allowed: 4 to 100, or 1 on a devnet`);
  if (consensus.leaderTimeoutMs <= consensus.blockIntervalMs)
    add(
      "/consensus/leaderTimeoutMs",
      `got ${consensus.leaderTimeoutMs}, allowed: more than blockIntervalMs`,
    );
  if (consensus.certificationTimeoutMs <= consensus.leaderTimeoutMs)
    add(
      "/consensus/certificationTimeoutMs",
      `got ${consensus.certificationTimeoutMs}, allowed: more than leaderTimeoutMs`,
    );
  const names = new Map<string, string>();
  const keys = new Map<string, string>();
  const once = (seen: Map<string, string>, path: string, value: string) => {
    const first = seen.get(value);
    if (first !== undefined) add(path, `got "${value}", as in ${first}`);
    else seen.set(value, path);
  };
  const checkKey = (path: string, key: string) => {
    once(keys, path, key);
    const problem = publicKeyProblem(fromHex(key, PUBLIC_KEY_BYTES));
    if (problem !== undefined) add(path, problem);
  };
  for (const [i, validator] of validators.entries()) {
    once(names, `/validators/${i}/name`, validator.name);
    checkKey(`/validators/${i}/publicKey`, validator.publicKey);
  }
  const accountNames = new Map<string, string>();
  for (const [i, account] of accounts.entries()) {
    once(accountNames, `/accounts/${i}/name`, account.name);
    if (account.role === "devnet" && purpose !== "devnet")
      add(`/accounts/${i}/role`, `got "devnet", allowed on a ${purpose}: user`);
    for (const [j, key] of account.publicKeys.entries())
      checkKey(`/accounts/${i}/publicKeys/${j}`, key);
  }
  return problems;
}

/** @throws GenesisError with every problem */
export function parseGenesis(value: unknown): Genesis {
  const problems = genesisProblems(value);
  if (problems.length > 0) throw new GenesisError(problems);
  return value as Genesis;
}

/** The text of a genesis file. @throws GenesisError also when the text is no JSON */
export function parseGenesisText(text: string): Genesis {
  let value: unknown;
  try {
    value = JSON.parse(text);
  } catch (error) {
    throw new GenesisError([{ path: "/", reason: `not JSON: ${(error as Error).message}` }]);
  }
  return parseGenesis(value);
}

/** Canonical JSON, RFC 8785: the same genesis is the same bytes everywhere. */
export function encodeGenesis(genesis: Genesis): string {
  return canonicalize(genesis) as string;
}

/** SHA-256 of the canonical JSON, in hexadecimal: the identity of the chain. */
export function genesisHash(genesis: Genesis): string {
  return toHex(sha256(encodeGenesis(genesis)));
}
