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
  // What comes in a URL is text, so numbers are read from it.
  const fromText = httpPart !== "body";
  return (data: unknown): { value: unknown } | { error: Error } => {
    const value = fromText
      ? Value.Convert(shape, Value.Default(shape, { ...(data as object) }))
      : data;
    const problem = Value.Errors(shape, value).First();
    return problem ? { error: new Error(describe(httpPart, problem)) } : { value };
  };
}

function describe(httpPart: string, { path, message, value }: ValueError): string {
  const got = value === undefined ? "nothing" : JSON.stringify(value)?.slice(0, 80);
  return `${httpPart}${path}: got ${got}, ${message.charAt(0).toLowerCase()}${message.slice(1)}`;
}
