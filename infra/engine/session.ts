/** One operation on one stack: preview, execution, history. */
import { OpenStack } from "./backend/open-stack.ts";
import { ORGANIZATION, type StackFiles, type StackName } from "./backend/stack-files.ts";
import { StateWriter } from "./backend/state-writer.ts";
import { configHoldsSecrets, loadConfig, validateConfig, type StackConfig } from "./config.ts";
import type { EventListener } from "./display/events.ts";
import { Recorder } from "./display/recorder.ts";
import { AlreadyReported, messageOf } from "./errors.ts";
import { Monitor } from "./monitor/monitor.ts";
import { Program } from "./monitor/program.ts";
import { NO_PROGRAM, programSource } from "./monitor/program-source.ts";
import { EngineServer } from "./monitor/server.ts";
import { ChildGuard } from "./plugins/guard.ts";
import { loadProvider } from "./plugins/load.ts";
import { ProviderRegistry } from "./plugins/registry.ts";
import type { Project, StackSettings } from "./project.ts";
import { stackOutputs } from "./stack-state.ts";
import { Deployment, type RunOptions } from "./steps/deployment.ts";
import { run, type Source } from "./steps/run.ts";
import type { ResourceState } from "./steps/state.ts";

export type OperationKind = "up" | "refresh" | "destroy";

export interface Operation {
  readonly kind: OperationKind;
  readonly options: Omit<RunOptions, "preview">;
  /** Run the program for nothing but its plan, first or only. */
  readonly preview: boolean;
  readonly execute: boolean;
  readonly message: string;
  /** Forget creations that a killed run may have left unfinished. */
  readonly clearPendingCreates: boolean;
}

export interface SessionParts {
  readonly project: Project;
  readonly settings: StackSettings;
  readonly files: StackFiles;
  readonly name: StackName;
  readonly passphrase: string;
  readonly env: NodeJS.ProcessEnv;
  readonly listener: EventListener;
  /** What the program prints. */
  print(line: string, stream: "stdout" | "stderr"): void;
  /** A run begins. */
  begin(preview: boolean): void;
  readonly signal: AbortSignal;
}

export interface Outcome {
  readonly succeeded: boolean;
  /** Something would change, or has. */
  readonly changed: boolean;
  /** Beyond what the events have said. */
  readonly problem?: string | undefined;
}

const HISTORY_KIND: Record<OperationKind, string> = {
  up: "update",
  refresh: "refresh",
  destroy: "destroy",
};

export class Session {
  readonly #parts: SessionParts;
  readonly #guard = new ChildGuard();

  constructor(parts: SessionParts) {
    this.#parts = parts;
  }

  /**
   * Previews and executes; the caller holds the lock.
   *
   * @throws EngineError when it could not begin: nothing has been done then, and nothing is recorded
   */
  async operate(operation: Operation): Promise<Outcome> {
    const { project, settings, files, name, passphrase, signal } = this.#parts;
    try {
      const stack = new OpenStack(files, name, passphrase, settings.salt);
      const config = loadConfig(
        project,
        settings,
        configHoldsSecrets(settings) ? await stack.crypter() : undefined,
      );
      if (operation.kind === "up") validateConfig(project, name.stack, config);
      let outcome: Outcome = { succeeded: true, changed: false };
      if (operation.preview) outcome = await this.#run({ operation, stack, config, preview: true });
      if (outcome.succeeded && operation.execute && !signal.aborted)
        outcome = await this.#run({ operation, stack, config, preview: false });
      return outcome;
    } finally {
      this.#guard.close();
    }
  }

