import { BinaryReader, BinaryWriter, DecodeError } from "../formats/binary.ts";
import { fromHex, toHex } from "../formats/bytes.ts";
import { PUBLIC_KEY_BYTES } from "../formats/ed25519.ts";
import {
  ACCOUNT_NAME_BYTES,
  BRANCH_BYTES,
  DESCRIPTION_BYTES,
  REPOSITORY_NAME_BYTES,
} from "./names.ts";
import type { Account, Repository } from "./ports.ts";

/** Keys and values of the replicated state. */

const VERSION = 1;
/** First characters of keys. */
const ACCOUNT = "\u0001";
const REPOSITORY = "\u0002";
const roles = ["user", "devnet"] as const;
const objectFormats = ["sha1", "sha256"] as const;

/** Keys one account may have. */
export const MAX_ACCOUNT_KEYS = 16;
/** A repository's id: the head of the id of the transaction that made it. */
export const REPOSITORY_ID_BYTES = 16;

export function accountKey(name: string): Uint8Array {
  return Buffer.from(`${ACCOUNT}${name}`);
}

/** Names that differ in case only are one repository, as people expect of git hosting. */
export function repositoryKey(owner: string, name: string): Uint8Array {
  return Buffer.from(`${REPOSITORY}${owner}/${name.toLowerCase()}`);
}

/** All keys of repositories, or of one owner's: from the first to before the second. */
export function repositoryRange(owner?: string): readonly [from: Uint8Array, to: Uint8Array] {
  const head = owner === undefined ? REPOSITORY : `${REPOSITORY}${owner}/`;
  const from = Buffer.from(head);
  const to = Buffer.from(head);
  to[to.length - 1] = (to[to.length - 1] as number) + 1;
  return [from, to];
}

/** The owner in the key of a repository; undefined for the key of something else. */
export function ownerInKey(key: Uint8Array): string | undefined {
  if (key[0] !== REPOSITORY.charCodeAt(0)) return undefined;
  return Buffer.from(key.subarray(1, key.indexOf("/".charCodeAt(0)))).toString();
}

/** Version u8, role u8, name, number of keys u8, keys in ascending order. */
export function encodeAccount({ name, role, publicKeys }: Account): Uint8Array {
  const writer = new BinaryWriter()
    .u8(VERSION)
    .u8(roles.indexOf(role) + 1)
    .text(name)
    .u8(publicKeys.length);
  for (const key of [...publicKeys].sort()) writer.raw(fromHex(key, PUBLIC_KEY_BYTES));
  return writer.finish();
}

/** @throws DecodeError */
export function decodeAccount(value: Uint8Array): Account {
  const reader = openValue(value);
  const role = oneOf(roles, reader.u8());
  const name = reader.text(ACCOUNT_NAME_BYTES);
  const publicKeys = Array.from({ length: reader.u8() }, () => toHex(reader.raw(PUBLIC_KEY_BYTES)));
  reader.finish();
  return { name, role, publicKeys };
}

/** Version u8 and the fields in the order of the code, integers u64. */
export function encodeRepository(repository: Repository): Uint8Array {
  return new BinaryWriter()
    .u8(VERSION)
    .raw(fromHex(repository.id, REPOSITORY_ID_BYTES))
    .text(repository.owner)
    .text(repository.name)
    .text(repository.description)
    .u8(repository.private ? 1 : 0)
    .u8(objectFormats.indexOf(repository.objectFormat) + 1)
    .text(repository.defaultBranch)
    .u64(repository.createdAtMs)
    .u64(repository.updatedAtMs)
    .u64(repository.createdHeight)
    .finish();
}

/** @throws DecodeError */
export function decodeRepository(value: Uint8Array): Repository {
  const reader = openValue(value);
  const repository = {
    id: toHex(reader.raw(REPOSITORY_ID_BYTES)),
    owner: reader.text(ACCOUNT_NAME_BYTES),
    name: reader.text(REPOSITORY_NAME_BYTES),
    description: reader.text(DESCRIPTION_BYTES),
    private: oneOf([false, true], reader.u8() + 1),
    objectFormat: oneOf(objectFormats, reader.u8()),
    defaultBranch: reader.text(BRANCH_BYTES),
    createdAtMs: reader.u64(),
    updatedAtMs: reader.u64(),
    createdHeight: reader.u64(),
  };
  reader.finish();
  return repository;
}

function openValue(value: Uint8Array): BinaryReader {
  const reader = new BinaryReader(value);
  const version = reader.u8();
  if (version !== VERSION) throw new DecodeError(`got value version ${version}, allowed: 1`);
  return reader;
}

/** The choice with a number, counted from 1. */
function oneOf<Choice>(choices: readonly Choice[], number: number): Choice {
  const choice = choices[number - 1];
  if (choice === undefined)
    throw new DecodeError(`got the choice ${number}, allowed: 1 to ${choices.length}`);
  return choice;
}
