import { toHex } from "../formats/bytes.ts";
import { publicKeyProblem } from "../formats/ed25519.ts";
import {
  accountKey,
  encodeAccount,
  encodeRepository,
  MAX_ACCOUNT_KEYS,
  REPOSITORY_ID_BYTES,
  repositoryKey,
} from "./entries.ts";
import {
  accountNameProblem,
  branchProblem,
  descriptionProblem,
  repositoryNameProblem,
} from "./names.ts";
import type { Account, TransactionProblem, TransactionProblemCode } from "./ports.ts";
import { type Draft, repositoryIn } from "./state.ts";
import { MAX_LIFETIME_BLOCKS, type Payload, type Transaction } from "./transaction.ts";

type PayloadOf<Kind extends Payload["kind"]> = Extract<Payload, { kind: Kind }>;

/**
 * Transactions of one block that may register a key: checking one takes a millisecond, so this
 * bounds how long a block can keep the validators busy.
 */
export const MAX_KEY_REGISTRATIONS = 64;

export function registersKey({ payload }: Transaction): boolean {
  return payload.kind === "create-account" || payload.kind === "add-key";
}

/**
 * Executes one transaction, all of it or nothing. Depends on the draft, the transaction and the
 * block's time alone, so every node comes to the same result. The signature was checked before.
 *
 * @returns why it is not valid on top of the draft, or undefined when it was executed
 */
export function execute(
  draft: Draft,
  transaction: Transaction,
  timestampMs: number,
): TransactionProblem | undefined {
  const problem =
    admissionProblem(draft, transaction) ?? executePayload(draft, transaction, timestampMs);
  if (problem === undefined) draft.include(transaction.id);
  return problem;
}

/** What keeps a transaction out whatever it does: its chain, age, account or key. */
export function admissionProblem(
  draft: Draft,
  transaction: Transaction,
): TransactionProblem | undefined {
  const { account: name, expiryHeight, payload } = transaction;
  const { height } = draft;
  if (!transaction.ofThisChain)
    return problem("wrong-chain", "the transaction was signed for another chain");
  if (expiryHeight < height)
    return problem("expired", `expired after height ${expiryHeight}, the next height is ${height}`);
  if (expiryHeight > height + MAX_LIFETIME_BLOCKS)
    return problem(
      "invalid-value",
      `got the expiry height ${expiryHeight}, allowed: up to ${height + MAX_LIFETIME_BLOCKS}`,
    );
  if (draft.includes(transaction.id))
    return problem("duplicate", "the transaction is in the chain already");
  const account = draft.account(name);
  const key = toHex(transaction.publicKey);
  if (account === undefined) {
    if (payload.kind === "create-account" && payload.name === name) return undefined;
    return problem("unknown-account", `got the account "${name}", which does not exist`);
  }
  if (payload.kind === "create-account" && payload.name === name)
    return problem("account-exists", `the account "${name}" exists already`);
  if (!account.publicKeys.includes(key))
    return problem("unknown-key", `got the key ${key}, which is not one of the account "${name}"`);
  return undefined;
}

function executePayload(
  draft: Draft,
  transaction: Transaction,
  timestampMs: number,
): TransactionProblem | undefined {
  const { payload } = transaction;
  const actor = draft.account(transaction.account);
  if (payload.kind === "create-account") return createAccount(draft, transaction, actor, payload);
  if (actor === undefined)
    return problem("unknown-account", `got the account "${transaction.account}"`);
  switch (payload.kind) {
    case "add-key":
      return addKey(draft, actor, payload);
    case "remove-key":
      return removeKey(draft, actor, payload);
    case "create-repository":
      return createRepository(draft, actor, payload, transaction.id, timestampMs);
    case "set-repository":
      return setRepository(draft, actor, payload, timestampMs);
  }
}

/** By the new account itself with its own key, or by an account of a devnet. */
function createAccount(
  draft: Draft,
  { account, publicKey }: Transaction,
  actor: Account | undefined,
  payload: PayloadOf<"create-account">,
): TransactionProblem | undefined {
  const { name } = payload;
  const key = toHex(payload.publicKey);
  if (actor === undefined ? account !== name || toHex(publicKey) !== key : actor.role !== "devnet")
    return problem(
      "not-permitted",
      `the account "${name}" is created with its own key, or by an account of a devnet`,
    );
  const nameProblem = accountNameProblem(name);
  if (nameProblem !== undefined) return problem("invalid-name", nameProblem);
  if (draft.account(name) !== undefined)
    return problem("account-exists", `the account "${name}" exists already`);
  const keyProblem = publicKeyProblem(payload.publicKey);
  if (keyProblem !== undefined) return problem("invalid-value", keyProblem);
  store(draft, { name, role: "user", publicKeys: [key] });
  return undefined;
}

