import type { TObject, TSchema } from "@sinclair/typebox";
import { networkSchema } from "./schema.ts";
import { allowed } from "./shape.ts";
import { availableKinds, commonFields, type SiteKind, siteSchema } from "./sites.ts";

interface Row {
  readonly path: string;
  readonly field: TSchema;
  readonly required: boolean;
}

/** The text of docs/configuration-reference.md. */
export function renderReference(): string {
  const network = rowsOf(networkSchema, "");
  const [anySite] = siteSchema.anyOf as readonly TObject[];
  const siteRows = anySite ? rowsOf(anySite, "") : [];
  return `${[
    "<!-- Generated from infra/topology/schema.ts: change the descriptions there. -->",
    "",
    "# Configuration reference",
    "",
    "A network is described by the value of `guts:network` in its stack file,",
    "`stacks/Pulumi.<stack>.yaml`. All mistakes in it are reported together, before anything is made.",
    "",
    "The smallest network:",
    "",
    "```yaml",
    "config:",
    "  guts:network:",
    "    chainId: guts-local",
    "    purpose: devnet",
    "    sites:",
    "      - { name: local, kind: local, validators: 4 }",
    "```",
    "",
    "Editors that know YAML schemas explain and check every field when the stack file begins with",
    "",
    "```yaml",
    "# yaml-language-server: $schema=../infra/topology/network.schema.json",
    "```",
    "",
    "## Network",
    "",
    ...network.flatMap((row) => section(row, "###")),
    "## Sites",
    "",
    "Each entry of `sites` is a place where nodes live. Its `kind` decides which fields it has.",
    `Available in this version: ${availableKinds.map((kind) => `\`${kind}\``).join(", ")}.`,
    "",
    "### Every kind of site",
    "",
    ...siteRows.filter(isCommon).flatMap((row) => section(row, "####")),
    ...(siteSchema.anyOf as readonly TObject[]).flatMap(site),
  ]
    .join("\n")
    .trimEnd()}\n`;
}

/** Fields of an object and of the objects in it. The sites have a chapter of their own. */
function rowsOf(schema: TObject, prefix: string): Row[] {
  const required = schema.required ?? [];
  return Object.entries(schema.properties).flatMap(([name, field]) => {
    const path = `${prefix}${name}`;
    const row = { path, field, required: required.includes(name) && field.default === undefined };
    if (field.type === "object") return [row, ...rowsOf(field as TObject, `${path}.`)];
    const items = field.items as TSchema | undefined;
    if (items?.type === "object") return [row, ...rowsOf(items as TObject, `${path}[].`)];
    return [row];
  });
}

function isCommon({ path }: Row): boolean {
  return Object.hasOwn(commonFields, path);
}

function site(schema: TObject): string[] {
  const kind = schema.properties.kind?.const as SiteKind;
  const note = availableKinds.includes(kind) ? "" : " Not available in this version.";
  return [
    `### ${kind}`,
    "",
    `${schema.description}${note}`,
    "",
    ...rowsOf(schema, "")
      .filter((row) => !isCommon(row))
      .flatMap((row) => section(row, "####")),
  ];
}

function section({ path, field, required }: Row, level: "###" | "####"): string[] {
  return [
    `${level} \`${path}\``,
    "",
    field.description ?? "",
    "",
    `- Allowed: ${allowed(field)}`,
    ...(field.uniqueItems ? [`- Each entry: ${allowed(field.items as TSchema)}`] : []),
    `- Default: ${defaultOf(field, required)}`,
    ...((field.examples as readonly unknown[] | undefined) ?? []).map(
      (example) => `- Example: \`${inYaml(example)}\``,
    ),
    "",
  ];
}

function defaultOf(field: TSchema, required: boolean): string {
  if (required) return "none, the field is required";
  if (field.default === undefined) return field["x-default"] as string;
  return field.type === "object" ? "the defaults of its fields" : `\`${inYaml(field.default)}\``;
}

/** A value in YAML's flow style; texts that YAML would read as something else are in quotes. */
function inYaml(value: unknown): string {
  if (Array.isArray(value)) return `[${value.map(inYaml).join(", ")}]`;
  if (typeof value === "object" && value !== null) {
    const fields = Object.entries(value).map(([name, inner]) => `${name}: ${inYaml(inner)}`);
    return fields.length === 0 ? "{}" : `{ ${fields.join(", ")} }`;
  }
  return typeof value !== "string" || isPlain(value) ? String(value) : JSON.stringify(value);
}

/** Whether YAML reads a text as this text without quotes, in flow style too. */
function isPlain(text: string): boolean {
  const looksLikeNumber = /^[0-9.e+_-]*$/i.test(text);
  const isWord = /^(true|false|null|yes|no|on|off|~)$/i.test(text);
  return /^[a-zA-Z0-9/][a-zA-Z0-9/._ +=-]*$/.test(text) && !looksLikeNumber && !isWord;
}
