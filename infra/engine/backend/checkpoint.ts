/** The checkpoint: Pulumi's deployment format, versions 1 to 4, read and written. */
import { createHash } from "node:crypto";
import { EngineError, unsupported } from "../errors.ts";
import type { Crypter } from "../secrets.ts";
import { HOOK_KINDS, newState, type HookKind, type ResourceState } from "../steps/state.ts";
import {
  decodeStored,
  decodeStoredMap,
  encodeStored,
  encodeStoredMap,
  type Json,
  type SecretDisplay,
} from "../values/stored.ts";
import { isMap } from "../values/value.ts";

export type OperationType = "creating" | "updating" | "deleting" | "reading" | "importing";
export interface PendingOperation {
  readonly resource: ResourceState;
  readonly type: OperationType;
}

export interface Snapshot {
  readonly resources: ResourceState[];
  readonly pendingOperations: readonly PendingOperation[];
  /** The salt string of the secrets in it; undefined for a stack that has never been deployed. */
  readonly salt: string | undefined;
}

/** A checkpoint file as parsed, before its secrets are opened. */
export interface CheckpointFile {
  readonly version: number;
  readonly features?: readonly string[];
  readonly checkpoint: { readonly stack: string; readonly latest?: Latest };
}
interface Latest {
  readonly manifest?: { readonly magic?: string; readonly version?: string };
  readonly secrets_providers?: {
    readonly type: string;
    readonly state?: { readonly salt?: string };
  };
  readonly resources?: readonly ResourceEntry[];
  readonly pending_operations?: readonly {
    readonly resource: ResourceEntry;
    readonly type: OperationType;
  }[];
  readonly metadata?: object;
  readonly snippets?: readonly unknown[];
  readonly extensions?: object;
}
type ResourceEntry = Record<string, unknown> & { urn: string; type: string; custom: boolean };

/** Stands in `manifest.version`, whose SHA-256 is the manifest's `magic`. */
const WRITER = "guts-embedded-engine";
const FEATURES = ["hooks", "replaceWith", "refreshBeforeUpdate", "taint", "byteString"];

/**
 * @throws EngineError when the text is no checkpoint that this engine can read
 */
export function parseCheckpoint(text: string, file: string): CheckpointFile {
  let parsed: CheckpointFile;
  try {
    parsed = JSON.parse(text) as CheckpointFile;
  } catch (error) {
    throw new EngineError(
      `the stack file ${file} is not JSON (${(error as Error).message}): put back ${file}.bak or a file from .pulumi/backups`,
    );
  }
  if (
    typeof parsed !== "object" ||
    parsed === null ||
    typeof parsed.checkpoint !== "object" ||
    parsed.checkpoint === null
  )
    throw new EngineError(
      `the stack file ${file} has no checkpoint: put back ${file}.bak or a file from .pulumi/backups`,
    );
  if (parsed.version > 4)
    throw new EngineError(
      `the stack file ${file} has version ${parsed.version}, readable are 1 to 4: it was written by a newer Pulumi`,
    );
  for (const feature of parsed.features ?? [])
    if (!FEATURES.includes(feature))
      throw unsupported(`the feature ${feature} of the stack file ${file}`);
  const latest = parsed.checkpoint.latest;
  if (latest?.snippets?.length) throw unsupported(`the stack file ${file} with snippets`);
  if (latest?.manifest?.magic && latest.manifest.magic !== magicOf(latest.manifest.version ?? ""))
    throw new EngineError(
      `the manifest of the stack file ${file} does not match its magic: the file has been tampered with`,
    );
  const provider = latest?.secrets_providers?.type;
  if (provider !== undefined && provider !== "" && provider !== "passphrase")
    throw unsupported(`the secrets provider ${provider} of the stack file ${file}`);
  return parsed;
}

export function saltOf(file: CheckpointFile): string | undefined {
  return file.checkpoint.latest?.secrets_providers?.state?.salt;
}

/** True when reading the file needs the passphrase. */
export function holdsSecrets(text: string): boolean {
  return text.includes('"ciphertext"');
}

export function decodeSnapshot(file: CheckpointFile, crypter: Crypter | undefined): Snapshot {
  const latest = file.checkpoint.latest;
  return {
    resources: (latest?.resources ?? []).map((entry) => decodeResource(entry, crypter)),
    pendingOperations: (latest?.pending_operations ?? []).map(({ resource, type }) => ({
      resource: decodeResource(resource, crypter),
      type,
    })),
    salt: saltOf(file),
  };
}

export interface CheckpointContent {
  /** `organization/<project>/<stack>`. */
  readonly stack: string;
  readonly resources: readonly ResourceState[];
  readonly pendingOperations: readonly PendingOperation[];
  readonly crypter: Crypter;
}

export function encodeCheckpoint({
  stack,
  resources,
  pendingOperations,
  crypter,
}: CheckpointContent): string {
  const features = featuresOf([...resources, ...pendingOperations.map((o) => o.resource)]);
  const secrets = { crypter };
  const latest = {
    manifest: { time: new Date().toISOString(), magic: magicOf(WRITER), version: WRITER },
    secrets_providers: { type: "passphrase", state: { salt: crypter.salt } },
    ...(resources.length ? { resources: resources.map((r) => encodeResource(r, secrets)) } : {}),
    ...(pendingOperations.length
      ? {
          pending_operations: pendingOperations.map((o) => ({
            resource: encodeResource(o.resource, secrets),
            type: o.type,
          })),
        }
      : {}),
    metadata: {},
  };
  return JSON.stringify({
    version: features.length ? 4 : 3,
    ...(features.length ? { features } : {}),
    checkpoint: { stack, latest },
  });
}

