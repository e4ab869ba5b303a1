/** What the engine asks of a provider, whether a plugin process or one of its own. */
import type { DetailedDiff } from "../values/compare.ts";
import type { ValueMap } from "../values/value.ts";

export interface CheckFailure {
  readonly property: string;
  readonly reason: string;
}
export interface Checked {
  readonly inputs: ValueMap;
  readonly failures: readonly CheckFailure[];
}

export interface Diff {
  readonly changes: "unknown" | "none" | "some";
  /** Properties that force a replacement. */
  readonly replaceKeys: readonly string[];
  readonly changedKeys: readonly string[];
  readonly deleteBeforeReplace: boolean;
  readonly detailed: DetailedDiff | undefined;
}

/** The provider's configuration is unknown in a preview: whether something changes cannot be said. */
export class DiffUnavailable extends Error {}

export interface Made {
  /** Empty in a preview. */
  readonly id: string;
  readonly outputs: ValueMap;
  readonly refreshBeforeUpdate: boolean;
}
export interface Found {
  /** Empty when there is nothing with that id. */
  readonly id: string;
  readonly outputs: ValueMap | undefined;
  /** Undefined when the provider does not say. */
  readonly inputs: ValueMap | undefined;
  readonly refreshBeforeUpdate: boolean;
}

/**
 * A call that did not do what was asked.
 *
 * `partial` says that the thing exists all the same, and in which state; `unknown` that nobody knows.
 */
export class ProviderError extends Error {
  readonly status: "unchanged" | "unknown" | "partial";
  readonly partial:
    | {
        readonly id: string;
        readonly outputs: ValueMap;
        readonly inputs: ValueMap | undefined;
        readonly reasons: readonly string[];
        readonly refreshBeforeUpdate: boolean;
      }
    | undefined;
  constructor(
    message: string,
    status: "unchanged" | "unknown" | "partial",
    partial?: ProviderError["partial"],
  ) {
    super(message);
    this.status = status;
    this.partial = partial;
  }
}

export interface CheckRequest {
  readonly urn: string;
  readonly olds: ValueMap;
  readonly news: ValueMap;
  readonly allowUnknowns: boolean;
  readonly randomSeed: Uint8Array;
}
export interface DiffRequest {
  readonly urn: string;
  readonly id: string;
  readonly oldInputs: ValueMap;
  readonly oldOutputs: ValueMap;
  readonly newInputs: ValueMap;
  readonly allowUnknowns: boolean;
  readonly ignoreChanges: readonly string[];
}
export interface CreateRequest {
  readonly urn: string;
  readonly inputs: ValueMap;
  readonly timeoutSeconds: number;
  readonly preview: boolean;
}
export interface UpdateRequest extends Omit<DiffRequest, "allowUnknowns"> {
  readonly timeoutSeconds: number;
  readonly preview: boolean;
}
export interface ReadRequest {
  readonly urn: string;
  readonly id: string;
  readonly inputs: ValueMap;
  readonly outputs: ValueMap;
  readonly timeoutSeconds: number;
}
export type DeleteRequest = ReadRequest;
export interface InvokeRequest {
  readonly token: string;
  readonly args: ValueMap;
  readonly preview: boolean;
}
export interface Invoked {
  readonly result: ValueMap;
  readonly failures: readonly CheckFailure[];
}

/** The operations on resources. Provider resources are served by the registry, all others by a plugin. */
export interface ResourceOperations {
  check(request: CheckRequest): Promise<Checked>;
  diff(request: DiffRequest): Promise<Diff>;
  create(request: CreateRequest): Promise<Made>;
  update(request: UpdateRequest): Promise<Pick<Made, "outputs" | "refreshBeforeUpdate">>;
  delete(request: DeleteRequest): Promise<void>;
}

export interface Provider extends ResourceOperations {
  checkConfig(request: Omit<CheckRequest, "randomSeed">): Promise<Checked>;
  diffConfig(request: Omit<DiffRequest, "id">): Promise<Diff>;
  configure(request: {
    readonly urn: string;
    readonly id: string;
    readonly inputs: ValueMap;
  }): Promise<void>;
  read(request: ReadRequest): Promise<Found>;
  invoke(request: InvokeRequest): Promise<Invoked>;
  cancel(): Promise<void>;
  close(): Promise<void>;
}

/** True when the diff calls for a replacement. */
export function replaces(diff: Pick<Diff, "replaceKeys" | "detailed">): boolean {
  return (
    diff.replaceKeys.length > 0 ||
    Object.values(diff.detailed ?? {}).some((d) => d.kind.endsWith("-replace"))
  );
}
