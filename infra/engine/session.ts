/** One operation on one stack, from the lock to the history entry. */
import { lt, valid } from "semver";
import { StateWriter } from "./backend/state-writer.ts";
import {
  decodeSnapshot,
  encodeCheckpoint,
  holdsSecrets,
  parseCheckpoint,
  saltOf,
  type CheckpointFile,
  type Snapshot,
} from "./backend/checkpoint.ts";
import { verifyIntegrity } from "./backend/integrity.ts";
import { ORGANIZATION, type StackFiles, type StackName } from "./backend/stack-files.ts";
import { configHoldsSecrets, loadConfig, validateConfig, type StackConfig } from "./config.ts";
import type { EventListener } from "./display/events.ts";
import { Recorder } from "./display/recorder.ts";
import { AlreadyReported, EngineError, messageOf } from "./errors.ts";
import { Monitor } from "./monitor/monitor.ts";
import { Program, type ProgramEnd } from "./monitor/program.ts";
import { EngineServer } from "./monitor/server.ts";
import { BuiltinProvider } from "./plugins/builtins.ts";
import { ChildGuard } from "./plugins/guard.ts";
import { locatePlugin } from "./plugins/locate.ts";
import { PluginProvider } from "./plugins/plugin-provider.ts";
import { PluginProcess } from "./plugins/process.ts";
import type { Provider } from "./plugins/provider.ts";
import { ProviderRegistry } from "./plugins/registry.ts";
import type { Project, StackSettings } from "./project.ts";
import { openCrypter, type Crypter } from "./secrets.ts";
import { Deployment, type RunOptions } from "./steps/deployment.ts";
import type { SourceEvent } from "./steps/goal.ts";
import { run, type Source } from "./steps/run.ts";
import type { ResourceState } from "./steps/state.ts";
import { stackOutputs } from "./stack-state.ts";

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
  #config: StackConfig = new Map();
  #crypter: Promise<Crypter> | undefined;
  /** Of the state, once it is read. */
  #stateCrypter: Crypter | undefined;

  constructor(parts: SessionParts) {
    this.#parts = parts;
  }

  /** Previews and executes; the caller holds the lock. */
  async operate(operation: Operation): Promise<Outcome> {
    const { name } = this.#parts;
    try {
      // Deriving the key takes a third of a second; the program and the plugins start meanwhile.
      const salt = this.#parts.settings.salt ?? saltOf(this.#read().file);
      if (!salt)
        throw new EngineError(
          `the stack ${name.stack} has no encryptionsalt, neither in ${this.#parts.settings.file} nor in its state: make it with \`stack init\``,
        );
      this.#crypter = openCrypter(this.#parts.passphrase, salt);
      this.#crypter.catch(() => undefined);
      this.#config = loadConfig(
        this.#parts.project,
        this.#parts.settings,
        configHoldsSecrets(this.#parts.settings) ? await this.#crypter : undefined,
      );
      if (operation.kind === "up") validateConfig(this.#parts.project, name.stack, this.#config);
      let outcome: Outcome = { succeeded: true, changed: false };
      if (operation.preview) outcome = await this.#run(operation, true);
      if (outcome.succeeded && operation.execute && !this.#parts.signal.aborted)
        outcome = await this.#run(operation, false);
      return outcome;
    } finally {
      this.#guard.close();
    }
  }

  #read(): { file: CheckpointFile; text: string } {
    const { files, name } = this.#parts,
      text = files.read(name);
    if (text === undefined) throw new EngineError(`no stack named '${name.stack}' found`);
    return { file: parseCheckpoint(text, files.stackFile(name)), text };
  }

  async #snapshot(): Promise<Snapshot> {
    const { file, text } = this.#read();
    const snapshot = decodeSnapshot(
      file,
      holdsSecrets(text) ? await this.#crypterFor(saltOf(file)) : undefined,
    );
    verifyIntegrity(snapshot.resources, `in ${this.#parts.files.stackFile(this.#parts.name)}`);
    return snapshot;
  }

  /** The state may have another salt than the settings. */
  async #crypterFor(salt: string | undefined): Promise<Crypter | undefined> {
    const crypter = await this.#crypter;
    return !salt || salt === crypter?.salt ? crypter : openCrypter(this.#parts.passphrase, salt);
  }

  async #run(operation: Operation, preview: boolean): Promise<Outcome> {
    const started = Date.now(),
      { name, listener, signal } = this.#parts;
    this.#parts.begin(preview);
    const writer = preview
      ? undefined
      : new StateWriter((resources, pendingOperations) => this.#save(resources, pendingOperations));
    const recorder = new Recorder({
      preview,
      refreshOnly: operation.options.refreshOnly,
      writer,
      listener,
    });
    recorder.emit({
      preludeEvent: {
        config: Object.fromEntries(
          [...this.#config].map(([key, { text, secret }]) => [key, secret ? "[secret]" : text]),
        ),
      },
    });
    let succeeded = true,
      problem: string | undefined;
    try {
      await this.#execute(operation, preview, recorder, writer, signal);
    } catch (error) {
      succeeded = false;
      if (error instanceof DeleteHooksError) problem = error.message;
      if (!(error instanceof AlreadyReported))
        recorder.diagnostic({ severity: "error", message: messageOf(error) });
    }
    // A destroy that was refused has not begun.
    if (!problem) recorder.summary(succeeded);
    if (!preview)
      this.#parts.files.record(name, {
        kind: HISTORY_KIND[operation.kind],
        startTime: Math.floor(started / 1000),
        message: operation.message,
        environment: { "exec.kind": "cli" },
        config: Object.fromEntries([...this.#config].map(([key, { recorded }]) => [key, recorded])),
        version: 0,
        result: succeeded ? "succeeded" : "failed",
        endTime: Math.floor(Date.now() / 1000),
        ...(Object.keys(recorder.changes).length ? { resourceChanges: recorder.changes } : {}),
      });
    return { succeeded, changed: recorder.changed, problem };
  }

  async #execute(
    operation: Operation,
    preview: boolean,
    recorder: Recorder,
    writer: StateWriter | undefined,
    signal: AbortSignal,
  ): Promise<void> {
    const { project, name } = this.#parts,
      options: RunOptions = { ...operation.options, preview };
    const server = new EngineServer((diagnostic) => recorder.diagnostic(diagnostic));
    let monitor: Monitor | undefined;
    const warn = (message: string): void => recorder.diagnostic({ severity: "warning", message });
    const registry = new ProviderRegistry((packageName, version) =>
      this.#provider(packageName, version, server.address, warn, (urn) => monitor?.state(urn)),
    );
    const cancel = (): void => void registry.cancel();
    signal.addEventListener("abort", cancel);
    try {
      await server.start();
      const runsProgram = operation.kind === "up" || options.destroyProgram;
      let program: Program | undefined;
      const start = (): Program => (program ??= this.#program(server.address, options));
      // The program takes longest to get going, so it starts first; it is answered once the state is read.
      if (runsProgram && !options.refresh) start();
      try {
        const snapshot = await this.#snapshot();
        this.#stateCrypter = (await this.#crypterFor(snapshot.salt)) ?? (await this.#crypter);
        const pendingOperations = operation.clearPendingCreates
          ? snapshot.pendingOperations.filter((o) => o.type !== "creating")
          : snapshot.pendingOperations;
        const deployment = new Deployment({
          project: project.name,
          stack: name.stack,
          options: withProtected(options, snapshot),
          resources: snapshot.resources,
          pendingOperations,
          registry,
          events: recorder,
        });
        writer?.attach(deployment);
        const open = async (): Promise<Source> => {
          if (!runsProgram) return EMPTY_SOURCE;
          monitor = new Monitor({
            project,
            stack: name.stack,
            organization: ORGANIZATION,
            config: this.#config,
            deployment,
            registry,
          });
          server.serve(monitor);
          return programSource(monitor, start());
        };
        if (operation.kind === "destroy" && !options.destroyProgram) refuseDeleteHooks(deployment);
        await run(deployment, open, signal);
      } finally {
        monitor?.close();
        await (program as Program | undefined)?.stop();
        await writer?.close();
      }
    } finally {
      signal.removeEventListener("abort", cancel);
      await registry.close();
      server.close();
    }
  }

  #program(engineAddress: string, options: RunOptions): Program {
    const { project, name, env, print } = this.#parts;
    return new Program({
      project,
      stack: name.stack,
      organization: ORGANIZATION,
      config: this.#config,
      engineAddress,
      preview: options.preview,
      parallel: options.parallel,
      guard: this.#guard,
      env,
      print,
    });
  }

  async #provider(
    packageName: string,
    version: string,
    engineAddress: string,
    warn: (message: string) => void,
    resource: (urn: string) => ResourceState | undefined,
  ): Promise<Provider> {
    const { project, files, passphrase, env } = this.#parts;
    if (packageName === "pulumi")
      return new BuiltinProvider({
        stackOutputs: (stack) => stackOutputs(files, stack, passphrase),
        resource,
      });
    const config = Object.fromEntries(
      [...this.#config]
        .filter(([key]) => key.startsWith(`${packageName}:`))
        .map(([key, { text }]) => [key, text]),
    );
    const plugin = await PluginProcess.start(
      packageName,
      locatePlugin(project, packageName, version, env),
      {
        engineAddress,
        programDirectory: project.programDirectory,
        guard: this.#guard,
        env: { ...env, PULUMI_PROJECT: project.name, PULUMI_CONFIG: JSON.stringify(config) },
      },
    );
    await warnOfVersion(plugin, version, warn);
    return new PluginProvider(plugin);
  }

  #save(
    resources: readonly ResourceState[],
    pendingOperations: Snapshot["pendingOperations"],
  ): void {
    const { files, name } = this.#parts,
      crypter = this.#stateCrypter;
    if (!crypter) throw new Error("the state is written before its key is known");
    files.write(
      name,
      encodeCheckpoint({
        stack: `${ORGANIZATION}/${name.project}/${name.stack}`,
        resources,
        pendingOperations,
        crypter,
      }),
    );
  }
}

