import type { Struct } from "google-protobuf/google/protobuf/struct_pb.js";
import struct from "google-protobuf/google/protobuf/struct_pb.js";

/** Values of the Pulumi resource protocol, see sdk/proto/go/pulumi in pulumi/pulumi. */
const SIGNATURE = "4dabf18193072939515e22adb298388d";
const SECRET = "1b47061264138c4ac30d75fd1eb44270";
const OUTPUT = "d0e6a833031e9bbcd3f4e8bde6ca49a4";

/** What stands in a preview for a value that is only known after the update. */
export const UNKNOWN = "04da6b54-80e4-46f7-96ec-b56ff0331ba9";

export type Plain = null | boolean | number | string | readonly Plain[] | PlainObject;
export interface PlainObject {
  readonly [key: string]: Plain | undefined;
}

/** The properties of a resource without wrappers, and which of them hold a secret at any depth. */
export interface Properties {
  readonly values: PlainObject;
  readonly secrets: ReadonlySet<string>;
}

type Wire = null | boolean | number | string | Wire[] | { [key: string]: Wire };

export function decodeProperties(properties: Struct | undefined): Properties {
  const secrets = new Set<string>();
  const wire = (properties?.toJavaScript() ?? {}) as { [key: string]: Wire };
  const values = Object.fromEntries(
    Object.entries(wire).map(([key, value]) => [key, unwrap(value, () => secrets.add(key))]),
  );
  return { values, secrets };
}

function unwrap(value: Wire, onSecret: () => void): Plain {
  if (Array.isArray(value)) return value.map((item) => unwrap(item, onSecret));
  if (value === null || typeof value !== "object") return value;
  const kind = value[SIGNATURE];
  if (kind === SECRET) {
    onSecret();
    return unwrap(value.value ?? null, onSecret);
  }
  if (kind === OUTPUT) {
    if (value.secret === true) onSecret();
    return "value" in value ? unwrap(value.value ?? null, onSecret) : UNKNOWN;
  }
  return Object.fromEntries(
    Object.entries(value).map(([key, item]) => [key, unwrap(item, onSecret)]),
  );
}

/** Properties named in `secrets` are marked secret, undefined ones left out. */
export function encodeProperties(values: object, secrets: ReadonlySet<string>): Struct {
  const wire = Object.entries(values)
    .filter(([, value]) => value !== undefined)
    .map(([key, value]): [string, Wire] => {
      const bare = withoutUndefined(value as Plain);
      return [key, secrets.has(key) ? { [SIGNATURE]: SECRET, value: bare } : bare];
    });
  return struct.Struct.fromJavaScript(Object.fromEntries(wire));
}

function withoutUndefined(value: Plain | undefined): Wire {
  if (value === undefined || value === null) return null;
  if (Array.isArray(value)) return value.map(withoutUndefined);
  if (typeof value !== "object") return value as boolean | number | string;
  return Object.fromEntries(
    Object.entries(value)
      .filter(([, item]) => item !== undefined)
      .map(([key, item]) => [key, withoutUndefined(item as Plain)]),
  );
}

export function hasUnknown(value: unknown): boolean {
  if (value === UNKNOWN) return true;
  return typeof value === "object" && value !== null && Object.values(value).some(hasUnknown);
}
