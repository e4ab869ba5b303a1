import type { TSchema } from "@sinclair/typebox";
import { nearest, type Problem, shown } from "./problem.ts";

/** Path of the whole description. */
export const ROOT = "guts:network";

type Fields = Readonly<Record<string, TSchema>>;

/**
 * Reads a value by its schema: fills in defaults and collects every difference in shape. It knows the
 * JSON Schema keywords the network description uses, and gives messages a person can act on.
 *
 * @returns the value with defaults; meaningful only when no problem was added
 */
export function readShape(
  schema: TSchema,
  value: unknown,
  path: string,
  problems: Problem[],
): unknown {
  if (value === undefined && schema.default !== undefined)
    return readShape(schema, structuredClone(schema.default), path, problems);
  if (schema.anyOf) return readUnion(schema, value, path, problems);
  switch (schema.type) {
    case "object":
      return readObject(schema, value, path, problems);
    case "array":
      return readArray(schema, value, path, problems);
    default:
      if (!isScalarOf(schema, value)) problems.push({ path, reason: refusal(schema, value) });
      return value;
  }
}

function isScalarOf(schema: TSchema, value: unknown): boolean {
  switch (schema.type) {
    case "string":
      if (schema.const !== undefined) return value === schema.const;
      return typeof value === "string" && new RegExp(schema.pattern as string, "u").test(value);
    case "integer":
      return (
        Number.isSafeInteger(value) &&
        (value as number) >= schema.minimum &&
        (value as number) <= schema.maximum
      );
    case "boolean":
      return typeof value === "boolean";
    default:
      throw new TypeError(`got a schema of type ${shown(schema.type)}, allowed: a plain field`);
  }
}

/** What a field may hold, in words. */
export function allowed(schema: TSchema): string {
  if (schema.anyOf) return wordsOf(schema).join(", ");
  switch (schema.type) {
    case "object":
      return `fields ${Object.keys(schema.properties as Fields).join(", ")}`;
    case "array":
      return `a list of ${countRange(schema)}`;
    case "integer":
      return `an integer from ${schema.minimum} to ${schema.maximum}`;
    case "boolean":
      return "true or false";
    default:
      return (schema.const ?? schema.patternErrorMessage) as string;
  }
}

function countRange({ minItems, maxItems }: TSchema): string {
  return `${minItems} to ${maxItems} entries`;
}

function refusal(schema: TSchema, value: unknown): string {
  const message = `got ${shown(value)}, allowed: ${allowed(schema)}`;
  const wantsText = schema.type === "string" && (typeof value === "number" || value === true);
  return wantsText ? `${message}; put the value in quotes` : message;
}

/** The constants of a union of words, or of the field `kind` of a union of objects. */
function wordsOf(schema: TSchema): string[] {
  return (schema.anyOf as TSchema[]).map(
    (option) => (option.const ?? option.properties.kind.const) as string,
  );
}

function readUnion(schema: TSchema, value: unknown, path: string, problems: Problem[]): unknown {
  const words = wordsOf(schema);
  const ofObjects = (schema.anyOf as TSchema[]).every((option) => option.type === "object");
  if (!ofObjects) {
    if (!words.includes(value as string)) problems.push(noSuchWord(path, value, words));
    return value;
  }
  if (!isRecord(value)) {
    problems.push({ path, reason: `got ${shown(value)}, allowed: fields name, kind, validators` });
    return value;
  }
  const option = (schema.anyOf as TSchema[])[words.indexOf(value.kind as string)];
  if (option) return readObject(option, value, path, problems);
  problems.push(noSuchWord(`${path}.kind`, value.kind, words));
  return value;
}

function noSuchWord(path: string, value: unknown, words: readonly string[]): Problem {
  const close = typeof value === "string" ? nearest(value, words) : undefined;
  const hint = close === undefined ? "" : `; did you mean "${close}"?`;
  return { path, reason: `got ${shown(value)}, allowed: ${words.join(", ")}${hint}` };
}

function readArray(schema: TSchema, value: unknown, path: string, problems: Problem[]): unknown {
  if (!Array.isArray(value)) {
    problems.push({ path, reason: refusal(schema, value) });
    return value;
  }
  if (value.length < (schema.minItems as number) || value.length > (schema.maxItems as number))
    problems.push({ path, reason: `got ${value.length} entries, allowed: ${countRange(schema)}` });
  const items = schema.items as TSchema;
  const read = value.map((item, i) => readShape(items, item, `${path}[${i}]`, problems));
  if (schema.uniqueItems) {
    const seen = new Map<string, number>();
    for (const [i, item] of value.entries()) {
      const key = canonicalText(item);
      const first = seen.get(key);
      if (first === undefined) seen.set(key, i);
      else
        problems.push({
          path: `${path}[${i}]`,
          reason: `got ${shown(item)}, as in ${path}[${first}]; remove one of them`,
        });
    }
  }
  return read;
}

function readObject(schema: TSchema, value: unknown, path: string, problems: Problem[]): unknown {
  if (!isRecord(value)) {
    problems.push({ path, reason: refusal(schema, value) });
    return value;
  }
  const fields = schema.properties as Fields;
  const known = Object.keys(fields);
  const required = (schema.required ?? []) as readonly string[];
  const below = (name: string) => (path === ROOT ? name : `${path}.${name}`);
  for (const name of Object.keys(value)) {
    if (Object.hasOwn(fields, name)) continue;
    const close = nearest(name, known);
    const hint = close === undefined ? "" : `; did you mean "${close}"?`;
    problems.push({
      path,
      reason: `got the unknown field ${shown(name)}, allowed: ${known.join(", ")}${hint}`,
    });
  }
  const read: [string, unknown][] = [];
  for (const [name, field] of Object.entries(fields)) {
    const got = Object.hasOwn(value, name) ? value[name] : undefined;
    if (got !== undefined || field.default !== undefined)
      read.push([name, readShape(field, got, below(name), problems)]);
    else if (required.includes(name))
      problems.push({
        path: below(name),
        reason: `got nothing, allowed: ${allowed(field)}; add it`,
      });
  }
  return Object.fromEntries(read);
}

export function isRecord(value: unknown): value is Record<string, unknown> {
  return typeof value === "object" && value !== null && !Array.isArray(value);
}

/** Equal for equal values, whatever the order of their fields. */
function canonicalText(value: unknown): string {
  return JSON.stringify(value, (_, inner: unknown) =>
    isRecord(inner)
      ? Object.fromEntries(Object.entries(inner).sort(([a], [b]) => (a < b ? -1 : 1)))
      : inner,
  );
}
