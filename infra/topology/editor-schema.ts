import { type TObject, type TSchema, Type } from "@sinclair/typebox";
import { networkSchema } from "./schema.ts";

/**
 * The network description as it is written: as `networkSchema`, but a field that has a default may be
 * left out.
 */
export const writtenNetworkSchema: TSchema = withoutDefaulted(networkSchema);

function withoutDefaulted(schema: TSchema): TSchema {
  if (schema.anyOf)
    return { ...schema, anyOf: (schema.anyOf as TSchema[]).map(withoutDefaulted) } as TSchema;
  if (schema.type === "array")
    return { ...schema, items: withoutDefaulted(schema.items as TSchema) } as TSchema;
  if (schema.type !== "object") return schema;
  const { properties, required = [] } = schema as TObject;
  const needed = required.filter((name) => properties[name]?.default === undefined);
  const written = Object.entries(properties).map(([name, field]) => [
    name,
    withoutDefaulted(field),
  ]);
  const { required: _, ...rest } = schema;
  return {
    ...rest,
    properties: Object.fromEntries(written),
    ...(needed.length > 0 && { required: needed }),
  } as TSchema;
}

/**
 * JSON Schema of a whole stack file, for `# yaml-language-server: $schema=…`. Settings of Pulumi itself
 * are let through.
 *
 * @see https://www.pulumi.com/docs/iac/concepts/projects/stack-settings-file/
 */
export const stackFileSchema: TSchema = Type.Object(
  {
    config: Type.Object(
      { "guts:network": writtenNetworkSchema },
      { description: "Configuration of the stack.", required: ["guts:network"] },
    ),
  },
  {
    $schema: "http://json-schema.org/draft-07/schema#",
    title: "Stack file of Guts",
    description: "Settings of one stack: the network it describes.",
  },
);

/** The text of network.schema.json. */
export function renderEditorSchema(): string {
  return `${JSON.stringify(stackFileSchema, null, 2)}\n`;
}
