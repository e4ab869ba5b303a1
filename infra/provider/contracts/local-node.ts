import { type Static, Type } from "@sinclair/typebox";
import { contract } from "../contract.ts";
import { RELATIVE_PATH } from "../files.ts";

const hash = (description: string) => Type.String({ pattern: "^[0-9a-f]{64}$", description });
const address = (description: string) =>
  Type.String({ pattern: "^.+:[0-9]{1,5}$", description: `${description}, as host:port.` });

const inputs = {
  directory: Type.String({
    pattern: RELATIVE_PATH,
    description:
      "Directory of the node, relative to the home of the provider. It cannot change: the chain, the votes and the log live there.",
  }),
  release: hash("SHA-256 of the release to run, see Bundle."),
  genesisHash: hash(
    "Hash of the genesis. With another one the data of the old chain is moved aside, not deleted.",
  ),
  files: Type.Array(
    Type.Object(
      {
        path: Type.String({ pattern: RELATIVE_PATH, description: "Below the node's directory." }),
        content: Type.String(),
        mode: Type.String({ pattern: "^0[0-7]{3}$", description: "Permissions in octal." }),
      },
      { additionalProperties: false },
    ),
    { description: "Files the node is given, its configuration node.yaml among them." },
  ),
  dataDirectory: Type.String({
    pattern: RELATIVE_PATH,
    default: "data",
    description: "Where its configuration keeps the data, below the node's directory.",
  }),
  apiAddr: address("Where its configuration has the public API"),
  internalAddr: address("Where its configuration has metrics and health"),
  p2pAddr: address("Where its configuration has peers, TCP and UDP"),
  startTimeoutSeconds: Type.Integer({
    minimum: 1,
    maximum: 3600,
    default: 60,
    description: "Time until a node that does not answer has failed.",
  }),
  stopTimeoutSeconds: Type.Integer({
    minimum: 1,
    maximum: 3600,
    default: 20,
    description: "Time for a clean stop; after it the process is killed.",
  }),
  purge: Type.Optional(
    Type.Boolean({
      description:
        "Delete the directory with all data when this resource is deleted. @default false - the node stops and its data stays",
    }),
  ),
};

export const localNodeContract = contract({
  token: "guts:index:LocalNode",
  description:
    "A node as a process on this machine. It outlives the engine; a refresh sees that it died or that its files changed; a new release or configuration is a restart, one node at a time while the network finalizes.",
  inputs: Type.Object(inputs, { additionalProperties: false }),
  state: Type.Object({
    ...inputs,
    apiUrl: Type.String({ description: "Base URL of the public API." }),
    internalUrl: Type.String({ description: "Base URL of metrics and health." }),
    p2pAddress: Type.String({ description: "Multiaddr for peers, without peer id." }),
    logFile: Type.String({ description: "Its log, relative to the home of the provider." }),
    pid: Type.Integer({ description: "Process id." }),
    incarnation: Type.String({ description: "Differs for every process that ran here." }),
    status: Type.Union([Type.Literal("running"), Type.Literal("stopped")], {
      description: "What the last look showed.",
    }),
    runningRelease: Type.String({ description: "The release that was started last." }),
    filesHash: Type.String({ description: "Hash of the files as they are on disk." }),
  }),
});

export type LocalNodeInputs = Static<typeof localNodeContract.inputs>;
export type LocalNodeState = Static<typeof localNodeContract.state>;
