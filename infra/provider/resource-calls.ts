import empty from "google-protobuf/google/protobuf/empty_pb.js";
import type { Struct } from "google-protobuf/google/protobuf/struct_pb.js";
import rpc from "@pulumi/pulumi/proto/provider_pb.js";
import { valueAt } from "./differences.ts";
import { ProviderError } from "./errors.ts";
import type { Context, Difference, Handler, Recorded } from "./handler.ts";
import { handlerOf } from "./registry.ts";
import { schemaProblems, withDefaults, withUnknowns } from "./values.ts";
import { decodeProperties, encodeProperties, hasUnknown, type PlainObject } from "./wire.ts";

interface Target {
  getUrn(): string;
}
type Known = Recorded<PlainObject, PlainObject>;

/**
 * The calls of the protocol that speak of one resource: decodes, hands plain values to its handler,
 * and encodes the answer. An output keeps the secrecy of the input of the same name.
 */
export class ResourceCalls {
  readonly #context: (urn: string) => Context;
  readonly #settled: () => Promise<void>;

  /** @param settled resolves when the messages of an operation have reached the user */
  constructor(context: (urn: string) => Context, settled: () => Promise<void>) {
    this.#context = context;
    this.#settled = settled;
  }

  async check(request: rpc.CheckRequest): Promise<rpc.CheckResponse> {
    const { handler, context } = await this.#target(request);
    const { values, secrets } = decodeProperties(request.getNews());
    const olds = decodeProperties(request.getOlds()).values;
    const { inputs: schema } = handler.contract;
    let inputs = withDefaults(schema, values);
    const problems = schemaProblems(schema, inputs);
    if (problems.length === 0) {
      inputs = ((await handler.complete?.(inputs, context)) ?? inputs) as PlainObject;
      const old = Object.keys(olds).length > 0 ? olds : undefined;
      problems.push(...(handler.check?.(inputs, old) ?? []));
    }
    const response = new rpc.CheckResponse();
    response.setInputs(encodeProperties(inputs, secrets));
    for (const { property, reason } of problems) {
      const failure = new rpc.CheckFailure();
      failure.setProperty(property);
      failure.setReason(reason);
      response.addFailures(failure);
    }
    return response;
  }

  async diff(request: rpc.DiffRequest): Promise<rpc.DiffResponse> {
    const { handler, context } = await this.#target(request);
    const { values } = decodeProperties(request.getNews());
    const old = known(request.getId(), request.getOldInputs(), request.getOlds());
    const ignored = request.getIgnorechangesList();
    const difference = handler.diff(old, values, context);
    const counted = difference.changes.filter(
      ({ path }) => !ignored.some((name) => path === name || path.startsWith(`${name}.`)),
    );
    return differenceResponse({ ...difference, changes: counted });
  }

