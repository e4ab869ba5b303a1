/**
 * Property values as the engine handles them: plain JSON plus the marked values of the Pulumi protocol.
 *
 * The same values travel on the wire (`wire.ts`) and rest in the checkpoint (`stored.ts`).
 */

export type Value =
  | null
  | boolean
  | number
  | string
  | readonly Value[]
  | ValueMap
  | Secret
  | Unknown
  | OutputValue
  | ResourceReference
  | Asset
  | ByteString;

export interface ValueMap {
  readonly [key: string]: Value;
}

/** Keys and signatures of the marked values, fixed by the protocol (`pulumi/provider.proto`). */
export const SIGNATURE_KEY = "4dabf18193072939515e22adb298388d";
export const SECRET_SIGNATURE = "1b47061264138c4ac30d75fd1eb44270";
export const RESOURCE_SIGNATURE = "5cf8f73096256a8f31e491e813e4eb8e";
export const OUTPUT_SIGNATURE = "d0e6a833031e9bbcd3f4e8bde6ca49a4";
export const ASSET_SIGNATURE = "c44067f5952c0a294b673a41bacd8c17";
export const ARCHIVE_SIGNATURE = "0def7320c3a5731c473e5ecbe6d01bc7";
export const BYTE_STRING_SIGNATURE = "803fd3297a5875dc03ca845dda5d2a98";
export const NUMBER_SIGNATURE = "8ad145fe-0d11-4827-bfd7-1abcbf086f5c";
export const UNKNOWN_TEXT = "04da6b54-80e4-46f7-96ec-b56ff0331ba9";

/** Common ground of the values that are neither plain JSON nor a map. */
abstract class Marked {}

export class Secret extends Marked {
  readonly element: Value;
  constructor(element: Value) {
    super();
    this.element = element;
  }
}

/** A value that only an update will know. */
export class Unknown extends Marked {}
export const UNKNOWN = new Unknown();

/** An output with its secrecy and dependencies; `value` is absent while it is unknown. */
export class OutputValue extends Marked {
  readonly value: Value | undefined;
  readonly secret: boolean;
  readonly dependencies: readonly string[];
  constructor(value: Value | undefined, secret: boolean, dependencies: readonly string[]) {
    super();
    this.value = value;
    this.secret = secret;
    this.dependencies = dependencies;
  }
}

export class ResourceReference extends Marked {
  readonly urn: string;
  /** Absent for components, the empty string or unknown while not created. */
  readonly id: Value | undefined;
  readonly packageVersion: string;
  constructor(urn: string, id: Value | undefined, packageVersion: string) {
    super();
    this.urn = urn;
    this.id = id;
    this.packageVersion = packageVersion;
  }
}

/** What an asset or archive holds; exactly one of the four, or none where only the hash is kept. */
export interface AssetContent {
  readonly text?: string;
  readonly path?: string;
  readonly uri?: string;
  readonly assets?: Readonly<Record<string, Asset>>;
}

export class Asset extends Marked {
  readonly kind: "asset" | "archive";
  readonly hash: string;
  readonly content: AssetContent;
  constructor(kind: "asset" | "archive", hash: string, content: AssetContent) {
    super();
    this.kind = kind;
    this.hash = hash;
    this.content = content;
  }
}

/** Bytes that are no UTF-8 text. */
export class ByteString extends Marked {
  readonly base64: string;
  constructor(base64: string) {
    super();
    this.base64 = base64;
  }
}

export function isMap(value: Value | undefined): value is ValueMap {
  return (
    typeof value === "object" &&
    value !== null &&
    !Array.isArray(value) &&
    !(value instanceof Marked)
  );
}

export function isList(value: Value | undefined): value is readonly Value[] {
  return Array.isArray(value);
}

/** A map without prototype, so that a key such as `__proto__` is a key like any other. */
export function mapOf(entries: Iterable<readonly [string, Value]>): ValueMap {
  const map = Object.create(null) as Record<string, Value>;
  for (const [key, value] of entries) map[key] = value;
  return map;
}

export const EMPTY: ValueMap = mapOf([]);

export function has(map: ValueMap, key: string): boolean {
  return Object.prototype.hasOwnProperty.call(map, key);
}

/** The map with every value replaced; entries whose new value is undefined are dropped. */
export function mapValues(
  map: ValueMap,
  change: (value: Value, key: string) => Value | undefined,
): ValueMap {
  const result = Object.create(null) as Record<string, Value>;
  for (const [key, value] of Object.entries(map)) {
    const changed = change(value, key);
    if (changed !== undefined) result[key] = changed;
  }
  return result;
}

export function secretOf(value: Value): Secret {
  return value instanceof Secret ? value : new Secret(value);
}

/** True when `test` holds for the value or anything in it. */
export function some(value: Value, test: (value: Value) => boolean): boolean {
  if (test(value)) return true;
  if (isList(value)) return value.some((item) => some(item, test));
  if (value instanceof Secret) return some(value.element, test);
  if (value instanceof OutputValue) return value.value !== undefined && some(value.value, test);
  return isMap(value) && Object.values(value).some((item) => some(item, test));
}

export function containsUnknown(value: Value): boolean {
  return some(
    value,
    (v) => v instanceof Unknown || (v instanceof OutputValue && v.value === undefined),
  );
}

export function containsSecret(value: Value): boolean {
  return some(value, (v) => v instanceof Secret || (v instanceof OutputValue && v.secret));
}

/** The value with secrets opened and output values replaced by what they hold, at every depth. */
export function unwrap(value: Value): Value {
  if (value instanceof Secret) return unwrap(value.element);
  if (value instanceof OutputValue)
    return value.value === undefined ? UNKNOWN : unwrap(value.value);
  if (isList(value)) return value.map(unwrap);
  return isMap(value) ? mapValues(value, unwrap) : value;
}

export function unwrapMap(map: ValueMap): ValueMap {
  return mapValues(map, unwrap);
}

/** Replaces output values by plain, secret or unknown ones, for those who know nothing of outputs. */
export function withoutOutputs(value: Value): Value {
  if (value instanceof OutputValue) {
    const inner = value.value === undefined ? UNKNOWN : withoutOutputs(value.value);
    return value.secret ? secretOf(inner) : inner;
  }
  if (value instanceof Secret) return new Secret(withoutOutputs(value.element));
  if (isList(value)) return value.map(withoutOutputs);
  return isMap(value) ? mapValues(value, withoutOutputs) : value;
}
