import { type Static, Type } from "@sinclair/typebox";
import { contract } from "../contract.ts";

const inputs = {
  network: Type.String({
    pattern: "^[A-Za-z0-9][A-Za-z0-9._/-]{0,200}$",
    description:
      "Whose the key is, for example project and stack: `guts/local`. An existing key is adopted only if it was made for the same network.",
  }),
  keyId: Type.String({
    pattern: "^[a-z0-9]([a-z0-9-]{0,61}[a-z0-9])?$",
    description: "Name of the key in its vault, for example the id of the node that signs with it.",
  }),
  vault: Type.String({
    pattern: "^file:[A-Za-z0-9._/-]+$",
    description:
      "Where the private key is kept: `file:` and a directory relative to the home of the provider, such as `file:local/keys`. It cannot change: a key in another vault would be another validator.",
  }),
  forget: Type.Optional(
    Type.Boolean({
      description:
        "Destroy the private key when this resource is deleted. @default false - the key stays in the vault and is adopted again",
    }),
  ),
};

const state = Type.Object({
  ...inputs,
  publicKey: Type.String({ description: "Ed25519 public key, 64 hexadecimal digits." }),
  peerId: Type.String({ description: "The libp2p peer id of the public key." }),
  reference: Type.String({
    description: "The private key in its vault, such as `file:local/keys/local-validator-1.key`.",
  }),
  status: Type.Union([Type.Literal("present"), Type.Literal("missing"), Type.Literal("changed")], {
    description: "Whether the vault still holds this key.",
  }),
});

/** `file:` and the directory of a vault: the only kind of vault so far. */
export const FILE_VAULT = "file:";

export const validatorKeyContract = contract({
  token: "guts:index:ValidatorKey",
  description:
    "The Ed25519 key with which a node votes and is known to its peers. It is made inside the provider and written straight to the vault: the state holds the public half only.",
  inputs: Type.Object(inputs, { additionalProperties: false }),
  state,
});

export const accountKeyContract = contract({
  token: "guts:index:AccountKey",
  description:
    "The Ed25519 key of an account of the chain, such as the account that signs for local clients of a devnet. Kept like a ValidatorKey.",
  inputs: Type.Object(inputs, { additionalProperties: false }),
  state,
});

export type KeyInputs = Static<typeof validatorKeyContract.inputs>;
export type KeyState = Static<typeof state>;
