/** One run: refresh if asked for, then the program's registrations, then the deletes. */
import { AlreadyReported, messageOf } from "../errors.ts";
import type { Deployment } from "./deployment.ts";
import { runDeletes } from "./deletes.ts";
import { StepExecutor } from "./executor.ts";
import type { SourceEvent } from "./goal.ts";
import { Planner, type Plan } from "./planner.ts";
import { runRefresh } from "./refresh.ts";
import { dependenciesOf } from "./state.ts";

/** Where registrations come from: the program, or nothing for a destroy without it. */
export interface Source {
  /** The next event; undefined at the end. @throws Error when the program failed */
  next(): Promise<SourceEvent | undefined>;
  /** Ends the program; calls that still wait for an answer get none. */
  close(): Promise<void>;
}

/**
 * @param open starts the source, once the refresh is over
 * @param signal stops the run: steps in flight finish
 * @throws AlreadyReported when the run failed; everything there is to say is out
 */
export async function run(
  deployment: Deployment,
  open: () => Promise<Source>,
  signal: AbortSignal,
): Promise<void> {
  const { options, events } = deployment;
  if (options.refresh) await runRefresh(deployment, signal);
  if (options.refreshOnly) return;
  if (!options.refresh && deployment.pendingOperations.length && !options.preview)
    events.diagnostic({ severity: "warning", message: pendingWarning(deployment) });
  refuseUnknownTargets(deployment, options.replaceTargets);
  const source = await open();
  const planner = new Planner(deployment),
    executor = new StepExecutor(deployment);
  const cancel = (): void => executor.cancel();
  if (signal.aborted) cancel();
  signal.addEventListener("abort", cancel);
  let failed: unknown;
  try {
    await consume(deployment, planner, executor, source);
  } catch (error) {
    failed = error;
    if (!(error instanceof AlreadyReported))
      events.diagnostic({
        severity: "error",
        urn: (error as { urn?: string }).urn ?? "",
        message: messageOf(error),
      });
    executor.cancel();
  }
  await executor.idle();
  signal.removeEventListener("abort", cancel);
  const broken =
    failed !== undefined ||
    executor.error !== undefined ||
    planner.sawError ||
    deployment.postStepError !== undefined;
  await executor.finishStack(broken || signal.aborted);
  await source.close();
  if (failed === undefined && (broken || signal.aborted))
    events.diagnostic({
      severity: "error",
      message: `${options.preview ? "preview" : "update"} ${broken ? "failed" : "canceled"}`,
    });
  if (broken || signal.aborted) throw new AlreadyReported("the run failed");
}

type Work =
  | SourceEvent
  | { readonly kind: "resume"; readonly plan: () => Promise<Plan> }
  | { readonly kind: "nothing" };

/** Plans what arrives until the source ends or the executor stops, then deletes. */
async function consume(
  deployment: Deployment,
  planner: Planner,
  executor: StepExecutor,
  source: Source,
): Promise<void> {
  const stopped = new Promise<"stopped">((resolve) =>
    executor.signal.addEventListener("abort", () => resolve("stopped")),
  );
  const resumed: Work[] = [];
  let expected = 0,
    wake: () => void = () => undefined;
  /** URNs left out because something they need has failed. */
  const skipped = new Set<string>();
  const follow = (plan: Plan): void => {
    if (!plan.then) return;
    expected++;
    void plan.then.then((next) => {
      resumed.push(next ? { kind: "resume", plan: next } : { kind: "nothing" });
      wake();
    });
  };
  let pending: Promise<SourceEvent | undefined> | undefined = source.next(),
    ended = false;
  for (;;) {
    if (executor.signal.aborted) return;
    let work: Work | undefined = resumed.shift();
    if (work) expected--;
    else if (ended && expected === 0) break;
    else {
      const woken = new Promise<"woken">((resolve) => (wake = () => resolve("woken")));
      const first: SourceEvent | undefined | "stopped" | "woken" = await Promise.race([
        stopped,
        woken,
        ...(pending ? [pending] : []),
      ]);
      if (first === "stopped") return;
      if (first === "woken") continue;
      ended = first === undefined;
      pending = ended ? undefined : source.next();
      if (!first) continue;
      work = first;
    }
    await handle(planner, executor, work, follow, skipped);
  }
  const missing = unknownTargets(deployment, planner);
  await runDeletes(deployment, planner, executor);
  if (missing) throw new AlreadyReported("unknown target");
}

async function handle(
  planner: Planner,
  executor: StepExecutor,
  work: Work,
  follow: (plan: Plan) => void,
  skipped: Set<string>,
): Promise<void> {
  if (work.kind === "nothing") return;
  if (work.kind === "outputs") return executor.registerOutputs(work);
  const plan =
    work.kind === "read"
      ? planner.planRead(work)
      : work.kind === "resume"
        ? await work.plan()
        : await planner.planRegistration(work);
  follow(plan);
  for (const failed of executor.failedSteps) skipped.add(failed.urn);
  const steps = plan.steps.filter((step) => {
    if (!dependenciesOf(step.res).some(({ urn }) => skipped.has(urn))) return true;
    step.skip();
    skipped.add(step.urn);
    return false;
  });
  if (steps.length) await executor.start(steps);
}

function refuseUnknownTargets(deployment: Deployment, targets: ReadonlySet<string>): void {
  if (reportUnknown(deployment, targets, () => false)) throw new AlreadyReported("unknown target");
}

function unknownTargets(deployment: Deployment, planner: Planner): boolean {
  return reportUnknown(deployment, deployment.options.targets, (urn) => planner.urns.has(urn));
}

function reportUnknown(
  deployment: Deployment,
  targets: ReadonlySet<string>,
  isNew: (urn: string) => boolean,
): boolean {
  const unknown = [...targets].filter((urn) => deployment.allOlds(urn).length === 0 && !isNew(urn));
  for (const urn of unknown) {
    const hint = urn.includes("$") ? "" : " Did you forget to escape $ in your shell?";
    deployment.events.diagnostic({
      severity: "error",
      message: `Target '${urn}' could not be found in the stack.${hint}`,
    });
  }
  return unknown.length > 0;
}

function pendingWarning({ pendingOperations }: Deployment): string {
  const list = pendingOperations
    .map((o) => `  * ${o.resource.urn}, interrupted while ${o.type}\n`)
    .join("");
  return (
    `Attempting to deploy or update resources with ${pendingOperations.length} pending operations from previous deployment.\n${list}` +
    "These resources are in an unknown state because the Pulumi CLI was interrupted while waiting for changes to these resources to complete. " +
    "You should confirm whether or not the operations listed completed successfully by checking the state of the appropriate provider. " +
    "For example, if you are using AWS, you can confirm using the AWS Console.\n\n" +
    "Once you have confirmed the status of the interrupted operations, you can repair your stack using `pulumi refresh` which will refresh the state " +
    "from the provider you are using and clear the pending operations if there are any.\n\n" +
    "Note that `pulumi refresh` will need to be run interactively to clear pending CREATE operations."
  );
}
