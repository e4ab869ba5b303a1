/** What the program asks for. */
import type { Value, ValueMap } from "../values/value.ts";
import type { CustomTimeouts, ResourceState } from "./state.ts";

/** Another URN a resource may be found under; unset parts are the resource's own. */
export type Alias =
  | { readonly urn: string }
  | {
      readonly name: string;
      readonly type: string;
      readonly stack: string;
      readonly project: string;
      readonly parent: string;
      readonly noParent: boolean;
    };

export interface Goal {
  readonly type: string;
  readonly name: string;
  readonly custom: boolean;
  readonly inputs: ValueMap;
  readonly parent: string;
  readonly protect: boolean;
  readonly dependencies: readonly string[];
  readonly provider: string;
  readonly propertyDependencies: Readonly<Record<string, readonly string[]>>;
  /** Undefined leaves it to the provider. */
  readonly deleteBeforeReplace: boolean | undefined;
  readonly ignoreChanges: readonly string[];
  readonly additionalSecretOutputs: readonly string[];
  readonly aliases: readonly Alias[];
  readonly importId: string;
  readonly customTimeouts: CustomTimeouts;
  readonly replaceOnChanges: readonly string[];
  readonly replacementTrigger: Value;
  readonly retainOnDelete: boolean;
  readonly hideDiff: readonly string[];
  readonly deletedWith: string;
  readonly replaceWith: readonly string[];
  readonly sourcePosition: string;
  readonly stackTrace: readonly unknown[];
  readonly hooks: ResourceState["resourceHooks"];
}

export interface RegisterResult {
  readonly state: ResourceState;
  readonly result: "success" | "fail" | "skip";
  /** The outputs are unknown: the resource was left out of this run. */
  readonly unknown?: boolean;
}

export interface Registration {
  readonly kind: "register";
  readonly goal: Goal;
  done(result: RegisterResult): void;
}

export interface ReadEvent {
  readonly kind: "read";
  readonly id: string;
  readonly name: string;
  readonly type: string;
  readonly parent: string;
  readonly provider: string;
  readonly inputs: ValueMap;
  readonly dependencies: readonly string[];
  readonly additionalSecretOutputs: readonly string[];
  readonly sourcePosition: string;
  readonly stackTrace: readonly unknown[];
  done(state: ResourceState): void;
}

export interface OutputsEvent {
  readonly kind: "outputs";
  readonly urn: string;
  readonly outputs: ValueMap;
  done(): void;
  /** The registration it belongs to is not known. */
  fail(error: Error): void;
}

export type SourceEvent = Registration | ReadEvent | OutputsEvent;
