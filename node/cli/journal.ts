import { join } from "node:path";
import Database from "better-sqlite3";
import { decodeFact, type DurableFact } from "../consensus/records.ts";
import { toHex } from "../formats/bytes.ts";
import { storageError } from "../storage/errors.ts";
import { type Command, operand } from "./command.ts";
import { genesisOf, genesisOption } from "./data-directory.ts";
import { textTable } from "./output.ts";

interface Position {
  readonly floor: number;
  readonly notarize: number;
  readonly nullify: number;
  readonly finalize: number;
}

const show: Command = {
  name: "journal show",
  operands: "<data-dir>",
  summary: "list the votes and certificates a node keeps; the node may be running",
  options: { ...genesisOption, json: { type: "boolean", help: "print JSON" } },
  examples: ["guts-node journal show /var/lib/guts"],
  run(invocation) {
    const directory = operand(show, invocation);
    const validators = genesisOf(directory, invocation).validators.length;
    const { position, records } = read(join(directory, "consensus.db"));
    const facts = records.map((bytes) => describe(decodeFact(bytes, validators)));
    if (invocation.given("json")) {
      invocation.output.print(JSON.stringify({ ...position, records: facts }));
      return 0;
    }
    const signed = `notarize ${position.notarize}, nullify ${position.nullify}, finalize ${position.finalize}`;
    const rows = facts.map(({ view, fact, block }) => [String(view ?? "-"), fact, block ?? ""]);
    invocation.output.print(
      `floor ${position.floor}; highest view signed: ${signed}\n\n${textTable([["VIEW", "RECORD", "BLOCK"], ...rows])}`,
    );
    return 0;
  },
};

function read(path: string): { position: Position; records: Uint8Array[] } {
  try {
    const database = new Database(path, { readonly: true, fileMustExist: true });
    try {
      const position = database.prepare<[], Position>("SELECT * FROM position").get() as Position;
      const { floor, notarize, nullify, finalize } = position;
      const rows = database
        .prepare<[], { bytes: Uint8Array }>("SELECT bytes FROM records ORDER BY sequence")
        .all();
      return {
        position: { floor, notarize, nullify, finalize },
        records: rows.map(({ bytes }) => new Uint8Array(bytes)),
      };
    } finally {
      database.close();
    }
  } catch (error) {
    throw storageError(path, error);
  }
}

function describe(fact: DurableFact): { view?: number; fact: string; block?: string } {
  switch (fact.type) {
    case "own-vote":
      return statement(fact.vote.statement, `own ${fact.vote.statement.kind} vote`);
    case "certificate": {
      const { statement: voted, signers } = fact.certificate;
      return statement(voted, `${voted.kind} certificate, ${signers.length} signatures`);
    }
    case "certified":
      return {
        view: fact.view,
        fact: fact.valid ? "certified" : "found invalid",
        block: toHex(fact.payload),
      };
    case "silent":
      return { fact: "silent, because the journal was lost" };
    case "vote-above":
      return { fact: `may vote above view ${fact.view}` };
  }
}

function statement(
  voted: Extract<DurableFact, { type: "own-vote" }>["vote"]["statement"],
  fact: string,
) {
  if (voted.kind === "nullify") return { view: voted.view, fact };
  return { view: voted.view, fact, block: toHex(voted.proposal.payload) };
}

export const journalCommands: readonly Command[] = [show];