  async create(request: rpc.CreateRequest): Promise<rpc.CreateResponse> {
    const { handler, context } = await this.#target(request);
    const { values, secrets } = decodeProperties(request.getProperties());
    const response = new rpc.CreateResponse();
    if (request.getPreview()) {
      const planned = await handler.planCreate(values, context);
      response.setProperties(encodeProperties(this.#planned(handler, values, planned), secrets));
    } else {
      refuseUnknown(context.name, values);
      const { id, state } = await handler.create(values, context);
      response.setId(id);
      response.setProperties(encodeProperties(state, secrets));
    }
    await this.#settled();
    return response;
  }

  async read(request: rpc.ReadRequest): Promise<rpc.ReadResponse> {
    const { handler, context } = await this.#target(request);
    const old = known(request.getId(), request.getInputs(), request.getProperties());
    const inputs = decodeProperties(request.getInputs());
    const { secrets } = decodeProperties(request.getProperties());
    if (Object.keys(old.state).length === 0)
      throw new ProviderError(
        `${handler.contract.token} cannot be imported: creating it adopts what is there already`,
      );
    const found = await handler.read(old, context);
    const response = new rpc.ReadResponse();
    if (found !== undefined) {
      response.setId(request.getId());
      response.setProperties(encodeProperties(found.state, secrets));
      response.setInputs(encodeProperties(found.inputs ?? inputs.values, inputs.secrets));
    }
    await this.#settled();
    return response;
  }

  async update(request: rpc.UpdateRequest): Promise<rpc.UpdateResponse> {
    const { handler, context } = await this.#target(request);
    const { values, secrets } = decodeProperties(request.getNews());
    const old = known(request.getId(), request.getOldInputs(), request.getOlds());
    const response = new rpc.UpdateResponse();
    if (request.getPreview()) {
      const planned = await handler.planUpdate(old, values, context);
      response.setProperties(encodeProperties(this.#planned(handler, values, planned), secrets));
    } else {
      refuseUnknown(context.name, values);
      const state = await handler.update(old, values, context);
      response.setProperties(encodeProperties(state, secrets));
    }
    await this.#settled();
    return response;
  }

  async delete(request: rpc.DeleteRequest): Promise<empty.Empty> {
    const { handler, context } = await this.#target(request);
    await handler.delete(
      known(request.getId(), request.getOldInputs(), request.getProperties()),
      context,
    );
    await this.#settled();
    return new empty.Empty();
  }

  async #target(request: Target): Promise<{ handler: Handler; context: Context }> {
    const urn = request.getUrn();
    const token = urn.split("::")[2]?.split("$").at(-1) ?? "";
    return { handler: await handlerOf(token), context: this.#context(urn) };
  }

  /** Inputs that are outputs too are known as asked for; the rest is what the handler could tell. */
  #planned(handler: Handler, inputs: PlainObject, planned: object): PlainObject {
    const { state } = handler.contract;
    const echoed = Object.entries(inputs).filter(([key]) => key in state.properties);
    return withUnknowns(state, { ...Object.fromEntries(echoed), ...planned });
  }
}

function known(id: string, inputs: Struct | undefined, state: Struct | undefined): Known {
  return { id, inputs: decodeProperties(inputs).values, state: decodeProperties(state).values };
}

function refuseUnknown(name: string, inputs: PlainObject): void {
  const unknown = Object.keys(inputs).filter((key) => hasUnknown(valueAt(inputs, key)));
  if (unknown.length > 0)
    throw new ProviderError(`${name}: got no value for ${unknown.join(", ")} outside a preview`);
}

function differenceResponse({ changes, deleteBeforeReplace }: Difference): rpc.DiffResponse {
  const { DiffChanges } = rpc.DiffResponse;
  const response = new rpc.DiffResponse();
  response.setChanges(changes.length > 0 ? DiffChanges.DIFF_SOME : DiffChanges.DIFF_NONE);
  response.setDeletebeforereplace(deleteBeforeReplace ?? false);
  response.setHasdetaileddiff(true);
  const top = (path: string) => path.split(/[.[]/, 1)[0] as string;
  const names = (list: Difference["changes"]) => [...new Set(list.map(({ path }) => top(path)))];
  response.setDiffsList(names(changes));
  response.setReplacesList(names(changes.filter(({ replace }) => replace)));
  const details = response.getDetaileddiffMap();
  for (const { path, kind, replace = false, input = true } of changes) {
    const detail = new rpc.PropertyDiff();
    detail.setKind(kindOf(kind, replace));
    detail.setInputdiff(input);
    details.set(path, detail);
  }
  return response;
}

function kindOf(kind: "add" | "delete" | "update", replace: boolean) {
  const { Kind } = rpc.PropertyDiff;
  switch (kind) {
    case "add":
      return replace ? Kind.ADD_REPLACE : Kind.ADD;
    case "delete":
      return replace ? Kind.DELETE_REPLACE : Kind.DELETE;
    case "update":
      return replace ? Kind.UPDATE_REPLACE : Kind.UPDATE;
  }
}
