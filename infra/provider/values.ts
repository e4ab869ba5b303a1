import type { TObject } from "@sinclair/typebox";
import { Value } from "@sinclair/typebox/value";
import { valueAt } from "./differences.ts";
import type { InputProblem } from "./errors.ts";
import { type PlainObject, UNKNOWN } from "./wire.ts";

/** Everything in which `inputs` does not fit its schema; what is not known yet fits. */
export function schemaProblems(schema: TObject, inputs: unknown): InputProblem[] {
  const problems = new Map<string, InputProblem>();
  for (const { path, message, value } of Value.Errors(schema, inputs)) {
    const property = propertyOf(path);
    if (value === UNKNOWN || problems.has(property)) continue;
    const got = value === undefined ? "nothing" : JSON.stringify(value).slice(0, 80);
    problems.set(property, { property, reason: `got ${got}, ${message.toLowerCase()}` });
  }
  return [...problems.values()];
}

/** The JSON pointer `/validators/0/name` as `validators[0].name`. */
export function propertyOf(pointer: string): string {
  return pointer
    .split("/")
    .slice(1)
    .map((step) => (/^\d+$/.test(step) ? `[${step}]` : `.${step}`))
    .join("")
    .replace(/^\./, "");
}

/** A copy in which the defaults of the schema stand where nothing was given. */
export function withDefaults(schema: TObject, inputs: PlainObject): PlainObject {
  return Value.Default(schema, Value.Clone(inputs)) as PlainObject;
}

/** Fills in UNKNOWN for the outputs that a preview cannot tell. */
export function withUnknowns(schema: TObject, known: object): PlainObject {
  const required = (schema.required ?? []).filter((key) => valueAt(known, key) === undefined);
  return { ...Object.fromEntries(required.map((key) => [key, UNKNOWN])), ...known };
}
