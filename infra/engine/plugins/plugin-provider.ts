/** A provider served by a plugin process, over the provider protocol. */
import { status } from "@grpc/grpc-js";
import providerPb from "@pulumi/pulumi/proto/provider_pb.js";
import { nameOf, packageOfProvider, typeOf } from "../urn.ts";
import { containsUnknown, EMPTY, unwrap, type ValueMap } from "../values/value.ts";
import {
  diffOf,
  failuresOf,
  initFailure,
  isUncertain,
  markSecrets,
  plainError,
  refuseUnknowns,
} from "./answers.ts";
import { decodeStruct, encodeStruct, type WireOptions } from "../values/wire.ts";
import type { PluginProcess, ProviderClient } from "./process.ts";
import * as p from "./provider.ts";
import { call, isRpcError } from "./rpc.ts";

const PLAIN: WireOptions = { secrets: false, resources: false };

interface Protocol {
  readonly secrets: boolean;
  readonly resources: boolean;
  readonly preview: boolean;
}

export class PluginProvider implements p.Provider {
  readonly #process: PluginProcess;
  readonly #client: ProviderClient;
  #protocol: Protocol;
  /** False after a preview's Configure was left out because part of the configuration is unknown. */
  #known = true;
  #closed: Promise<void> | undefined;

  constructor(plugin: PluginProcess) {
    this.#process = plugin;
    this.#client = plugin.client;
    const h = plugin.handshake;
    this.#protocol = h
      ? { secrets: h.getAcceptSecrets(), resources: h.getAcceptResources(), preview: true }
      : { secrets: false, resources: false, preview: false };
  }

  async checkConfig({ urn, olds, news }: Omit<p.CheckRequest, "randomSeed">): Promise<p.Checked> {
    const request = new providerPb.CheckRequest();
    identify(request, urn);
    request.setOlds(encodeStruct(olds, PLAIN));
    request.setNews(encodeStruct(news, PLAIN));
    const response = await this.#optional<providerPb.CheckResponse>("checkConfig", request);
    return response
      ? {
          inputs: markSecrets(decodeStruct(response.getInputs()), news),
          failures: failuresOf(response),
        }
      : { inputs: news, failures: [] };
  }

  async diffConfig({
    urn,
    oldInputs,
    oldOutputs,
    newInputs,
    ignoreChanges,
  }: p.DiffRequest): Promise<p.Diff> {
    const request = new providerPb.DiffRequest();
    identify(request, urn);
    request.setOlds(encodeStruct(oldOutputs, PLAIN));
    request.setOldInputs(encodeStruct(oldInputs, PLAIN));
    request.setNews(encodeStruct(newInputs, PLAIN));
    request.setIgnorechangesList([...ignoreChanges]);
    const response = await this.#optional<providerPb.DiffResponse>("diffConfig", request);
    return response
      ? diffOf(response)
      : {
          changes: "unknown",
          replaceKeys: [],
          changedKeys: [],
          deleteBeforeReplace: false,
          detailed: undefined,
        };
  }

