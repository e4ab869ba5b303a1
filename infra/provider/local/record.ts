import { join } from "node:path";
import { type Static, Type } from "@sinclair/typebox";
import { Value } from "@sinclair/typebox/value";
import { readText, writeAtomically } from "../files.ts";
import { findByArgument, isAlive, type ProcessIdentity } from "./processes.ts";
import { RECORD_FILE } from "./releases.ts";

/** Name of a node's configuration in its directory; its absolute path marks the node's process. */
export const CONFIGURATION_FILE = "node.yaml";

const recordSchema = Type.Object({
  format: Type.Literal(1),
  /** SHA-256 of the release that was started last. */
  release: Type.String({ pattern: "^[0-9a-f]{64}$" }),
  /** Hash of the files it was started with. */
  files: Type.String(),
  genesisHash: Type.String(),
  /** Absent from just before the start until the process is known. */
  process: Type.Optional(Type.Object({ pid: Type.Integer(), startedAt: Type.String() })),
});

/** What was started last in a directory. */
export type NodeRecord = Static<typeof recordSchema>;

export async function readRecord(directory: string): Promise<NodeRecord | undefined> {
  const text = await readText(join(directory, RECORD_FILE));
  if (text === undefined) return undefined;
  try {
    const value: unknown = JSON.parse(text);
    return Value.Check(recordSchema, value) ? value : undefined;
  } catch {
    return undefined; // a record is a convenience: the process table decides
  }
}

export function writeRecord(directory: string, record: NodeRecord): Promise<void> {
  return writeAtomically(join(directory, RECORD_FILE), `${JSON.stringify(record)}\n`);
}

/**
 * The node's process in this directory: the recorded one if it lives, else one that was started here
 * and not recorded, because its starter was killed in between.
 */
export async function findProcess(directory: string): Promise<ProcessIdentity | undefined> {
  const record = await readRecord(directory);
  if (record?.process !== undefined && (await isAlive(record.process))) return record.process;
  const [found] = await findByArgument(join(directory, CONFIGURATION_FILE));
  return found;
}
