import { type Static, Type } from "@sinclair/typebox";
import { releaseSchema } from "../../../node/formats/release.ts";
import { contract } from "../contract.ts";

const inputs = {
  platform: Type.Optional({
    ...releaseSchema.properties.platform,
    description:
      "Platform the release is for. @default the platform of this machine, the only one a release can be built for",
  }),
  source: Type.Optional(
    Type.String({
      pattern: "^[0-9a-f]{64}$",
      description:
        "Hash of what the release is made from. Computed by the provider, so that a change of the sources is seen in a preview; leave it out.",
    }),
  ),
};

export const bundleContract = contract({
  token: "guts:index:Bundle",
  description:
    "A release of the node for one platform: the pinned Node.js runtime, the bundled node and its native addons in one archive, named by its SHA-256. The same sources give the same bytes.",
  inputs: Type.Object(inputs, { additionalProperties: false }),
  state: Type.Object({
    platform: releaseSchema.properties.platform,
    source: Type.String({ description: "Hash of what the release was made from." }),
    sha256: Type.String({ description: "SHA-256 of the archive in hexadecimal." }),
    file: Type.String({ description: "The archive, relative to the home of the provider." }),
    sizeBytes: Type.Integer({ description: "Size of the archive." }),
    version: Type.String({ description: "Version of the node." }),
    nodeVersion: Type.String({ description: "Version of the Node.js runtime." }),
    present: Type.Boolean({ description: "Whether the archive was there when last looked at." }),
  }),
});

export type BundleInputs = Static<typeof bundleContract.inputs>;
export type BundleState = Static<typeof bundleContract.state>;
