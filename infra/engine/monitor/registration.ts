/** Reads a registration of the program: options, transforms, dependencies. */
import resourcePb from "@pulumi/pulumi/proto/resource_pb.js";
import type aliasPb from "@pulumi/pulumi/proto/alias_pb.js";
import { join, relative } from "node:path";
import { fileURLToPath } from "node:url";
import type { Alias, Goal } from "../steps/goal.ts";
import { HOOK_KINDS, type CustomTimeouts, type ResourceState } from "../steps/state.ts";
import {
  mapValues,
  OutputValue,
  Secret,
  some,
  Unknown,
  withoutOutputs,
  type Value,
  type ValueMap,
} from "../values/value.ts";
import { decodeStruct, decodeValue, encodeStruct } from "../values/wire.ts";
import type { Callback, CallbackClients } from "./callbacks.ts";

export type RegisterRequest = InstanceType<typeof resourcePb.RegisterResourceRequest>;
type Options = InstanceType<typeof resourcePb.TransformResourceOptions>;
type Hooks = InstanceType<typeof resourcePb.RegisterResourceRequest.ResourceHooksBinding>;

/** A registration while transforms work on it. */
export interface Draft {
  inputs: ValueMap;
  options: Options;
}

/** The request's options, in the message that transforms see. */
export function draftOf(request: RegisterRequest): Draft {
  const o = new resourcePb.TransformResourceOptions();
  o.setDependsOnList(request.getDependenciesList());
  if (request.hasProtect()) o.setProtect(request.getProtect() === true);
  o.setIgnoreChangesList(request.getIgnorechangesList());
  o.setReplaceOnChangesList(request.getReplaceonchangesList());
  o.setVersion(request.getVersion());
  o.setAliasesList(request.getAliasesList());
  o.setProvider(request.getProvider());
  o.setCustomTimeouts(request.getCustomtimeouts());
  o.setPluginDownloadUrl(request.getPlugindownloadurl());
  if (request.hasRetainondelete()) o.setRetainOnDelete(request.getRetainondelete() === true);
  o.setDeletedWith(request.getDeletedwith());
  if (request.getDeletebeforereplacedefined() || request.getDeletebeforereplace())
    o.setDeleteBeforeReplace(request.getDeletebeforereplace());
  o.setAdditionalSecretOutputsList(request.getAdditionalsecretoutputsList());
  request
    .getProvidersMap()
    .forEach((reference: string, name: string) => o.getProvidersMap().set(name, reference));
  o.setHooks(request.getHooks());
  o.setImport(request.getImportid());
  o.setHideDiffList(request.getHidediffsList());
  o.setReplaceWithList(request.getReplaceWithList());
  o.setReplacementTrigger(request.getReplacementTrigger());
  const inputs = decodeStruct(request.getObject());
  return {
    inputs: request.getTransformsList().length ? withDependencies(inputs, request) : inputs,
    options: o,
  };
}

/** Transforms see of every input what it depends on. */
function withDependencies(inputs: ValueMap, request: RegisterRequest): ValueMap {
  return mapValues(inputs, (value, key) => {
    const urns = request.getPropertydependenciesMap().get(key)?.getUrnsList() ?? [];
    if (urns.length === 0 || value instanceof OutputValue) return value;
    const secret = value instanceof Secret,
      plain = secret ? value.element : value;
    return new OutputValue(plain instanceof Unknown ? undefined : plain, secret, urns);
  });
}

/** Lets one transform work on a draft. */
export async function transform(
  callbacks: CallbackClients,
  callback: Callback,
  draft: Draft,
  self: { type: string; name: string; custom: boolean; parent: string },
): Promise<Draft> {
  const request = new resourcePb.TransformRequest();
  request.setType(self.type);
  request.setName(self.name);
  request.setCustom(self.custom);
  request.setParent(self.parent);
  request.setProperties(
    encodeStruct(draft.inputs, { secrets: true, resources: true, outputs: true }),
  );
  request.setOptions(draft.options);
  const response = resourcePb.TransformResponse.deserializeBinary(
    await callbacks.invoke(callback, request.serializeBinary()),
  );
  const properties = response.getProperties();
  return {
    inputs: properties ? decodeStruct(properties) : draft.inputs,
    options: response.getOptions() ?? draft.options,
  };
}

export interface Surroundings {
  readonly root: string;
  readonly type: string;
  readonly parent: string;
  readonly provider: string;
}

/** The goal that a request, after its transforms, asks for. */
export function goalOf(
  request: RegisterRequest,
  { inputs, options: o }: Draft,
  around: Surroundings,
): Goal {
  const { dependencies, propertyDependencies } = dependenciesIn(request, inputs, o);
  return {
    type: around.type,
    name: request.getName(),
    custom: request.getCustom(),
    inputs: mapValues(inputs, withoutOutputs),
    parent: around.parent,
    protect: o.getProtect() === true,
    dependencies,
    provider: around.provider,
    propertyDependencies,
    deleteBeforeReplace: o.hasDeleteBeforeReplace() ? o.getDeleteBeforeReplace() : undefined,
    ignoreChanges: o.getIgnoreChangesList(),
    additionalSecretOutputs: o.getAdditionalSecretOutputsList(),
    aliases: [
      ...request.getAliasurnsList().map((urn) => ({ urn })),
      ...o.getAliasesList().map(aliasOf),
    ],
    importId: o.getImport(),
    customTimeouts: timeoutsOf(o),
    replaceOnChanges: o.getReplaceOnChangesList(),
    replacementTrigger: withoutOutputs(decodeValue(o.getReplacementTrigger()) ?? null),
    retainOnDelete: o.getRetainOnDelete() === true,
    hideDiff: o.getHideDiffList(),
    deletedWith: o.getDeletedWith(),
    replaceWith: o.getReplaceWithList(),
    sourcePosition: sourcePosition(request.getSourceposition(), around.root),
    stackTrace: stackTrace(request.getStacktrace(), around.root),
    hooks: hooksOf(o.getHooks()),
  };
}