  async #run(parts: RunParts): Promise<Outcome> {
    const { operation, stack, config, preview } = parts,
      started = Date.now(),
      { listener } = this.#parts;
    this.#parts.begin(preview);
    const writer = preview
      ? undefined
      : new StateWriter((resources, pending) => stack.save(resources, pending));
    const recorder = new Recorder({
      preview,
      refreshOnly: operation.options.refreshOnly,
      writer,
      listener,
    });
    const shown = [...config].map(
      ([key, { text, secret }]) => [key, secret ? "[secret]" : text] as const,
    );
    recorder.emit({ preludeEvent: { config: Object.fromEntries(shown) } });
    const outcome = await this.#execute(parts, recorder, writer);
    // A destroy that was refused has not begun.
    if (!outcome.problem) recorder.summary(outcome.succeeded);
    if (!preview) this.#record(parts, started, outcome.succeeded, recorder.changes);
    return { ...outcome, changed: recorder.changed };
  }

  #record(
    { operation, config }: RunParts,
    started: number,
    succeeded: boolean,
    changes: Readonly<Record<string, number>>,
  ): void {
    this.#parts.files.record(this.#parts.name, {
      kind: HISTORY_KIND[operation.kind],
      startTime: Math.floor(started / 1000),
      message: operation.message,
      environment: { "exec.kind": "cli" },
      config: Object.fromEntries([...config].map(([key, { recorded }]) => [key, recorded])),
      version: 0,
      result: succeeded ? "succeeded" : "failed",
      endTime: Math.floor(Date.now() / 1000),
      ...(Object.keys(changes).length ? { resourceChanges: changes } : {}),
    });
  }

  async #execute(
    parts: RunParts,
    recorder: Recorder,
    writer: StateWriter | undefined,
  ): Promise<Omit<Outcome, "changed">> {
    const { operation, preview, config } = parts,
      { signal } = this.#parts,
      options: RunOptions = { ...operation.options, preview };
    const server = new EngineServer((diagnostic) => recorder.diagnostic(diagnostic));
    await server.start();
    let monitor: Monitor | undefined;
    const registry = this.#registry(config, server.address, recorder, (urn) => monitor?.state(urn));
    const cancel = (): void => void registry.cancel();
    signal.addEventListener("abort", cancel);
    const runsProgram = operation.kind === "up" || options.destroyProgram;
    // The program takes longest to get going, so it starts first; it is answered once the state is read and refreshed.
    const program = runsProgram ? this.#program(config, server.address, options) : undefined;
    try {
      const deployment = await this.#deployment(parts, options, registry, recorder);
      const open = async (): Promise<Source> => {
        if (!program) return NO_PROGRAM;
        const { project, name } = this.#parts;
        monitor = new Monitor({
          project,
          stack: name.stack,
          organization: ORGANIZATION,
          config,
          deployment,
          registry,
        });
        server.serve(monitor);
        return programSource(monitor, program);
      };
      return await finish(deployment, operation, recorder, writer, () =>
        run(deployment, open, signal),
      );
    } finally {
      (monitor as Monitor | undefined)?.close();
      server.abandon();
      await program?.stop();
      signal.removeEventListener("abort", cancel);
      await registry.close();
      server.close();
    }
  }

  async #deployment(
    { operation, stack }: RunParts,
    options: RunOptions,
    registry: ProviderRegistry,
    recorder: Recorder,
  ): Promise<Deployment> {
    const { project, name } = this.#parts,
      { resources, pendingOperations } = await stack.snapshot();
    const isKept = (o: { readonly type: string }): boolean =>
      !operation.clearPendingCreates || o.type !== "creating";
    return new Deployment({
      project: project.name,
      stack: name.stack,
      options: withProtected(options, resources),
      resources,
      pendingOperations: pendingOperations.filter(isKept),
      registry,
      events: recorder,
    });
  }

  #registry(
    config: StackConfig,
    engineAddress: string,
    recorder: Recorder,
    resource: (urn: string) => ResourceState | undefined,
  ): ProviderRegistry {
    const { project, files, passphrase, env } = this.#parts;
    const builtins = {
      stackOutputs: (reference: string) => stackOutputs(files, reference, passphrase),
      resource,
    };
    const warn = (message: string): void => recorder.diagnostic({ severity: "warning", message });
    return new ProviderRegistry((name, version) =>
      loadProvider(name, version, {
        project,
        config,
        env,
        guard: this.#guard,
        engineAddress,
        builtins,
        warn,
      }),
    );
  }

  #program(config: StackConfig, engineAddress: string, { preview, parallel }: RunOptions): Program {
    const { project, name, env, print } = this.#parts;
    return new Program({
      project,
      stack: name.stack,
      organization: ORGANIZATION,
      config,
      engineAddress,
      preview,
      parallel,
      guard: this.#guard,
      env,
      print,
    });
  }
}

interface RunParts {
  readonly operation: Operation;
  readonly stack: OpenStack;
  readonly config: StackConfig;
  readonly preview: boolean;
}

/** From here on the state is written, whatever happens; what went wrong becomes part of the outcome. */
async function finish(
  deployment: Deployment,
  operation: Operation,
  recorder: Recorder,
  writer: StateWriter | undefined,
  work: () => Promise<void>,
): Promise<Omit<Outcome, "changed">> {
  writer?.attach(deployment);
  let succeeded = true,
    problem: string | undefined;
  const attempt = async (what: () => Promise<void>): Promise<void> => {
    try {
      await what();
    } catch (error) {
      succeeded = false;
      if (!(error instanceof AlreadyReported))
        recorder.diagnostic({ severity: "error", message: messageOf(error) });
    }
  };
  if (operation.kind === "destroy" && !operation.options.destroyProgram)
    problem = refusedHooks(deployment);
  if (problem) succeeded = false;
  else await attempt(work);
  if (writer) await attempt(() => writer.close());
  return { succeeded, problem };
}

function withProtected(options: RunOptions, resources: readonly ResourceState[]): RunOptions {
  if (!options.excludeProtected) return options;
  return {
    ...options,
    excludes: new Set([
      ...options.excludes,
      ...resources.filter((r) => r.protect).map((r) => r.urn),
    ]),
  };
}

/** Delete hooks are code of the program: without it they cannot run, and nothing is deleted. */
function refusedHooks(deployment: Deployment): string | undefined {
  let refused = false;
  for (const { urn, resourceHooks } of deployment.resources) {
    const names = [...(resourceHooks.BeforeDelete ?? []), ...(resourceHooks.AfterDelete ?? [])];
    if (names.length === 0) continue;
    refused = true;
    deployment.events.diagnostic({
      severity: "error",
      urn,
      message: `Resource has delete hooks registered, but the program is not running. Hooks: ${names.join(", ")}`,
    });
  }
  return refused
    ? "You must run with the `--run-program` flag to use delete hooks during destroy."
    : undefined;
}
