import type { UntypedServiceImplementation } from "@grpc/grpc-js";
import empty from "google-protobuf/google/protobuf/empty_pb.js";
import plugin from "@pulumi/pulumi/proto/plugin_pb.js";
import rpc from "@pulumi/pulumi/proto/provider_pb.js";
import { nodeVersion } from "../../node/formats/release.ts";
import { unary, unimplemented, Unimplemented } from "./calls.ts";
import { checkConfig, diffConfig, homeOf } from "./configuration.ts";
import { ProviderError } from "./errors.ts";
import type { EngineLog } from "./engine-link.ts";
import type { Context } from "./handler.ts";
import { ResourceCalls } from "./resource-calls.ts";
import { contracts } from "./registry.ts";
import { packageSchema } from "./schema.ts";
import { decodeProperties } from "./wire.ts";

/** What the service needs from the process around it. */
export interface Surroundings {
  readonly log: EngineLog | undefined;
  /** Aborted to end every operation under way. */
  readonly abort: AbortController;
}

/** The ResourceProvider service of the package `guts`, method by method. */
export function providerService({ log, abort }: Surroundings): UntypedServiceImplementation {
  let home: string | undefined;
  const context = (urn: string): Context => {
    if (home === undefined) throw new ProviderError("the provider was not configured");
    let last = "";
    return {
      home,
      name: urn.split("::").slice(3).join("::"),
      signal: abort.signal,
      info: (message) => log?.write("info", message, urn),
      warn: (message) => log?.write("warning", message, urn),
      progress: (message) => {
        if (message !== last) log?.write("info", message, urn, true);
        last = message;
      },
    };
  };
  const resources = new ResourceCalls(context, () => log?.flush() ?? Promise.resolve());

  return {
    handshake: unary(handshake),
    getPluginInfo: unary(pluginInfo),
    getSchema: unary((request: rpc.GetSchemaRequest) => getSchema(request)),
    checkConfig: unary(checkConfig),
    diffConfig: unary(diffConfig),
    configure: unary((request: rpc.ConfigureRequest) => {
      home = homeOf(decodeProperties(request.getArgs()).values);
      return configured();
    }),
    check: unary((request: rpc.CheckRequest) => resources.check(request)),
    diff: unary((request: rpc.DiffRequest) => resources.diff(request)),
    create: unary((request: rpc.CreateRequest) => resources.create(request)),
    read: unary((request: rpc.ReadRequest) => resources.read(request)),
    update: unary((request: rpc.UpdateRequest) => resources.update(request)),
    delete: unary((request: rpc.DeleteRequest) => resources.delete(request)),
    invoke: unary((request: rpc.InvokeRequest): rpc.InvokeResponse => {
      throw new Unimplemented(`the provider guts has no function ${request.getTok()}`);
    }),
    cancel: unary(() => {
      abort.abort(new ProviderError("cancelled"));
      return new empty.Empty();
    }),
    call: unimplemented("the provider guts has no methods"),
    construct: unimplemented("the provider guts has no components"),
    parameterize: unimplemented("the provider guts takes no parameters"),
    attach: unimplemented("the provider guts is started by the engine, not attached to"),
    getMapping: unimplemented("the provider guts has no mappings"),
    getMappings: unimplemented("the provider guts has no mappings"),
  };
}

function handshake(): rpc.ProviderHandshakeResponse {
  const response = new rpc.ProviderHandshakeResponse();
  response.setAcceptSecrets(true);
  response.setAcceptResources(false);
  response.setAcceptOutputs(false);
  return response;
}

function configured(): rpc.ConfigureResponse {
  const response = new rpc.ConfigureResponse();
  response.setAcceptsecrets(true);
  response.setSupportspreview(true);
  response.setAcceptresources(false);
  response.setAcceptoutputs(false);
  return response;
}

function pluginInfo(): plugin.PluginInfo {
  const info = new plugin.PluginInfo();
  info.setVersion(nodeVersion.node);
  return info;
}

function getSchema(request: rpc.GetSchemaRequest): rpc.GetSchemaResponse {
  if (request.getVersion() !== 0)
    throw new ProviderError(`got schema version ${request.getVersion()}, allowed: 0`);
  const response = new rpc.GetSchemaResponse();
  response.setSchema(JSON.stringify(packageSchema(contracts)));
  return response;
}
