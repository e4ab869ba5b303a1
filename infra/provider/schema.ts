import type { TObject, TSchema } from "@sinclair/typebox";
import { nodeVersion } from "../../node/formats/release.ts";
import { configurationProperties } from "./configuration.ts";
import type { Contract } from "./contract.ts";

type Spec = Record<string, unknown>;

/**
 * The schema of the package, for documentation and for making SDKs in other languages.
 *
 * @see https://www.pulumi.com/docs/iac/guides/building-extending/packages/schema/
 */
export function packageSchema(contracts: readonly Contract[]): Spec {
  const types: Record<string, Spec> = {};
  const resources = Object.fromEntries(
    contracts.map(({ token, description, inputs, state }) => [
      token,
      {
        description,
        inputProperties: properties(inputs, token, types),
        requiredInputs: (inputs.required ?? []).filter((key) => !("default" in at(inputs, key))),
        properties: properties(state, token, types),
        required: state.required ?? [],
      },
    ]),
  );
  return {
    name: "guts",
    displayName: "Guts",
    version: nodeVersion.node,
    description: "Validator networks: keys, genesis, bundles, nodes and the verdict",
    license: "MIT",
    provider: { inputProperties: configurationProperties },
    types,
    resources,
  };
}

function at(schema: TObject, key: string): TSchema {
  return schema.properties[key] as TSchema;
}

function properties(schema: TObject, token: string, types: Record<string, Spec>): Spec {
  return Object.fromEntries(
    Object.entries(schema.properties).map(([key, value]) => {
      const typed = typeSpec(value, `${token}${key[0]?.toUpperCase()}${key.slice(1)}`, types);
      return [key, { ...typed, ...(value.description && { description: value.description }) }];
    }),
  );
}

/** Nested objects become named types: `guts:index:GenesisValidators`. */
function typeSpec(schema: TSchema, name: string, types: Record<string, Spec>): Spec {
  switch (schema.type) {
    case "string":
    case "boolean":
    case "integer":
    case "number":
      return { type: schema.type };
    case "array":
      return { type: "array", items: typeSpec(schema.items as TSchema, name, types) };
    case "object": {
      if (!schema.properties) return { type: "object", additionalProperties: ANY };
      const nested = schema as TObject;
      types[name] = {
        type: "object",
        properties: properties(nested, name, types),
        required: nested.required ?? [],
      };
      return { $ref: `#/types/${name}` };
    }
    default:
      return literals(schema) ?? ANY;
  }
}

const ANY = { $ref: "pulumi.json#/Any" };

/** A union of literals is the type of its members. */
function literals(schema: TSchema): Spec | undefined {
  const members = (schema.anyOf as TSchema[] | undefined) ?? [];
  const kinds = new Set(members.map(({ type }) => type as string | undefined));
  const [kind] = kinds;
  return kinds.size === 1 && kind !== undefined ? { type: kind } : undefined;
}
