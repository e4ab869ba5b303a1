/** A resource that exists: unchanged, updated, or replaced in one of the two orders. */
import { AlreadyReported } from "../errors.ts";
import { DiffUnavailable, replaces, type Diff } from "../plugins/provider.ts";
import { filtered } from "../plugins/registry.ts";
import { isProviderType, parseReference } from "../urn.ts";
import { equal, equalMaps } from "../values/compare.ts";
import { containsUnknown, mapValues, UNKNOWN, unwrap, type Value } from "../values/value.ts";
import { reportFailures } from "./check-failures.ts";
import { applyReplaceOnChanges, diffResource } from "./diff.ts";
import { DeleteStep, quoteForShell } from "./other-steps.ts";
import type { Candidate, Planner } from "./planner.ts";
import { CreateStep, ReplaceStep, UpdateStep } from "./register-steps.ts";
import { providerUrnOf, type ResourceState } from "./state.ts";
import type { Step } from "./step.ts";

type Existing = Candidate & { readonly old: ResourceState };
/** A resource that goes and comes back with another one, and the inputs that make it so. */
interface Dependent {
  readonly state: ResourceState;
  readonly keys: readonly string[];
}

const SOME: Diff = {
  changes: "some",
  replaceKeys: [],
  changedKeys: [],
  deleteBeforeReplace: false,
  detailed: undefined,
};
const NONE: Diff = { ...SOME, changes: "none" };

/** The steps that a changed resource needs; none when it is unchanged. */
export async function changeSteps(planner: Planner, candidate: Existing): Promise<Step[]> {
  const { deployment } = planner,
    { old, news, goal, registration, urn } = candidate;
  const triggered = triggersReplacement(planner, candidate);
  const unhealthy = old.initErrors.length > 0;
  const diff = applyReplaceOnChanges(
    triggered ? SOME : await difference(planner, candidate),
    goal.replaceOnChanges,
    unhealthy,
  );
  const details = { diffs: diff.changedKeys, detailed: diff.detailed };
  if (diff.changes === "some" || old.pendingReplacement) {
    if (replaces(diff) || triggered || old.pendingReplacement)
      return replacementSteps(planner, candidate, diff);
  } else if (!unhealthy) return [];
  planner.updates.add(urn);
  return [new UpdateStep(deployment, registration, old, news, goal.ignoreChanges, details)];
}

/** `replacementTrigger` changed. Null on either side never triggers; an unknown always does, and must not be there outside a preview. */
function triggersReplacement(planner: Planner, { news, old, urn }: Existing): boolean {
  const { preview } = planner.deployment.options;
  if (!preview && containsUnknown(news.replacementTrigger)) {
    planner.sawError = true;
    throw report(planner, urn, `replacement trigger contains unknowns for ${urn}`);
  }
  const now = unwrap(news.replacementTrigger),
    before = unwrap(old.replacementTrigger);
  if (containsUnknown(now) || containsUnknown(before)) return true;
  return now !== null && before !== null && !equal(now, before);
}

async function difference(planner: Planner, candidate: Existing): Promise<Diff> {
  const { urn, old, news, operations, goal } = candidate,
    { options, events } = planner.deployment;
  if (planner.isTargetedReplace(urn, old)) return { ...SOME, replaceKeys: ["id"] };
  if (news.replaceWith.some((other) => planner.replaces.has(other)))
    return { ...SOME, replaceKeys: ["replaceWith"] };
  if (news.deletedWith && planner.replaces.has(news.deletedWith))
    return { ...SOME, replaceKeys: ["deletedWith"] };
  if (await providerChanged(planner, old, news)) return { ...SOME, replaceKeys: ["provider"] };
  if (!operations) return equalMaps(old.inputs, news.inputs) ? NONE : SOME;
  try {
    return await diffResource(operations, {
      urn,
      id: old.id,
      oldInputs: old.inputs,
      oldOutputs: old.outputs,
      newInputs: news.inputs,
      allowUnknowns: options.preview,
      ignoreChanges: goal.ignoreChanges,
    });
  } catch (error) {
    if (!(error instanceof DiffUnavailable)) throw error;
    events.diagnostic({ severity: "warning", urn, message: error.message });
    return SOME;
  }
}

