import { type SchemaOptions, type TSchema, Type } from "@sinclair/typebox";

/**
 * What a field of the network description says about itself, beyond plain JSON Schema.
 *
 * A field with `default` may be left out and is filled in. A field that is `Type.Optional` may be left
 * out too, and `x-default` says in words what happens then.
 */
export interface FieldOptions extends SchemaOptions {
  readonly description: string;
  readonly examples: readonly unknown[];
  readonly "x-default"?: string;
}

/** The allowed form of a text; editors show `meaning` when the text has another form. */
interface Form {
  readonly pattern: string;
  readonly meaning: string;
}

export const forms = {
  /** A DNS label, because it becomes a host name, a directory name and a name in the genesis. */
  chainId: {
    pattern: "^[a-z0-9]([a-z0-9-]{0,61}[a-z0-9])?$",
    meaning: "1 to 63 lower-case letters, digits and hyphens, with no hyphen at either end",
  },
  /** Short enough that `<site>-validator-100` is still a DNS label. */
  siteName: {
    pattern: "^[a-z]([a-z0-9-]{0,30}[a-z0-9])?$",
    meaning:
      "1 to 32 lower-case letters, digits and hyphens, starting with a letter, with no hyphen at the end",
  },
  duration: {
    pattern: "^[1-9][0-9]{0,5}(ms|s|m)$",
    meaning: "a duration such as 500ms, 2s or 1m",
  },
  cidr: {
    pattern: "^[0-9a-fA-F.:]+/[0-9]{1,3}$",
    meaning: "an address range such as 203.0.113.0/24 or 2001:db8::/32",
  },
  /** Pulumi hands an unquoted YAML date over with a time of midnight. */
  date: {
    pattern: "^[0-9]{4}-[0-9]{2}-[0-9]{2}(T00:00:00Z)?$",
    meaning: "a date such as 2027-01-31",
  },
  publicKey: {
    pattern: "^[0-9a-f]{64}$",
    meaning: "an Ed25519 public key as 64 lower-case hexadecimal digits",
  },
  multiaddr: {
    pattern: "^/(ip4|ip6|dns|dns4|dns6)/[0-9a-zA-Z.:-]{1,200}/tcp/[0-9]{1,5}$",
    meaning: "a multiaddr such as /ip4/203.0.113.7/tcp/9000 or /dns4/node.example.org/tcp/9000",
  },
  host: {
    pattern: "^[0-9a-zA-Z]([0-9a-zA-Z.:-]{0,251}[0-9a-zA-Z])?$",
    meaning: "a host name or an IP address",
  },
  userName: {
    pattern: "^[a-z_][a-z0-9_-]{0,31}$",
    meaning: "a user name of 1 to 32 lower-case letters, digits, hyphens and underscores",
  },
  hostKey: {
    pattern: "^(ssh-ed25519|ecdsa-sha2-nistp256|ssh-rsa) [0-9a-zA-Z+/=]{40,1000}$",
    meaning: "a line of ssh-keyscan without the host, such as ssh-ed25519 AAAA...",
  },
  cloudName: {
    pattern: "^[0-9a-zA-Z]([0-9a-zA-Z._-]{0,61}[0-9a-zA-Z])?$",
    meaning: "1 to 63 letters, digits, dots, hyphens and underscores",
  },
  kubernetesName: {
    pattern: "^[a-z0-9]([a-z0-9-]{0,61}[a-z0-9])?$",
    meaning: "1 to 63 lower-case letters, digits and hyphens, with no hyphen at either end",
  },
  uuid: {
    pattern: "^[0-9a-f]{8}-[0-9a-f]{4}-[0-9a-f]{4}-[0-9a-f]{4}-[0-9a-f]{12}$",
    meaning: "a UUID in lower case",
  },
  zoneLetter: { pattern: "^[a-f]$", meaning: "the letter of a zone, a to f" },
  zoneNumber: { pattern: "^[1-3]$", meaning: 'the number of a zone as a text, "1" to "3"' },
} as const satisfies Record<string, Form>;

/** A text of one form; `patternErrorMessage` is the keyword editors know for its explanation. */
export function text(form: Form, options: FieldOptions) {
  return Type.String({ ...options, pattern: form.pattern, patternErrorMessage: form.meaning });
}

export function integer(minimum: number, maximum: number, options: FieldOptions) {
  return Type.Integer({ ...options, minimum, maximum });
}

/** One of several words. */
export function choice<const Words extends readonly string[]>(words: Words, options: FieldOptions) {
  return Type.Unsafe<Words[number]>(
    Type.Union(
      words.map((word) => Type.Literal(word)),
      options,
    ),
  );
}

/** A list whose entries differ from each other. */
export function list<Item extends TSchema>(
  item: Item,
  [minItems, maxItems]: readonly [number, number],
  options: FieldOptions,
) {
  return Type.Array(item, { ...options, minItems, maxItems, uniqueItems: true });
}

export const closed = { additionalProperties: false } as const;
