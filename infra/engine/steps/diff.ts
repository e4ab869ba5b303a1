/** Comparing a resource with what the program wants: the provider's diff, and what the engine adds to it. */
import { diffInputs, type DetailedDiff } from "../values/compare.ts";
import { contains, parsePath, resetPath, type PropertyPath } from "../values/paths.ts";
import type { ValueMap } from "../values/value.ts";
import type { Diff, DiffRequest, ResourceOperations } from "../plugins/provider.ts";

/** Stands for the errors of an unhealthy resource among the paths of `replaceOnChanges`. */
const INIT_ERROR_KEY = "#initerror";

/** The provider's diff; where the provider does not know, the inputs are compared. */
export async function diffResource(
  operations: Pick<ResourceOperations, "diff">,
  request: DiffRequest,
): Promise<Diff> {
  const diff = await operations.diff(request);
  if (diff.changes !== "unknown") return diff;
  const { inputs } = ignoringChanges(request.newInputs, request.oldInputs, request.ignoreChanges);
  const difference = diffInputs(request.oldInputs, inputs);
  if (!difference) return { ...diff, changes: "none" };
  return {
    ...diff,
    changes: "some",
    changedKeys: difference.changedKeys,
    detailed: difference.detailed,
  };
}

/** Makes the changes that `replaceOnChanges` names force a replacement. */
export function applyReplaceOnChanges(
  diff: Diff,
  replaceOnChanges: readonly string[],
  hasInitErrors: boolean,
): Diff {
  if (diff.changes !== "some" && !hasInitErrors) return diff;
  const paths = replaceOnChanges.map(parsed);
  const named = (text: string): boolean => paths.some((path) => contains(path, parsed(text)));
  const keys = new Set([...diff.replaceKeys, ...diff.changedKeys.filter(named)]);
  let changes = diff.changes;
  const detailed: Record<string, DetailedDiff[string]> = {};
  for (const [path, d] of Object.entries(diff.detailed ?? {}))
    detailed[path] = named(path) ? toReplace(d) : d;
  if (hasInitErrors && named(INIT_ERROR_KEY)) {
    keys.add(INIT_ERROR_KEY);
    changes = "some";
  }
  return { ...diff, changes, replaceKeys: [...keys], detailed: diff.detailed && detailed };
}

function parsed(text: string): PropertyPath {
  const path = parsePath(text);
  if (!path)
    throw new Error(`got ${JSON.stringify(text)}, expected a property path such as a.b[0]`);
  return path;
}

function toReplace(d: DetailedDiff[string]): DetailedDiff[string] {
  return d.kind.endsWith("-replace")
    ? d
    : { ...d, kind: `${d.kind}-replace` as DetailedDiff[string]["kind"] };
}

/** The new inputs with the ignored paths put back to the old inputs, and the paths for which that was not possible. */
export function ignoringChanges(
  news: ValueMap,
  olds: ValueMap,
  paths: readonly string[],
): { inputs: ValueMap; invalid: string[] } {
  let inputs = news;
  const invalid: string[] = [];
  for (const text of paths) {
    const path = parsePath(text);
    if (!path) continue;
    const { value, complete } = resetPath(path, olds, inputs);
    inputs = value;
    if (!complete) invalid.push(text);
  }
  return { inputs, invalid };
}
