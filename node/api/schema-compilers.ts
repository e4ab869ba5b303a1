import type { TSchema } from "@sinclair/typebox";
import type { FastifyServerOptions } from "fastify";
import { Value, type ValueError } from "@sinclair/typebox/value";

/**
 * How fastify uses the schemas of routes. They are checked by TypeBox, which made them, and answers
 * are written by JSON.stringify: compiling every schema to code, as fastify does by default, took
 * most of the start-up time and saves nothing at the rates of this API.
 */
export const schemaCompilers = {
  buildValidator: () => validatorOf,
  buildSerializer: () => () => (data: unknown) => JSON.stringify(data),
  // fastify declares what its own compilers return, which is more than it uses.
} as unknown as CompilersFactory;

type CompilersFactory = NonNullable<
  NonNullable<FastifyServerOptions["schemaController"]>["compilersFactory"]
>;

interface Route {
  readonly schema: unknown;
  readonly httpPart?: string | undefined;
}

function validatorOf({ schema, httpPart = "body" }: Route) {
  const shape = schema as TSchema;
  return (data: unknown): { value: unknown } | { error: Error } => {
    const value = httpPart === "body" ? data : fromText(shape, data as Record<string, unknown>);
    const problem = Value.Errors(shape, value).First();
    return problem ? { error: new Error(describe(httpPart, problem)) } : { value };
  };
}

/** What comes in a URL is text: numbers are read from it where the schema has one. */
function fromText(shape: TSchema, data: Readonly<Record<string, unknown>>): unknown {
  const properties = shape["properties"] as Readonly<Record<string, TSchema | undefined>>;
  const read = Object.entries(data).map(([name, text]) => {
    const isNumber =
      properties[name]?.["type"] === "integer" && typeof text === "string" && /^-?\d+$/.test(text);
    return [name, isNumber ? Number(text) : text];
  });
  return Value.Default(shape, Object.fromEntries(read));
}

function describe(httpPart: string, { path, message, value }: ValueError): string {
  const got = value === undefined ? "nothing" : JSON.stringify(value)?.slice(0, 80);
  return `${httpPart}${path}: got ${got}, ${message.charAt(0).toLowerCase()}${message.slice(1)}`;
}
