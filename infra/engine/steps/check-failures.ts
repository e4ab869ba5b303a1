import type { CheckFailure } from "../plugins/provider.ts";
import { nameOf } from "../urn.ts";
import { encodeStored } from "../values/stored.ts";
import { isList, isMap, Secret, type Value } from "../values/value.ts";
import type { ResourceState } from "./state.ts";
import type { StepEvents } from "./step-events.ts";

/** Reports failed checks of inputs; true when there are any. */
export function reportFailures(
  events: StepEvents,
  state: ResourceState,
  failures: readonly CheckFailure[],
): boolean {
  for (const { property, reason } of failures) {
    const value = state.inputs[property];
    const what =
      property === ""
        ? ""
        : `: property ${property} value {${value === undefined ? "<nil>" : shown(value)}}`;
    events.diagnostic({
      severity: "error",
      urn: state.urn,
      message: `${state.type} resource '${nameOf(state.urn)}'${what} has a problem: ${reason}`,
    });
  }
  return failures.length > 0;
}

function shown(value: Value): string {
  if (value instanceof Secret) return "[secret]";
  return isMap(value) || isList(value)
    ? JSON.stringify(encodeStored(value, "hidden"))
    : JSON.stringify(encodeStored(value, "hidden")).replace(/^"|"$/g, "");
}
