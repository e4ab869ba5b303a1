import { type Static, Type } from "@sinclair/typebox";
import { genesisSchema } from "../../../node/formats/genesis.ts";
import { contract } from "../contract.ts";
import { RELATIVE_PATH } from "../files.ts";

const { format: _format, ...fields } = genesisSchema.properties;

const inputs = {
  ...fields,
  file: Type.String({
    pattern: RELATIVE_PATH,
    description: "Where the genesis file is written, relative to the home of the provider.",
  }),
  reset: Type.Optional(
    Type.Boolean({
      description:
        "Allow a changed genesis, which starts a new chain from height 0. @default false - a change is refused",
    }),
  ),
  forget: Type.Optional(
    Type.Boolean({
      description:
        "Delete the file when this resource is deleted. @default false - the file stays, and the network goes on with it when it is brought up again",
    }),
  ),
};

export const genesisContract = contract({
  token: "guts:index:Genesis",
  description:
    "The genesis of a chain as canonical JSON (RFC 8785) and its SHA-256. It never changes: another genesis is another chain.",
  inputs: Type.Object(inputs, { additionalProperties: false }),
  state: Type.Object({
    ...inputs,
    hash: Type.String({
      description: "SHA-256 of the canonical JSON in hexadecimal: the identity of the chain.",
    }),
    content: Type.String({ description: "The canonical JSON." }),
    intact: Type.Boolean({
      description: "Whether the file held this genesis when last looked at.",
    }),
  }),
});

export type GenesisInputs = Static<typeof genesisContract.inputs>;
export type GenesisState = Static<typeof genesisContract.state>;