function addKey(
  draft: Draft,
  actor: Account,
  { publicKey }: PayloadOf<"add-key">,
): TransactionProblem | undefined {
  const key = toHex(publicKey);
  if (actor.publicKeys.includes(key))
    return problem("key-exists", `the account "${actor.name}" has the key ${key} already`);
  if (actor.publicKeys.length >= MAX_ACCOUNT_KEYS)
    return problem(
      "invalid-value",
      `the account "${actor.name}" has ${MAX_ACCOUNT_KEYS} keys, which is as many as allowed`,
    );
  const keyProblem = publicKeyProblem(publicKey);
  if (keyProblem !== undefined) return problem("invalid-value", keyProblem);
  store(draft, { ...actor, publicKeys: [...actor.publicKeys, key] });
  return undefined;
}

function removeKey(
  draft: Draft,
  actor: Account,
  { publicKey }: PayloadOf<"remove-key">,
): TransactionProblem | undefined {
  const key = toHex(publicKey);
  if (!actor.publicKeys.includes(key))
    return problem("unknown-key", `the account "${actor.name}" does not have the key ${key}`);
  if (actor.publicKeys.length === 1)
    return problem("last-key", `the account "${actor.name}" would be left without a key`);
  store(draft, { ...actor, publicKeys: actor.publicKeys.filter((other) => other !== key) });
  return undefined;
}

function createRepository(
  draft: Draft,
  actor: Account,
  payload: PayloadOf<"create-repository">,
  id: string,
  timestampMs: number,
): TransactionProblem | undefined {
  const { owner, name, description, objectFormat, defaultBranch } = payload;
  const denied = ownerProblem(actor, owner);
  if (denied !== undefined) return denied;
  // An account of the genesis may have a longer name than others can get.
  const ownerName = draft.account(owner) === undefined ? accountNameProblem(owner) : undefined;
  const nameProblem = ownerName ?? repositoryNameProblem(name);
  if (nameProblem !== undefined) return problem("invalid-name", nameProblem);
  const textProblem = descriptionProblem(description) ?? branchProblem(defaultBranch);
  if (textProblem !== undefined) return problem("invalid-value", textProblem);
  const key = repositoryKey(owner, name);
  if (draft.get(key) !== undefined)
    return problem("repository-exists", `the repository "${owner}/${name}" exists already`);
  const repository = {
    id: id.slice(0, REPOSITORY_ID_BYTES * 2),
    owner,
    name,
    description,
    private: payload.private,
    objectFormat,
    defaultBranch,
    createdAtMs: timestampMs,
    updatedAtMs: timestampMs,
    createdHeight: draft.height,
  };
  draft.set(key, encodeRepository(repository));
  return undefined;
}

function setRepository(
  draft: Draft,
  actor: Account,
  payload: PayloadOf<"set-repository">,
  timestampMs: number,
): TransactionProblem | undefined {
  const { owner, name } = payload;
  const denied = ownerProblem(actor, owner);
  if (denied !== undefined) return denied;
  const key = repositoryKey(owner, name);
  const repository = repositoryIn(draft.get(key));
  if (repository === undefined)
    return problem("repository-not-found", `got "${owner}/${name}", which does not exist`);
  const {
    description = repository.description,
    private: isPrivate = repository.private,
    defaultBranch = repository.defaultBranch,
  } = payload;
  const textProblem = descriptionProblem(description) ?? branchProblem(defaultBranch);
  if (textProblem !== undefined) return problem("invalid-value", textProblem);
  const changed = { ...repository, description, private: isPrivate, defaultBranch };
  draft.set(key, encodeRepository({ ...changed, updatedAtMs: timestampMs }));
  return undefined;
}

function ownerProblem(actor: Account, owner: string): TransactionProblem | undefined {
  if (actor.role === "devnet" || actor.name === owner) return undefined;
  return problem(
    "not-permitted",
    `the account "${actor.name}" may not write for the owner "${owner}"`,
  );
}

function store(draft: Draft, account: Account): void {
  draft.set(accountKey(account.name), encodeAccount(account));
}

export function problem(code: TransactionProblemCode, detail: string): TransactionProblem {
  return { code, detail };
}