/** Whether another provider means another resource: the new provider's DiffConfig decides. */
async function providerChanged(
  planner: Planner,
  old: ResourceState,
  news: ResourceState,
): Promise<boolean> {
  if (old.provider === news.provider) return false;
  if (old.provider === "" || news.provider === "") return true;
  const before = parseReference(old.provider),
    after = parseReference(news.provider),
    { deployment } = planner;
  if (planner.aliases.renamed(before.urn) === after.urn) return false;
  const oldProvider = deployment.old(before.urn),
    newProvider = planner.providers.get(after.urn) ?? deployment.old(after.urn);
  if (!oldProvider || !newProvider)
    throw new Error(
      `the state holds no provider ${oldProvider ? after.urn : before.urn}, which ${news.urn} refers to`,
    );
  const diff = await deployment.providerOf(news).diffConfig({
    urn: after.urn,
    oldInputs: filtered(oldProvider.inputs),
    oldOutputs: oldProvider.outputs,
    newInputs: filtered(newProvider.inputs),
    allowUnknowns: true,
    ignoreChanges: [],
  });
  return replaces(diff);
}

async function replacementSteps(
  planner: Planner,
  candidate: Existing,
  diff: Diff,
): Promise<Step[]> {
  const { deployment } = planner,
    { urn, old, news, goal, registration, operations } = candidate,
    { preview, ignoreProtect } = deployment.options;
  if (news.protect && old.protect && !ignoreProtect) {
    planner.sawError = true;
    const error = report(
      planner,
      urn,
      `unable to replace resource ${JSON.stringify(urn)}\nas it is currently marked for protection. To unprotect the resource, remove the \`protect\` flag from the resource in your Pulumi program and run \`pulumi up\``,
    );
    if (!preview) throw error;
  }
  if (goal.importId !== "") refuseImported(planner, candidate, diff);
  planner.replaces.add(urn);
  if (operations && !planner.isTargetedReplace(urn, old)) {
    const checked = await operations.check({
      urn,
      olds: {},
      news: goal.inputs,
      allowUnknowns: preview,
      randomSeed: candidate.randomSeed,
    });
    if (reportFailures(deployment.events, news, checked.failures))
      throw new AlreadyReported(`resource ${urn} has check errors`);
    news.inputs = checked.inputs;
  }
  const details = { keys: diff.replaceKeys, diffs: diff.changedKeys, detailed: diff.detailed };
  if (!(goal.deleteBeforeReplace ?? diff.deleteBeforeReplace))
    return [
      new CreateStep(deployment, registration, old, news, true, details),
      new ReplaceStep(deployment, registration, old, news, details),
    ];
  const deletes = await deletesBefore(planner, candidate);
  return [
    ...deletes,
    new ReplaceStep(deployment, registration, old, news, details),
    new CreateStep(deployment, registration, old, news, false, details),
  ];
}

function refuseImported(planner: Planner, { urn, old, news }: Existing, diff: Diff): void {
  const show = (value: Value | undefined): string =>
    value === undefined ? "<nil>" : JSON.stringify(unwrap(value));
  const changes = diff.replaceKeys
    .map((key) => `${key}: ${show(old.inputs[key])} => ${show(news.inputs[key])}`)
    .join("\n");
  const message = `previously-imported resources that still specify an ID may not be replaced; please remove the \`import\` declaration from your program;\n${changes}`;
  if (!planner.deployment.options.preview) throw new Error(message);
  planner.deployment.events.diagnostic({ severity: "warning", urn, message });
}

