/** Equality and differences of property values. */
import {
  Asset,
  ByteString,
  isList,
  isMap,
  OutputValue,
  ResourceReference,
  Secret,
  Unknown,
  unwrapMap,
  type Value,
  type ValueMap,
} from "./value.ts";

/** Deep equality. A property that is null equals one that is absent. */
export function equal(a: Value, b: Value): boolean {
  if (a === b) return true;
  if (isList(a))
    return isList(b) && a.length === b.length && a.every((item, i) => equal(item, b[i] as Value));
  if (isMap(a)) return isMap(b) && equalMaps(a, b);
  if (a instanceof Secret) return b instanceof Secret && equal(a.element, b.element);
  if (a instanceof Unknown) return b instanceof Unknown;
  if (a instanceof Asset) return b instanceof Asset && a.kind === b.kind && a.hash === b.hash;
  if (a instanceof ByteString) return b instanceof ByteString && a.base64 === b.base64;
  if (a instanceof ResourceReference)
    return b instanceof ResourceReference && a.urn === b.urn && equal(a.id ?? null, b.id ?? null);
  if (a instanceof OutputValue)
    return b instanceof OutputValue && a.secret === b.secret && equalOptional(a.value, b.value);
  return false;
}

export function equalMaps(a: ValueMap, b: ValueMap): boolean {
  for (const [key, value] of Object.entries(a)) if (!equal(value, b[key] ?? null)) return false;
  for (const [key, value] of Object.entries(b)) if (!(key in a) && value !== null) return false;
  return true;
}

function equalOptional(a: Value | undefined, b: Value | undefined): boolean {
  return a === undefined || b === undefined ? a === b : equal(a, b);
}

export type DiffKind =
  "add" | "add-replace" | "delete" | "delete-replace" | "update" | "update-replace";
export interface PropertyDiff {
  readonly kind: DiffKind;
  readonly inputDiff: boolean;
}
/** Differences by property path, as in a provider's detailed diff. */
export type DetailedDiff = Readonly<Record<string, PropertyDiff>>;

export interface InputDifference {
  /** Changed top-level properties, sorted. */
  readonly changedKeys: readonly string[];
  readonly detailed: DetailedDiff;
}

/** What changed between two sets of inputs when secrecy does not count; undefined when nothing did. */
export function diffInputs(olds: ValueMap, news: ValueMap): InputDifference | undefined {
  const a = unwrapMap(olds),
    b = unwrapMap(news);
  const detailed: Record<string, PropertyDiff> = {},
    changed = new Set<string>();
  for (const key of new Set([...Object.keys(a), ...Object.keys(b)])) {
    const before = Object.keys(detailed).length;
    diffValue(joinPath("", key), a[key] ?? null, b[key] ?? null, detailed);
    if (Object.keys(detailed).length > before) changed.add(key);
  }
  return changed.size === 0 ? undefined : { changedKeys: [...changed].sort(), detailed };
}

function diffValue(path: string, a: Value, b: Value, found: Record<string, PropertyDiff>): void {
  if (isList(a) && isList(b)) {
    for (let i = 0; i < Math.max(a.length, b.length); i++) {
      const at = `${path}[${i}]`;
      if (i >= a.length) found[at] = { kind: "add", inputDiff: true };
      else if (i >= b.length) found[at] = { kind: "delete", inputDiff: true };
      else diffValue(at, a[i] as Value, b[i] as Value, found);
    }
  } else if (isMap(a) && isMap(b)) {
    for (const key of new Set([...Object.keys(a), ...Object.keys(b)]))
      diffValue(joinPath(path, key), a[key] ?? null, b[key] ?? null, found);
  } else if (!equal(a, b))
    found[path] = { kind: a === null ? "add" : b === null ? "delete" : "update", inputDiff: true };
}

function joinPath(path: string, key: string): string {
  if (!/^[a-zA-Z_$][a-zA-Z0-9_$]*$/.test(key)) return `${path}[${JSON.stringify(key)}]`;
  return path === "" ? key : `${path}.${key}`;
}
