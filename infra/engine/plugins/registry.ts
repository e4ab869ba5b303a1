/**
 * The providers of a run. A provider is itself a resource: its check, diff, create and so on are served here and become
 * CheckConfig, DiffConfig and Configure of the plugin.
 */
import { randomUUID } from "node:crypto";
import type { ResourceState } from "../steps/state.ts";
import { packageOfProvider, parseReference, providerReference, typeOf } from "../urn.ts";
import { equal, equalMaps } from "../values/compare.ts";
import { has, isMap, mapOf, UNKNOWN_TEXT, unwrap, type ValueMap } from "../values/value.ts";
import type * as p from "./provider.ts";

/** Engine-only inputs of a provider; they never reach it. */
const INTERNAL_KEY = "__internal";
const VERSION_KEY = "version";

export type LoadProvider = (packageName: string, version: string) => Promise<p.Provider>;

export class ProviderRegistry implements p.ResourceOperations {
  readonly #load: LoadProvider;
  /** Configured providers by reference. */
  readonly #providers = new Map<string, p.Provider>();
  /** Providers checked in this run and not yet configured, by URN. */
  readonly #unconfigured = new Map<string, p.Provider>();
  readonly #started = new Set<p.Provider>();
  /** Old URN of a renamed provider by its new one. */
  readonly #aliases = new Map<string, string>();
  readonly #loading = new Map<string, Promise<void>>();

  constructor(load: LoadProvider) {
    this.#load = load;
  }

  get(reference: string): p.Provider | undefined {
    return this.#providers.get(reference);
  }

  registerAlias(urn: string, alias: string): void {
    this.#aliases.set(urn, alias);
  }

  /** Makes the provider of a saved resource available, configured with its saved inputs. */
  async ensure(
    reference: string,
    olds: (urn: string, id: string) => ResourceState | undefined,
  ): Promise<void> {
    if (reference === "" || this.#providers.has(reference)) return;
    let loading = this.#loading.get(reference);
    if (!loading) {
      const { urn, id } = parseReference(reference),
        state = olds(urn, id);
      if (!state) throw new Error(`could not find provider ${reference} in the state`);
      loading = this.same(state, false);
      this.#loading.set(reference, loading);
    }
    await loading;
  }

  async check({ urn, olds, news, allowUnknowns }: p.CheckRequest): Promise<p.Checked> {
    const provider = await this.#start(urn, news);
    const { inputs, failures } = await provider.checkConfig({
      urn,
      olds: filtered(olds),
      news: filtered(news),
      allowUnknowns,
    });
    if (failures.length) {
      await provider.close();
      return { inputs, failures };
    }
    this.#unconfigured.set(urn, provider);
    const version = news[VERSION_KEY],
      answered = inputs[VERSION_KEY];
    if (version !== undefined && answered !== undefined && !equal(version, answered))
      throw new Error(
        `provider ${urn} attempted to change version from ${JSON.stringify(version)} to ${JSON.stringify(answered)}`,
      );
    const kept = [VERSION_KEY, INTERNAL_KEY]
      .filter((key) => has(news, key))
      .map((key) => [key, news[key] as never] as const);
    return { inputs: mapOf([...Object.entries(inputs), ...kept]), failures: [] };
  }

  async diff({
    urn,
    id,
    oldInputs,
    oldOutputs,
    newInputs,
    allowUnknowns,
    ignoreChanges,
  }: p.DiffRequest): Promise<p.Diff> {
    const provider = this.#unconfigured.get(urn) ?? this.#providers.get(providerReference(urn, id));
    if (!provider) throw new Error(`provider ${urn} has not been loaded`);
    const news = filtered(newInputs);
    const diff = await provider.diffConfig({
      urn,
      oldInputs: filtered(oldInputs),
      oldOutputs,
      newInputs: news,
      allowUnknowns,
      ignoreChanges,
    });
    return diff.changes === "unknown"
      ? { ...diff, changes: equalMaps(oldOutputs, news) ? "none" : "some" }
      : diff;
  }

  /** Takes over an unchanged provider: configured as it was before. */
  async same(state: ResourceState, checked: boolean): Promise<void> {
    const reference = providerReference(state.urn, state.id);
    if (this.#providers.has(reference)) return;
    const provider =
      (checked ? this.#take(state.urn) : undefined) ?? (await this.#start(state.urn, state.inputs));
    await provider.configure({ urn: state.urn, id: state.id, inputs: filtered(state.inputs) });
    this.#set(reference, provider);
  }

  async create({ urn, inputs, preview }: p.CreateRequest): Promise<p.Made> {
    const provider = this.#take(urn) ?? (await this.#start(urn, inputs));
    const id = preview ? UNKNOWN_TEXT : randomUUID(),
      outputs = filtered(inputs);
    await provider.configure({ urn, id, inputs: outputs });
    this.#set(providerReference(urn, id), provider);
    return { id, outputs, refreshBeforeUpdate: false };
  }

  async update({
    urn,
    id,
    newInputs,
  }: p.UpdateRequest): Promise<Pick<p.Made, "outputs" | "refreshBeforeUpdate">> {
    const provider = this.#take(urn);
    if (!provider) throw new Error(`provider ${urn} has not been checked`);
    const outputs = filtered(newInputs);
    await provider.configure({ urn, id, inputs: outputs });
    this.#set(providerReference(urn, id), provider);
    return { outputs, refreshBeforeUpdate: false };
  }

  async delete({ urn, id }: p.DeleteRequest): Promise<void> {
    const reference = providerReference(urn, id),
      provider = this.#providers.get(reference);
    this.#providers.delete(reference);
    await provider?.close();
  }

  /** Tells every provider to give up what it is doing. */
  async cancel(): Promise<void> {
    await Promise.all([...this.#started].map((provider) => provider.cancel()));
  }

  async close(): Promise<void> {
    await Promise.all([...this.#started].map((provider) => provider.close()));
  }

  async #start(urn: string, inputs: ValueMap): Promise<p.Provider> {
    const version = unwrap(inputs[VERSION_KEY] ?? null);
    const provider = await this.#load(
      packageOfProvider(typeOf(urn)),
      typeof version === "string" ? version : "",
    );
    this.#started.add(provider);
    return provider;
  }

  #take(urn: string): p.Provider | undefined {
    const provider = this.#unconfigured.get(urn);
    this.#unconfigured.delete(urn);
    return provider;
  }

  #set(reference: string, provider: p.Provider): void {
    this.#providers.set(reference, provider);
    const { urn, id } = parseReference(reference),
      alias = this.#aliases.get(urn);
    if (alias) this.#providers.set(providerReference(alias, id), provider);
  }
}

/** A provider's inputs as the plugin sees them. */
export function filtered(inputs: ValueMap): ValueMap {
  return has(inputs, INTERNAL_KEY) || has(inputs, VERSION_KEY)
    ? mapOf(Object.entries(inputs).filter(([key]) => key !== INTERNAL_KEY))
    : inputs;
}

/** The inputs of a provider of one version. */
export function withVersion(inputs: ValueMap, version: string): ValueMap {
  if (!version) return inputs;
  const internal = inputs[INTERNAL_KEY];
  return mapOf([
    ...Object.entries(inputs),
    [VERSION_KEY, version],
    [INTERNAL_KEY, isMap(internal) ? internal : mapOf([])],
  ]);
}