function dependenciesIn(
  request: RegisterRequest,
  inputs: ValueMap,
  options: Options,
): { dependencies: string[]; propertyDependencies: Record<string, string[]> } {
  const all = new Set(options.getDependsOnList()),
    transformed = request.getTransformsList().length > 0,
    map = request.getPropertydependenciesMap();
  const propertyDependencies: Record<string, string[]> = {};
  if (!transformed)
    map.forEach(
      (d: { getUrnsList(): string[] }, key: string) =>
        (propertyDependencies[key] = d.getUrnsList()),
    );
  const unlisted = !transformed && map.getLength() === 0 ? request.getDependenciesList() : [];
  for (const [key, value] of Object.entries(inputs)) {
    const urns = new Set([
      ...(propertyDependencies[key] ?? unlisted),
      ...outputDependencies(value),
    ]);
    propertyDependencies[key] = [...urns];
    if (transformed) for (const urn of urns) all.add(urn);
  }
  return { dependencies: [...all], propertyDependencies };
}

function outputDependencies(value: Value): string[] {
  const found: string[] = [];
  some(value, (v) => {
    if (v instanceof OutputValue) found.push(...v.dependencies);
    return false;
  });
  return found;
}

function aliasOf(alias: InstanceType<typeof aliasPb.Alias>): Alias {
  const spec = alias.getSpec();
  if (!spec) return { urn: alias.getUrn() };
  return {
    name: spec.getName(),
    type: spec.getType(),
    stack: spec.getStack(),
    project: spec.getProject(),
    parent: spec.getParenturn(),
    noParent: spec.getNoparent(),
  };
}

function hooksOf(binding: Hooks | undefined): ResourceState["resourceHooks"] {
  if (!binding) return {};
  const names = {
    BeforeCreate: binding.getBeforeCreateList(),
    AfterCreate: binding.getAfterCreateList(),
    BeforeUpdate: binding.getBeforeUpdateList(),
    AfterUpdate: binding.getAfterUpdateList(),
    BeforeDelete: binding.getBeforeDeleteList(),
    AfterDelete: binding.getAfterDeleteList(),
    OnError: binding.getOnErrorList(),
  };
  return Object.fromEntries(
    HOOK_KINDS.flatMap((kind) => (names[kind].length ? [[kind, names[kind]]] : [])),
  );
}

function timeoutsOf(options: Options): CustomTimeouts {
  const t = options.getCustomTimeouts();
  if (!t) return {};
  const given = {
    create: t.getCreate(),
    update: t.getUpdate(),
    delete: t.getDelete(),
    read: t.getRead(),
  };
  return Object.fromEntries(
    Object.entries(given)
      .filter(([, text]) => text !== "")
      .map(([key, text]) => [key, seconds(text)]),
  );
}

const UNITS: Readonly<Record<string, number>> = {
  h: 3600,
  m: 60,
  s: 1,
  ms: 1e-3,
  us: 1e-6,
  µs: 1e-6,
  ns: 1e-9,
};

/** Seconds of a duration such as `1h30m`. */
function seconds(text: string): number {
  const parts = [...text.matchAll(/(\d+(?:\.\d+)?)(h|ms|m|us|µs|ns|s)/g)];
  if (parts.map(([part]) => part).join("") !== text)
    throw new Error(
      `got customTimeouts ${JSON.stringify(text)}, expected a duration such as 5m or 1h30m`,
    );
  return parts.reduce(
    (total, [, count, unit]) => total + Number(count) * (UNITS[unit as string] as number),
    0,
  );
}

type Position = { getUri(): string; getLine(): number; getColumn(): number };

/** Positions in the project, relative to its root; others say nothing to another machine. */
export function sourcePosition(position: Position | undefined, root: string): string {
  if (!position?.getUri().startsWith("file://")) return "";
  const path = relative(root, fileURLToPath(position.getUri()));
  if (path.startsWith("..") || join(root, path) === root) return "";
  const column = position.getColumn() ? `,${position.getColumn()}` : "";
  return `project:///${path.split("\\").join("/")}${position.getLine() ? `#${position.getLine()}${column}` : ""}`;
}

export function stackTrace(
  trace: { getFramesList(): { getPc(): Position | undefined }[] } | undefined,
  root: string,
): object[] {
  return (trace?.getFramesList() ?? []).flatMap((frame) => {
    const position = sourcePosition(frame.getPc(), root);
    return position ? [{ sourcePosition: position }] : [];
  });
}
