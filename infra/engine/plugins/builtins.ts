/** The package `pulumi`, which the engine serves itself: StackReference, Stash and the functions about stacks and resources. */
import { randomUUID } from "node:crypto";
import type { ResourceState } from "../steps/state.ts";
import { typeOf } from "../urn.ts";
import { equal, equalMaps } from "../values/compare.ts";
import {
  containsSecret,
  EMPTY,
  mapOf,
  UNKNOWN,
  unwrap,
  type Value,
  type ValueMap,
} from "../values/value.ts";
import * as p from "./provider.ts";

const STACK_REFERENCE = "pulumi:pulumi:StackReference",
  STASH = "pulumi:index:Stash";

export interface BuiltinSurroundings {
  /** Outputs of another stack of the backend; undefined when there is no such stack. */
  stackOutputs(name: string): Promise<ValueMap | undefined>;
  /** A resource of this run, once it is registered. */
  resource(urn: string): ResourceState | undefined;
}

const NO_CHANGE: p.Diff = {
  changes: "none",
  replaceKeys: [],
  changedKeys: [],
  deleteBeforeReplace: false,
  detailed: undefined,
};

export class BuiltinProvider implements p.Provider {
  readonly #around: BuiltinSurroundings;

  constructor(around: BuiltinSurroundings) {
    this.#around = around;
  }

  async checkConfig({ news }: Omit<p.CheckRequest, "randomSeed">): Promise<p.Checked> {
    return { inputs: news, failures: [] };
  }

  async diffConfig(): Promise<p.Diff> {
    return NO_CHANGE;
  }

  async configure(): Promise<void> {}
  async cancel(): Promise<void> {}
  async close(): Promise<void> {}

  async check({ urn, news }: p.CheckRequest): Promise<p.Checked> {
    const type = typeOf(urn);
    if (type === STACK_REFERENCE)
      return {
        inputs: news,
        failures:
          typeof unwrap(news.name ?? null) === "string"
            ? []
            : [{ property: "name", reason: 'missing required property "name"' }],
      };
    if (type !== STASH) throw new Error(`unrecognized resource type '${type}'`);
    const others = Object.keys(news).filter((key) => key !== "input");
    const failures = others.map((property) => ({
      property,
      reason: `unknown property "${property}"`,
    }));
    return {
      inputs: news,
      failures:
        "input" in news
          ? failures
          : [...failures, { property: "input", reason: 'missing required property "input"' }],
    };
  }

  async diff({ urn, oldInputs, newInputs }: p.DiffRequest): Promise<p.Diff> {
    if (typeOf(urn) === STASH)
      return equalMaps(oldInputs, newInputs)
        ? NO_CHANGE
        : { ...NO_CHANGE, changes: "some", changedKeys: ["input"] };
    return equal(newInputs.name ?? null, oldInputs.name ?? null)
      ? NO_CHANGE
      : { ...NO_CHANGE, changes: "some", changedKeys: ["name"], replaceKeys: ["name"] };
  }

  async create({ urn, inputs, preview }: p.CreateRequest): Promise<p.Made> {
    const outputs =
      typeOf(urn) === STASH
        ? mapOf([
            ["input", inputs.input ?? null],
            ["output", inputs.input ?? null],
          ])
        : await this.#readStack(inputs);
    return { id: preview ? "" : randomUUID(), outputs, refreshBeforeUpdate: false };
  }

  async update({
    urn,
    oldOutputs,
    newInputs,
  }: p.UpdateRequest): Promise<Pick<p.Made, "outputs" | "refreshBeforeUpdate">> {
    const outputs =
      typeOf(urn) === STASH
        ? mapOf([
            ["input", newInputs.input ?? null],
            ["output", oldOutputs.output ?? null],
          ])
        : await this.#readStack(newInputs);
    return { outputs, refreshBeforeUpdate: false };
  }

  async delete(): Promise<void> {}

  async read({ urn, id, inputs, outputs }: p.ReadRequest): Promise<p.Found> {
    if (typeOf(urn) === STASH) return { id, inputs, outputs, refreshBeforeUpdate: false };
    // An old state holds more than the name: only that is an input.
    return { id, inputs, outputs: await this.#readStack(inputs), refreshBeforeUpdate: false };
  }

  async invoke({ token, args }: p.InvokeRequest): Promise<p.Invoked> {
    switch (token) {
      case "pulumi:pulumi:readStackOutputs":
        return { result: await this.#readStack(args), failures: [] };
      case "pulumi:pulumi:getResource":
        return { result: this.#getResource(args), failures: [] };
      default:
        throw new Error(`unrecognized function name: '${token}'`);
    }
  }

  async #readStack(inputs: ValueMap): Promise<ValueMap> {
    const name = inputs.name ?? null,
      plain = unwrap(name);
    if (plain === UNKNOWN)
      return mapOf([
        ["name", UNKNOWN],
        ["outputs", UNKNOWN],
        ["secretOutputNames", UNKNOWN],
      ]);
    if (typeof plain !== "string")
      throw new Error(
        "a stack reference needs the name of a stack: <organization>/<project>/<stack>",
      );
    const outputs = await this.#around.stackOutputs(plain);
    if (!outputs) throw new p.ProviderError(`unknown stack "${plain}"`, "unchanged");
    const secrets: Value[] = Object.keys(outputs)
      .filter((key) => containsSecret(outputs[key] as Value))
      .sort();
    return mapOf([
      ["name", name],
      ["outputs", outputs],
      ["secretOutputNames", secrets],
    ]);
  }

  #getResource(args: ValueMap): ValueMap {
    const urn = unwrap(args.urn ?? null),
      state = typeof urn === "string" ? this.#around.resource(urn) : undefined;
    if (!state) throw new Error(`unknown resource ${String(urn)}`);
    return mapOf([
      ["urn", state.urn],
      ["id", state.id],
      ["state", state.outputs ?? EMPTY],
    ]);
  }
}
