import { type Static, Type } from "@sinclair/typebox";
import { contract } from "../contract.ts";

const node = Type.Object(
  {
    name: Type.String({ description: "Id of the node; of a validator, its name in the genesis." }),
    role: Type.Union([Type.Literal("validator"), Type.Literal("full")]),
    apiUrl: Type.String({ description: "Base URL of its public API." }),
    incarnation: Type.String({
      description: "Differs for every process the node ran as; a restart calls for a new verdict.",
    }),
  },
  { additionalProperties: false },
);

const inputs = {
  genesisHash: Type.String({
    pattern: "^[0-9a-f]{64}$",
    description: "The chain all nodes must be of.",
  }),
  nodes: Type.Array(node, { minItems: 1, description: "Every node of the network." }),
  limitSeconds: Type.Integer({
    minimum: 1,
    maximum: 86_400,
    description: "Time until a network that does not finalize has failed.",
  }),
};

export const verdictContract = contract({
  token: "guts:index:Verdict",
  description:
    "Watches the network until every node has the same genesis, every validator is connected, and all show the same block at the same finalized height that moves. Fails, with what every node showed, when that is not so within the limit.",
  inputs: Type.Object(inputs, { additionalProperties: false }),
  state: Type.Object({
    ...inputs,
    height: Type.Integer({ description: "The finalized height all nodes had." }),
    blockId: Type.String({ description: "Id of the block at that height, the same on all nodes." }),
    seen: Type.Array(
      Type.Object({ name: Type.String(), height: Type.Integer(), peers: Type.Integer() }),
      { description: "What each node showed." },
    ),
    durationMs: Type.Integer({ description: "Time from the first question to the verdict." }),
    healthy: Type.Boolean({ description: "Whether the last look found the network well." }),
    findings: Type.Array(Type.String(), {
      description: "What the last look found when it was not well, a line per node.",
    }),
  }),
});

export type VerdictInputs = Static<typeof verdictContract.inputs>;
export type VerdictState = Static<typeof verdictContract.state>;
