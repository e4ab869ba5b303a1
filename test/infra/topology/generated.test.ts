/**
 * Proves: the generated files are what the schema says now, every field has a description and an example,
 * and every example and default is accepted.
 * Does not prove: that an editor shows them well.
 *
 * `GUTS_UPDATE=1 node --test test/infra/topology/generated.test.ts` writes the files anew.
 */
import assert from "node:assert/strict";
import { readFileSync, writeFileSync } from "node:fs";
import { test } from "node:test";
import type { TObject, TSchema } from "@sinclair/typebox";
import { renderEditorSchema } from "../../../infra/topology/editor-schema.ts";
import type { Problem } from "../../../infra/topology/problem.ts";
import { renderReference } from "../../../infra/topology/reference.ts";
import { networkSchema } from "../../../infra/topology/schema.ts";
import { readShape } from "../../../infra/topology/shape.ts";
import { siteSchema } from "../../../infra/topology/sites.ts";

const generated = [
  ["infra/topology/network.schema.json", renderEditorSchema],
  ["docs/configuration-reference.md", renderReference],
] as const;

for (const [path, render] of generated)
  test(`${path} says what the schema says`, () => {
    const file = new URL(`../../../${path}`, import.meta.url);
    if (process.env.GUTS_UPDATE === "1") writeFileSync(file, render());
    assert.equal(readFileSync(file, "utf8"), render(), "write it anew with GUTS_UPDATE=1");
  });

/** Every field with its path, through objects, lists and kinds of sites. */
function fieldsOf(schema: TSchema, path: string): [string, TSchema][] {
  if (schema.anyOf && (schema.anyOf as TSchema[])[0]?.type === "object")
    return (schema.anyOf as TObject[]).flatMap((option) =>
      fieldsOf(option, `${path}(${String(option.properties.kind?.const)})`),
    );
  if (schema.type === "array")
    return [[path, schema], ...fieldsOf(schema.items as TSchema, `${path}[]`)];
  if (schema.type !== "object") return [[path, schema]];
  const fields = Object.entries((schema as TObject).properties);
  return [[path, schema], ...fields.flatMap(([name, field]) => fieldsOf(field, `${path}.${name}`))];
}

const fields = fieldsOf(networkSchema, "network");

test("every field is explained", () => {
  assert.ok(fields.length > 60, `got ${fields.length} fields`);
  for (const [path, { description, title }] of fields) {
    assert.ok((description ?? title)?.endsWith("."), `${path}: a sentence as description`);
  }
});

test("every example and every default is accepted", () => {
  for (const [path, field] of fields) {
    if (field.const !== undefined) continue;
    const isPart = path === "network" || path.endsWith(")") || field === siteSchema;
    const examples = (field.examples ?? []) as readonly unknown[];
    assert.ok(isPart || examples.length > 0 || path.endsWith("[]"), `${path}: an example`);
    const values = field.default === undefined ? examples : [...examples, field.default];
    for (const value of values) {
      const problems: Problem[] = [];
      readShape(field, value, path, problems);
      assert.deepEqual(problems, []);
    }
  }
});

test("a field that may be left out says what happens then", () => {
  for (const [path, schema] of fields) {
    if (schema.type !== "object") continue;
    const { properties, required = [] } = schema as TObject;
    for (const [name, field] of Object.entries(properties))
      assert.equal(
        !required.includes(name),
        field["x-default"] !== undefined,
        `${path}.${name}: required, or with default, or with x-default`,
      );
  }
});

test("the reference page has a chapter for every field", () => {
  const page = renderReference();
  for (const name of Object.keys(networkSchema.properties)) assert.match(page, heading(name));
  for (const { properties } of siteSchema.anyOf as TObject[])
    for (const name of Object.keys(properties)) assert.match(page, heading(name));
});

function heading(name: string): RegExp {
  return new RegExp(`^###+ \`${name}\`$`, "m");
}