/** Deletes the dependents that must go too, last ones first, and then the resource itself. */
async function deletesBefore(planner: Planner, { urn, old }: Existing): Promise<Step[]> {
  const { deployment } = planner,
    steps: Step[] = [];
  const known = !deployment.options.preview || deployment.graph.contains(old);
  const dependents = [
    ...(known ? await dependentReplacements(planner, old) : []),
    ...cascades(planner, urn),
  ];
  for (const { state, keys } of dependents.toReversed()) {
    if (planner.pendingDeletes.has(state)) continue;
    planner.dependentReplaceKeys.set(state.urn, keys);
    if (state.delete) steps.push(new DeleteStep(deployment, state, planner.deletes));
    else {
      if (state.protect && !deployment.options.ignoreProtect) {
        planner.sawError = true;
        throw report(
          planner,
          urn,
          `unable to replace resource ${JSON.stringify(state.urn)} as part of replacing ${JSON.stringify(urn)} as it is currently marked for protection. To unprotect the resource, remove the \`protect\` flag from the resource in your Pulumi program and run \`pulumi up\`, or use the command:\n\`pulumi state unprotect ${quoteForShell(state.urn)}\``,
        );
      }
      steps.push(new DeleteStep(deployment, state, planner.deletes, "before-replacement"));
    }
    planner.deletes.add(state.urn);
    planner.pendingDeletes.add(state);
  }
  await deployment.ensureProvider(old.provider);
  if (!old.pendingReplacement) {
    // Others that are `deletedWith` this one must see that it goes.
    planner.deletes.add(old.urn);
    steps.push(new DeleteStep(deployment, old, planner.deletes, "before-replacement"));
  }
  return steps;
}

/** Resources that must be replaced together with `root`: those whose provider says so once the inputs that depend on it are unknown. */
export async function dependentReplacements(
  planner: Planner,
  root: ResourceState,
): Promise<Dependent[]> {
  const replaced = new Set([root.urn]),
    found: Dependent[] = [];
  // What is registered already cannot depend on the root any more, whatever the old state says.
  const settled = new Set(
    [
      planner.reads,
      planner.creates,
      planner.sames,
      planner.updates,
      planner.deletes,
      planner.replaces,
    ].flatMap((set) => [...set]),
  );
  for (const state of planner.deployment.graph.dependingOn(root, settled, false)) {
    const keys = await replacementKeys(planner, state, replaced);
    if (!keys) continue;
    found.push({ state, keys });
    replaced.add(state.urn);
  }
  return found;
}

/** The keys that make a dependent's replacement necessary; undefined when it need not be replaced. */
async function replacementKeys(
  planner: Planner,
  state: ResourceState,
  replaced: ReadonlySet<string>,
): Promise<readonly string[] | undefined> {
  const { deployment } = planner;
  if (!state.custom || state.external) return undefined;
  if (replaced.has(providerUrnOf(state))) {
    await deployment.ensureProvider(state.provider);
    return [];
  }
  if (state.deletedWith && replaced.has(state.deletedWith)) return [];
  let depends = false;
  const inputs = mapValues(state.inputs, (value, key) => {
    if (!state.propertyDependencies?.[key]?.some((urn) => replaced.has(urn))) return value;
    depends = true;
    return UNKNOWN;
  });
  if (!depends) return undefined;
  if (isProviderType(state.type)) await deployment.registry.same(state, false);
  else await deployment.ensureProvider(state.provider);
  const request = {
    urn: state.urn,
    id: state.id,
    oldInputs: state.inputs,
    oldOutputs: state.outputs,
    newInputs: inputs,
    allowUnknowns: true,
    ignoreChanges: state.ignoreChanges,
  };
  const diff = applyReplaceOnChanges(
    await diffResource(deployment.operationsOf(state), request),
    state.replaceOnChanges,
    false,
  );
  return replaces(diff) ? diff.replaceKeys : undefined;
}

/** Resources that name `urn` in `deletedWith` or `replaceWith`. */
export function cascades(planner: Planner, urn: string): Dependent[] {
  const found = new Map<string, ResourceState>();
  for (const states of [planner.deployment.news, planner.deployment.olds])
    for (const [name, state] of states)
      if (!found.has(name) && (state.deletedWith === urn || state.replaceWith.includes(urn)))
        found.set(name, state);
  return [...found.values()].map((state) => ({ state, keys: [] }));
}

function report(planner: Planner, urn: string, message: string): AlreadyReported {
  planner.deployment.events.diagnostic({ severity: "error", urn, message });
  return new AlreadyReported(message);
}
