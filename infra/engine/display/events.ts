/** Engine events: what a run tells, one JSON object each, in the shape that Pulumi's event log has. */
import { encodeStoredMap, type Json } from "../values/stored.ts";
import type { ResourceState } from "../steps/state.ts";
import type { Diagnostic, StepView } from "../steps/step-events.ts";

interface StateMetadata {
  readonly type: string;
  readonly urn: string;
  readonly custom?: boolean;
  readonly delete?: boolean;
  readonly id: string;
  readonly parent: string;
  readonly protect?: boolean;
  readonly external?: boolean;
  readonly retainOnDelete?: boolean;
  readonly inputs: Record<string, Json>;
  readonly outputs: Record<string, Json>;
  readonly provider: string;
  readonly initErrors?: readonly string[];
}

export interface StepMetadata {
  readonly op: string;
  readonly urn: string;
  readonly type: string;
  readonly old: StateMetadata | null;
  readonly new: StateMetadata | null;
  readonly keys?: readonly string[];
  readonly diffs?: readonly string[];
  readonly detailedDiff: Record<
    string,
    { readonly diffKind: string; readonly inputDiff: boolean }
  > | null;
  readonly logical?: boolean;
  readonly provider: string;
}

/** Counts by step name. */
export type ResourceChanges = Readonly<Record<string, number>>;

export type EventBody =
  | { readonly preludeEvent: { readonly config: Record<string, string> } }
  | {
      readonly resourcePreEvent: {
        readonly metadata: StepMetadata;
        readonly planning?: boolean;
        readonly internal?: boolean;
      };
    }
  | {
      readonly resOutputsEvent: {
        readonly metadata: StepMetadata;
        readonly planning?: boolean;
        readonly internal?: boolean;
      };
    }
  | {
      readonly resOpFailedEvent: {
        readonly metadata: StepMetadata;
        readonly status: number;
        readonly steps: number;
      };
    }
  | {
      readonly diagnosticEvent: {
        readonly urn?: string;
        readonly message: string;
        readonly color: "never";
        readonly severity: string;
        readonly streamID?: number;
        readonly ephemeral?: boolean;
      };
    }
  | {
      readonly summaryEvent: {
        readonly maybeCorrupt: boolean;
        readonly durationSeconds: number;
        readonly resourceChanges: ResourceChanges;
        readonly PolicyPacks: object;
        readonly isPreview: boolean;
        readonly result: "succeeded" | "failed";
      };
    }
  | { readonly cancelEvent: object };

export type EngineEvent = { readonly sequence: number; readonly timestamp: number } & EventBody;
export type EventListener = (event: EngineEvent) => void;

export function stepMetadata(step: StepView, op: string = step.op): StepMetadata {
  return {
    op,
    urn: step.urn,
    type: step.type,
    old: stateMetadata(step.old),
    new: stateMetadata(step.new),
    ...(step.keys.length ? { keys: step.keys } : {}),
    ...(step.diffs.length ? { diffs: step.diffs } : {}),
    detailedDiff: step.detailed
      ? Object.fromEntries(
          Object.entries(step.detailed).map(([path, d]) => [
            path,
            { diffKind: d.kind, inputDiff: d.inputDiff },
          ]),
        )
      : null,
    ...(step.logical ? { logical: true } : {}),
    provider: step.provider,
  };
}

function stateMetadata(state: ResourceState | undefined): StateMetadata | null {
  if (!state) return null;
  const flag = (key: "custom" | "delete" | "protect" | "external" | "retainOnDelete"): object =>
    state[key] ? { [key]: true } : {};
  return {
    type: state.type,
    urn: state.urn,
    ...flag("custom"),
    ...flag("delete"),
    id: state.id,
    parent: state.parent,
    ...flag("protect"),
    ...flag("external"),
    ...flag("retainOnDelete"),
    inputs: encodeStoredMap(state.inputs, "hidden"),
    outputs: encodeStoredMap(state.outputs, "hidden"),
    provider: state.provider,
    ...(state.initErrors.length ? { initErrors: state.initErrors } : {}),
  };
}

export function diagnosticBody({
  severity,
  urn,
  message,
  ephemeral,
  streamId,
}: Diagnostic): EventBody {
  return {
    diagnosticEvent: {
      ...(urn ? { urn } : {}),
      message,
      color: "never",
      severity,
      ...(streamId ? { streamID: streamId } : {}),
      ...(ephemeral ? { ephemeral } : {}),
    },
  };
}