const EMPTY_SOURCE: Source = {
  next: () => Promise.resolve(undefined),
  close: () => Promise.resolve(),
};

/** The program as a source of events. Its end counts only once everything it has asked for before is taken. */
function programSource(monitor: Monitor, program: Program): Source {
  void program.end.then((end: ProgramEnd) => {
    if (end === "success") monitor.events.close();
    else
      monitor.events.close(
        end === "reported" ? new AlreadyReported("the program failed") : new Error(end.problem),
      );
  });
  return {
    next: (): Promise<SourceEvent | undefined> => monitor.events.take(),
    close: async () => {
      monitor.close();
      await program.stop();
    },
  };
}

function withProtected(options: RunOptions, { resources }: Snapshot): RunOptions {
  if (!options.excludeProtected) return options;
  return {
    ...options,
    excludes: new Set([
      ...options.excludes,
      ...resources.filter((r) => r.protect).map((r) => r.urn),
    ]),
  };
}

/** A plugin older than what the program was written for still runs, but may not do what the program expects. */
async function warnOfVersion(
  plugin: PluginProcess,
  asked: string,
  warn: (message: string) => void,
): Promise<void> {
  if (!valid(asked)) return;
  const version = await plugin.version();
  if (!valid(version) || lt(version, asked))
    warn(
      `resource plugin ${plugin.name} is expected to have version >=${asked}, but has ${version || "no version"}; the wrong version may be on your path, or this may be a bug in the plugin`,
    );
}

/** Delete hooks are code of the program: without it they cannot run, and nothing is deleted. */
function refuseDeleteHooks(deployment: Deployment): void {
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
  if (refused)
    throw new DeleteHooksError(
      "You must run with the `--run-program` flag to use delete hooks during destroy.",
    );
}

class DeleteHooksError extends AlreadyReported {}