function featuresOf(resources: readonly ResourceState[]): string[] {
  const used = new Set<string>();
  for (const r of resources) {
    if (Object.keys(r.resourceHooks).length) used.add("hooks");
    if (r.replaceWith.length) used.add("replaceWith");
    if (r.refreshBeforeUpdate) used.add("refreshBeforeUpdate");
    if (r.taint) used.add("taint");
  }
  return [...used].sort();
}

function magicOf(version: string): string {
  return createHash("sha256").update(version).digest("hex");
}

function decodeResource(e: ResourceEntry, crypter: Crypter | undefined): ResourceState {
  if (e.viewOf) throw unsupported(`the view ${e.urn} in the stack file`);
  if (e.extensionRef || e.snippetID)
    throw unsupported(`the parameterized resource ${e.urn} in the stack file`);
  const text = (key: string): string => (typeof e[key] === "string" ? e[key] : "");
  const list = (key: string): string[] =>
    Array.isArray(e[key]) ? (e[key] as unknown[]).map(String) : [];
  const hooks = (e.resourceHooks ?? {}) as Partial<Record<HookKind, string[]>>;
  return newState({
    urn: e.urn,
    type: e.type,
    custom: e.custom === true,
    id: text("id"),
    inputs: decodeStoredMap(e.inputs, crypter),
    outputs: decodeStoredMap(e.outputs, crypter),
    parent: text("parent"),
    provider: text("provider"),
    dependencies: list("dependencies"),
    propertyDependencies: e.propertyDependencies
      ? decodeDependencies(e.propertyDependencies as Record<string, string[] | null>)
      : undefined,
    protect: e.protect === true,
    taint: e.taint === true,
    external: e.external === true,
    retainOnDelete: e.retainOnDelete === true,
    refreshBeforeUpdate: e.refreshBeforeUpdate === true,
    delete: e.delete === true,
    pendingReplacement: e.pendingReplacement === true,
    deletedWith: text("deletedWith"),
    replaceWith: list("replaceWith"),
    initErrors: list("initErrors"),
    additionalSecretOutputs: list("additionalSecretOutputs"),
    ignoreChanges: list("ignoreChanges"),
    replaceOnChanges: list("replaceOnChanges"),
    hideDiff: list("hideDiff"),
    customTimeouts: (e.customTimeouts ?? {}) as ResourceState["customTimeouts"],
    importID: text("importID"),
    replacementTrigger:
      e.replacementTrigger === undefined
        ? null
        : decodeStored(e.replacementTrigger as Json, crypter),
    resourceHooks: Object.fromEntries(
      HOOK_KINDS.flatMap((kind) => (hooks[kind]?.length ? [[kind, hooks[kind]]] : [])),
    ),
    created: text("created"),
    modified: text("modified"),
    sourcePosition: text("sourcePosition"),
    stackTrace: Array.isArray(e.stackTrace) ? (e.stackTrace as unknown[]) : [],
  });
}

function decodeDependencies(json: Record<string, string[] | null>): Record<string, string[]> {
  return Object.fromEntries(Object.entries(json).map(([key, urns]) => [key, urns ?? []]));
}

/** An entry as it stands in the checkpoint: what is empty or false is left out. */
export function encodeResource(r: ResourceState, secrets: SecretDisplay): object {
  const map = (key: string, value: ResourceState["inputs"]): object =>
    Object.keys(value).length ? { [key]: encodeStoredMap(value, secrets) } : {};
  const text = (key: keyof ResourceState): object => (r[key] ? { [key]: r[key] } : {});
  const list = (key: keyof ResourceState): object =>
    (r[key] as readonly unknown[]).length ? { [key]: r[key] } : {};
  const timeouts = Object.fromEntries(
    Object.entries(r.customTimeouts).filter(([, seconds]) => seconds),
  );
  return {
    urn: r.urn,
    custom: r.custom,
    ...text("delete"),
    ...text("id"),
    type: r.type,
    ...map("inputs", r.inputs),
    ...map("outputs", r.outputs),
    ...text("parent"),
    ...text("protect"),
    ...text("taint"),
    ...text("external"),
    ...list("dependencies"),
    ...list("initErrors"),
    ...text("provider"),
    ...(r.propertyDependencies && Object.keys(r.propertyDependencies).length
      ? { propertyDependencies: r.propertyDependencies }
      : {}),
    ...text("pendingReplacement"),
    ...list("additionalSecretOutputs"),
    ...(Object.keys(timeouts).length ? { customTimeouts: timeouts } : {}),
    ...text("importID"),
    ...text("retainOnDelete"),
    ...text("deletedWith"),
    ...list("replaceWith"),
    ...text("created"),
    ...text("modified"),
    ...text("sourcePosition"),
    ...list("stackTrace"),
    ...list("ignoreChanges"),
    ...list("hideDiff"),
    ...list("replaceOnChanges"),
    ...(r.replacementTrigger === null ||
    (isMap(r.replacementTrigger) && Object.keys(r.replacementTrigger).length === 0)
      ? {}
      : { replacementTrigger: encodeStored(r.replacementTrigger, secrets) }),
    ...text("refreshBeforeUpdate"),
    ...(Object.keys(r.resourceHooks).length ? { resourceHooks: r.resourceHooks } : {}),
  };
}