  async configure({
    urn,
    id,
    inputs,
  }: {
    urn: string;
    id: string;
    inputs: ValueMap;
  }): Promise<void> {
    this.#known = !containsUnknown(inputs);
    if (!this.#known) return;
    const request = new providerPb.ConfigureRequest();
    const { version: _, ...config } = inputs;
    for (const [key, value] of Object.entries(config)) {
      const plain = unwrap(value);
      const text =
        typeof plain === "string"
          ? plain
          : JSON.stringify(encodeStruct({ value: plain }, PLAIN).toJavaScript().value);
      request.getVariablesMap().set(`${packageOfProvider(typeOf(urn))}:config:${key}`, text);
    }
    request.setArgs(
      encodeStruct(inputs, {
        secrets: this.#protocol.secrets || !this.#process.handshake,
        resources: true,
      }),
    );
    request.setAcceptsecrets(true);
    request.setAcceptresources(true);
    request.setSendsOldInputs(true);
    request.setSendsOldInputsToDelete(true);
    request.setId(id);
    request.setUrn(urn);
    request.setName(nameOf(urn));
    request.setType(typeOf(urn));
    const response = await this.#call<providerPb.ConfigureResponse>("configure", request);
    if (!this.#process.handshake)
      this.#protocol = {
        secrets: response.getAcceptsecrets(),
        resources: response.getAcceptresources(),
        preview: response.getSupportspreview(),
      };
  }

  async check({ urn, olds, news, allowUnknowns, randomSeed }: p.CheckRequest): Promise<p.Checked> {
    if (!this.#known) return { inputs: news, failures: [] };
    const request = new providerPb.CheckRequest();
    identify(request, urn);
    request.setOlds(this.#encode(olds));
    request.setNews(this.#encode(news, !allowUnknowns));
    request.setRandomseed(randomSeed);
    const response = await this.#call<providerPb.CheckResponse>("check", request);
    return {
      inputs: this.#secrets(decodeStruct(response.getInputs()), news),
      failures: failuresOf(response),
    };
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
    if (!this.#known)
      throw new p.DiffUnavailable(
        `The provider for this resource has inputs that are not known during preview.\nThis preview may not correctly represent the changes that will be applied during an update.`,
      );
    const request = new providerPb.DiffRequest();
    identify(request, urn);
    request.setId(id);
    request.setOlds(this.#encodeHashes(oldOutputs));
    request.setOldInputs(this.#encodeHashes(oldInputs));
    request.setNews(this.#encodeHashes(newInputs, !allowUnknowns));
    request.setIgnorechangesList([...ignoreChanges]);
    return diffOf(await this.#call<providerPb.DiffResponse>("diff", request));
  }

  async create({ urn, inputs, timeoutSeconds, preview }: p.CreateRequest): Promise<p.Made> {
    if (!this.#known) return { id: "", outputs: EMPTY, refreshBeforeUpdate: false };
    if (preview && !this.#protocol.preview)
      return { id: "", outputs: inputs, refreshBeforeUpdate: false };
    const request = new providerPb.CreateRequest();
    identify(request, urn);
    request.setProperties(this.#encode(inputs, !preview));
    request.setTimeout(timeoutSeconds);
    request.setPreview(preview);
    const response = await this.#operation<providerPb.CreateResponse>("create", request, inputs);
    const outputs = this.#secrets(decodeStruct(response.getProperties()), inputs);
    refuseUnknowns(outputs, preview, urn, "Create");
    return {
      id: response.getId(),
      outputs,
      refreshBeforeUpdate: response.getRefreshBeforeUpdate(),
    };
  }

  async update({
    urn,
    id,
    oldInputs,
    oldOutputs,
    newInputs,
    ignoreChanges,
    timeoutSeconds,
    preview,
  }: p.UpdateRequest): Promise<Pick<p.Made, "outputs" | "refreshBeforeUpdate">> {
    if (!this.#known) return { outputs: EMPTY, refreshBeforeUpdate: false };
    if (preview && !this.#protocol.preview)
      return { outputs: newInputs, refreshBeforeUpdate: false };
    const request = new providerPb.UpdateRequest();
    identify(request, urn);
    request.setId(id);
    request.setOlds(this.#encodeHashes(oldOutputs));
    request.setOldInputs(this.#encodeHashes(oldInputs));
    request.setNews(this.#encode(newInputs, !preview));
    request.setTimeout(timeoutSeconds);
    request.setIgnorechangesList([...ignoreChanges]);
    request.setPreview(preview);
    const response = await this.#operation<providerPb.UpdateResponse>("update", request, newInputs);
    const outputs = this.#secrets(decodeStruct(response.getProperties()), newInputs);
    refuseUnknowns(outputs, preview, urn, "Update");
    return { outputs, refreshBeforeUpdate: response.getRefreshBeforeUpdate() };
  }

  async read({ urn, id, inputs, outputs, timeoutSeconds }: p.ReadRequest): Promise<p.Found> {
    if (!this.#known) return { id, outputs: EMPTY, inputs: undefined, refreshBeforeUpdate: false };
    const request = new providerPb.ReadRequest();
    identify(request, urn);
    request.setId(id);
    request.setProperties(this.#encodeHashes(outputs));
    request.setInputs(this.#encodeHashes(inputs));
    request.setTimeout(timeoutSeconds);
    const response = await this.#operation<providerPb.ReadResponse>("read", request, inputs);
    const found = response.getInputs();
    return {
      id: response.getId(),
      outputs:
        response.getId() === ""
          ? undefined
          : this.#secrets(this.#secrets(decodeStruct(response.getProperties()), inputs), outputs),
      inputs: found ? this.#secrets(decodeStruct(found), inputs) : undefined,
      refreshBeforeUpdate: response.getRefreshBeforeUpdate(),
    };
  }

  async delete({ urn, id, inputs, outputs, timeoutSeconds }: p.DeleteRequest): Promise<void> {
    const request = new providerPb.DeleteRequest();
    identify(request, urn);
    request.setId(id);
    request.setProperties(this.#encodeHashes(outputs));
    request.setOldInputs(this.#encodeHashes(inputs));
    request.setTimeout(timeoutSeconds);
    await this.#operation("delete", request, inputs);
  }

  async invoke({ token, args, preview }: p.InvokeRequest): Promise<p.Invoked> {
    if (!this.#known) return { result: EMPTY, failures: [] };
    const request = new providerPb.InvokeRequest();
    request.setTok(token);
    request.setArgs(this.#encode(args));
    request.setPreview(preview);
    const response = await this.#call<providerPb.InvokeResponse>("invoke", request);
    return {
      result: this.#secrets(decodeStruct(response.getReturn()), args),
      failures: failuresOf(response),
    };
  }

  cancel(): Promise<void> {
    return this.#process.cancel();
  }

  close(): Promise<void> {
    return (this.#closed ??= this.#process.close());
  }

  #encode(map: ValueMap, dropUnknowns = false): ReturnType<typeof encodeStruct> {
    return encodeStruct(map, { ...this.#protocol, dropUnknowns });
  }

  /** Where assets are only compared, their hash says enough. */
  #encodeHashes(map: ValueMap, dropUnknowns = false): ReturnType<typeof encodeStruct> {
    return encodeStruct(map, { ...this.#protocol, elideAssets: true, dropUnknowns });
  }

  #secrets(values: ValueMap, origin: ValueMap): ValueMap {
    return this.#protocol.secrets ? values : markSecrets(values, origin);
  }

  #call<Response>(method: keyof ProviderClient & string, request: object): Promise<Response> {
    return call<object, Response>(this.#client as never, this.#client[method] as never, request);
  }

  async #optional<Response>(
    method: keyof ProviderClient & string,
    request: object,
  ): Promise<Response | undefined> {
    try {
      return await this.#call<Response>(method, request);
    } catch (error) {
      if (isRpcError(error) && error.code === status.UNIMPLEMENTED) return undefined;
      throw plainError(error);
    }
  }

  async #operation<Response>(
    method: keyof ProviderClient & string,
    request: object,
    inputs: ValueMap,
  ): Promise<Response> {
    try {
      return await this.#call<Response>(method, request);
    } catch (error) {
      if (!isRpcError(error)) throw error;
      const partial = initFailure(error);
      if (!partial)
        throw new p.ProviderError(error.details, isUncertain(error) ? "unknown" : "unchanged");
      const outputs = this.#secrets(decodeStruct(partial.getProperties()), inputs),
        reasons = partial.getReasonsList();
      const found = partial.getInputs();
      throw new p.ProviderError(
        `${reasons.length} error${reasons.length === 1 ? "" : "s"} occurred:\n${reasons.map((r) => `\t* ${r}`).join("\n")}`,
        "partial",
        {
          id: partial.getId(),
          outputs,
          reasons,
          inputs:
            found && Object.keys(found.toJavaScript()).length
              ? this.#secrets(decodeStruct(found), inputs)
              : undefined,
          refreshBeforeUpdate: partial.getRefreshBeforeUpdate(),
        },
      );
    }
  }
}

function identify(
  request: {
    setUrn(urn: string): unknown;
    setName(name: string): unknown;
    setType(type: string): unknown;
  },
  urn: string,
): void {
  request.setUrn(urn);
  request.setName(nameOf(urn));
  request.setType(typeOf(urn));
}
