/** What planning and execution tell the outside: the display, the event log and the state. */
import type { DetailedDiff } from "../values/compare.ts";
import type { ResourceState } from "./state.ts";
import type { Step } from "./step.ts";

export type StepOp =
  | "same"
  | "create"
  | "update"
  | "delete"
  | "replace"
  | "create-replacement"
  | "delete-replaced"
  | "read"
  | "read-replacement"
  | "refresh"
  | "discard"
  | "discard-replaced"
  | "remove-pending-replace"
  | "import"
  | "import-replacement";

/** What there is to know of a step from outside. */
export interface StepView {
  readonly op: StepOp;
  readonly urn: string;
  readonly type: string;
  readonly provider: string;
  readonly old: ResourceState | undefined;
  readonly new: ResourceState | undefined;
  /** Counted and shown as an operation of its own. */
  readonly logical: boolean;
  readonly keys: readonly string[];
  readonly diffs: readonly string[];
  readonly detailed: DetailedDiff | undefined;
}

export type StepStatus = "ok" | "partial" | "unknown";

export interface Diagnostic {
  readonly severity: "debug" | "info" | "info#err" | "warning" | "error";
  readonly urn?: string;
  readonly message: string;
  readonly ephemeral?: boolean;
  readonly streamId?: number;
}

export interface StepEvents {
  diagnostic(diagnostic: Diagnostic): void;
  /** Before a step; resolves once the state says that it is under way. */
  before(step: Step): Promise<void>;
  /** After a step; resolves once the state holds its result. */
  after(step: Step, status: StepStatus, error: Error | undefined): Promise<void>;
  /** A component or the stack has told its outputs. */
  outputs(step: Step): Promise<void>;
  /** The state was rebuilt by a refresh. */
  rebuilt(): Promise<void>;
}
