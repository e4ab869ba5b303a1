import { type Static, Type } from "@sinclair/typebox";

/** `release.json` at the root of a release: what it is and what it was made from. */
export const releaseSchema = Type.Object(
  {
    format: Type.Literal(1),
    name: Type.Literal("guts-node"),
    /** Version of the node, as in `guts-node version`. */
    version: Type.String(),
    platform: Type.Union([
      Type.Literal("linux-x64"),
      Type.Literal("linux-arm64"),
      Type.Literal("darwin-x64"),
      Type.Literal("darwin-arm64"),
    ]),
    /** Version of the Node.js runtime in `bin/node`. */
    nodeVersion: Type.String(),
    /** SHA-256 of every file but this one, by path, in hexadecimal. */
    files: Type.Record(Type.String(), Type.String({ pattern: "^[0-9a-f]{64}$" })),
  },
  { additionalProperties: false },
);

export type Release = Static<typeof releaseSchema>;

/** Version of the node, protocol and data format that this source tree is. */
export const nodeVersion = { node: "0.1.0", protocol: 0, dataFormat: 1 } as const;
