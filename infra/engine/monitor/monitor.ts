/** The resource monitor: what the program talks to while it describes its resources. */
import { status } from "@grpc/grpc-js";
import resourcePb from "@pulumi/pulumi/proto/resource_pb.js";
import providerPb from "@pulumi/pulumi/proto/provider_pb.js";
import type callbackPb from "@pulumi/pulumi/proto/callback_pb.js";
import type { StackConfig } from "../config.ts";
import { messageOf, unsupported } from "../errors.ts";
import { withVersion, type ProviderRegistry } from "../plugins/registry.ts";
import type { Project } from "../project.ts";
import type { Deployment } from "../steps/deployment.ts";
import type { Goal, RegisterResult, SourceEvent } from "../steps/goal.ts";
import type { ResourceState } from "../steps/state.ts";
import { isProviderType, packageOf, packageOfProvider } from "../urn.ts";
import { withAssetHashes } from "../values/assets.ts";
import { EMPTY, UNKNOWN_TEXT } from "../values/value.ts";
import { decodeStruct, encodeStruct } from "../values/wire.ts";
import { Ancestry } from "./ancestry.ts";
import { CallbackClients, type Callback } from "./callbacks.ts";
import { DefaultProviders } from "./default-providers.ts";
import { ProgramHooks } from "./hooks.ts";
import { EventQueue } from "./queue.ts";
import {
  draftOf,
  goalOf,
  sourcePosition,
  stackTrace,
  transform,
  type Draft,
  type RegisterRequest,
} from "./registration.ts";

type ReadRequest = InstanceType<typeof resourcePb.ReadResourceRequest>;
type InvokeRequest = InstanceType<typeof resourcePb.ResourceInvokeRequest>;

const F = resourcePb.ResourceMonitorFeature;
/** What a program may use; for anything else the SDK says that the engine does not support it. */
export const FEATURES = [
  F.RESOURCE_MONITOR_FEATURE_SECRETS,
  F.RESOURCE_MONITOR_FEATURE_RESOURCE_REFERENCES,
  F.RESOURCE_MONITOR_FEATURE_OUTPUT_VALUES,
  F.RESOURCE_MONITOR_FEATURE_ALIAS_SPECS,
  F.RESOURCE_MONITOR_FEATURE_REPLACEMENT_TRIGGER,
  F.RESOURCE_MONITOR_FEATURE_DELETED_WITH,
  F.RESOURCE_MONITOR_FEATURE_REPLACE_WITH,
  F.RESOURCE_MONITOR_FEATURE_TRANSFORMS,
  F.RESOURCE_MONITOR_FEATURE_RESOURCE_HOOKS,
  F.RESOURCE_MONITOR_FEATURE_ERROR_HOOKS,
  F.RESOURCE_MONITOR_FEATURE_BYTE_STRING,
  F.RESOURCE_MONITOR_FEATURE_INVOKE_DEPENDS_ON,
];

/** Raised towards the program when the run is over. */
export class MonitorClosed extends Error {
  readonly code = status.UNAVAILABLE;
}

export interface MonitorOptions {
  readonly project: Project;
  readonly stack: string;
  readonly organization: string;
  readonly config: StackConfig;
  readonly deployment: Deployment;
  readonly registry: ProviderRegistry;
}

export class Monitor {
  readonly events = new EventQueue<SourceEvent>();
  readonly #options: MonitorOptions;
  readonly #callbacks = new CallbackClients();
  readonly #hooks: ProgramHooks;
  readonly #defaults: DefaultProviders;
  readonly #ancestry = new Ancestry();
  readonly #states = new Map<string, ResourceState>();
  readonly #closed = Promise.withResolvers<never>();
  readonly #finished = Promise.withResolvers<void>();

  constructor(options: MonitorOptions) {
    this.#options = options;
    const { deployment } = options;
    this.#hooks = new ProgramHooks(this.#callbacks, deployment.events, deployment.options.preview);
    deployment.hooks = this.#hooks;
    this.#defaults = new DefaultProviders(options.config, deployment.resources, (registration) =>
      this.events.push(registration),
    );
    this.#closed.promise.catch(() => undefined);
  }

  /** A resource that this run has registered. */
  state(urn: string): ResourceState | undefined {
    return this.#states.get(urn);
  }

  /** The run is over: nobody gets an answer any more. */
  close(): void {
    this.#finished.resolve();
    this.#closed.reject(new MonitorClosed("resource monitor shut down"));
    this.events.close();
    this.#callbacks.close();
  }

  /** The program has told everything; it waits until the run is over. */
  async signalAndWaitForShutdown(): Promise<void> {
    this.events.close();
    await this.#finished.promise;
  }

  deploymentInfo(): InstanceType<typeof resourcePb.DeploymentInfo> {
    const { project, stack, organization, config, deployment } = this.#options,
      info = new resourcePb.DeploymentInfo();
    info.setProject(project.name);
    info.setStack(stack);
    info.setOrganization(organization);
    for (const [key, { text }] of config) info.getConfigMap().set(key, text);
    info.setConfigsecretkeysList(
      [...config].filter(([, { secret }]) => secret).map(([key]) => key),
    );
    info.setDryrun(deployment.options.preview);
    info.setParallel(deployment.options.parallel);
    info.setSupportedfeaturesList([...FEATURES]);
    return info;
  }

  async registerResource(
    request: RegisterRequest,
  ): Promise<InstanceType<typeof resourcePb.RegisterResourceResponse>> {
    refuse(request);
    const type = request.getType(),
      custom = request.getCustom(),
      parent = request.getParent();
    if (custom && !isToken(type))
      throw invalid(`Type '${type}' is not a valid type token (must have format '*:*:*')`);
    this.#ancestry.inherit(request);
    let draft = draftOf(request);
    if (custom && !isProviderType(type))
      draft.options.setProvider(this.#ancestry.provider(draft, parent, type));
    const own = request.getTransformsList();
    for (const callback of this.#ancestry.transforms(own, parent))
      draft = await this.#race(
        transform(this.#callbacks, callback, draft, {
          type,
          name: request.getName(),
          custom,
          parent,
        }),
      );
    const provider =
      custom && !isProviderType(type)
        ? await this.#race(
            this.#providerReference(
              draft.options.getProvider(),
              packageOf(type),
              draft.options.getVersion(),
              type,
            ),
          )
        : "";
    draft.inputs = this.#withProviderInputs(draft, type);
    draft.inputs = withAssetHashes(draft.inputs, this.#options.project.programDirectory);
    const goal = goalOf(request, draft, {
      root: this.#options.project.root,
      type,
      parent,
      provider,
    });
    const result = await this.#race(
      new Promise<RegisterResult>((done) => this.events.push({ kind: "register", goal, done })),
    );
    return this.#registered(request, goal, draft, own, result);
  }

  /** A given reference, or the default provider of the package; a bare package reference is not one. */
  async #providerReference(
    given: string,
    packageName: string,
    version: string,
    type: string,
  ): Promise<string> {
    return given === "" ? this.#defaults.reference(packageName, version, type) : given;
  }

  #withProviderInputs({ inputs, options }: Draft, type: string): Draft["inputs"] {
    if (!isProviderType(type)) return inputs;
    return withVersion(
      inputs,
      options.getVersion() || this.#defaults.versionOf(packageOfProvider(type)),
    );
  }

  #registered(
    request: RegisterRequest,
    goal: Goal,
    draft: Draft,
    transforms: readonly Callback[],
    { state, result, unknown }: RegisterResult,
  ): InstanceType<typeof resourcePb.RegisterResourceResponse> {
    this.#states.set(state.urn, state);
    this.#ancestry.remember(state.urn, goal, draft, transforms);
    const response = new resourcePb.RegisterResourceResponse();
    response.setUrn(state.urn);
    response.setId(state.id);
    response.setObject(
      encodeStruct(goal.custom ? state.outputs : EMPTY, {
        secrets: request.getAcceptsecrets(),
        resources: request.getAcceptresources(),
      }),
    );
    response.setResult(
      result === "success"
        ? resourcePb.Result.SUCCESS
        : result === "fail"
          ? resourcePb.Result.FAIL
          : (2 as typeof resourcePb.Result.FAIL),
    );
    if (unknown) response.setUnknown(true);
    return response;
  }

  async readResource(
    request: ReadRequest,
  ): Promise<InstanceType<typeof resourcePb.ReadResourceResponse>> {
    const type = request.getType();
    if (!isToken(type))
      throw invalid(`Type '${type}' is not a valid type token (must have format '*:*:*')`);
    const provider = await this.#race(
      this.#providerReference(request.getProvider(), packageOf(type), request.getVersion(), type),
    );
    const { root } = this.#options.project;
    const event = {
      kind: "read" as const,
      id: request.getId(),
      name: request.getName(),
      type,
      parent: request.getParent(),
      provider,
      inputs: decodeStruct(request.getProperties()),
      dependencies: request.getDependenciesList(),
      additionalSecretOutputs: request.getAdditionalsecretoutputsList(),
      sourcePosition: sourcePosition(request.getSourceposition(), root),
      stackTrace: stackTrace(request.getStacktrace(), root),
    };
    const state = await this.#race(
      new Promise<ResourceState>((done) => this.events.push({ ...event, done })),
    );
    this.#states.set(state.urn, state);
    const response = new resourcePb.ReadResourceResponse();
    response.setUrn(state.urn);
    response.setProperties(
      encodeStruct(state.outputs, {
        secrets: request.getAcceptsecrets(),
        resources: request.getAcceptresources(),
      }),
    );
    return response;
  }

  async registerOutputs(
    request: InstanceType<typeof resourcePb.RegisterResourceOutputsRequest>,
  ): Promise<void> {
    const urn = request.getUrn(),
      outputs = withAssetHashes(
        decodeStruct(request.getOutputs()),
        this.#options.project.programDirectory,
      );
    await this.#race(
      new Promise<void>((done, fail) =>
        this.events.push({ kind: "outputs", urn, outputs, done, fail }),
      ),
    );
  }

  async invoke(
    request: InvokeRequest,
  ): Promise<InstanceType<typeof resourcePb.ResourceInvokeResponse>> {
    const token = request.getTok(),
      response = new resourcePb.ResourceInvokeResponse();
    const reference = await this.#race(
      this.#providerReference(request.getProvider(), packageOf(token), request.getVersion(), token),
    );
    const provider = this.#options.registry.get(reference);
    if (!provider) throw new Error(`Invoke: unknown provider '${reference}'`);
    if (request.getDependsonList().some((urn) => this.#isUnresolved(urn))) {
      response.setUnknown(true);
      return response;
    }
    const { result, failures } = await this.#invokeProvider(token, () =>
      provider.invoke({
        token,
        args: decodeStruct(request.getArgs()),
        preview: this.#options.deployment.options.preview,
      }),
    );
    response.setReturn(
      encodeStruct(result, {
        secrets: true,
        resources: request.getAcceptresources() || token === "pulumi:pulumi:getResource",
      }),
    );
    for (const { property, reason } of failures) {
      const failure = new providerPb.CheckFailure();
      failure.setProperty(property);
      failure.setReason(reason);
      response.addFailures(failure);
    }
    return response;
  }

  async #invokeProvider<T>(token: string, invoke: () => Promise<T>): Promise<T> {
    try {
      return await invoke();
    } catch (error) {
      const details = (error as { details?: string }).details ?? messageOf(error);
      throw new Error(`invocation of ${token} returned an error: ${details}`, { cause: error });
    }
  }

  /** In a preview, a resource that is yet to be made, or a component that holds one. */
  #isUnresolved(urn: string): boolean {
    if (!this.#options.deployment.options.preview) return false;
    const state = this.#states.get(urn);
    if (!state) return true;
    if (state.custom) return state.id === "" || state.id === UNKNOWN_TEXT;
    return [...this.#states.values()].some(
      (child) => child.parent === urn && this.#isUnresolved(child.urn),
    );
  }

  registerStackTransform(callback: InstanceType<typeof callbackPb.Callback>): void {
    this.#ancestry.addStackTransform(callback);
  }

  registerHook(request: InstanceType<typeof resourcePb.RegisterResourceHookRequest>): void {
    const callback = request.getCallback();
    if (!callback) throw invalid("a resource hook needs a callback");
    this.#hooks.register(request.getName(), {
      callback,
      onDryRun: request.getOnDryRun(),
      ignoreErrors: request.getIgnoreErrors(),
    });
  }

  registerErrorHook(request: InstanceType<typeof resourcePb.RegisterErrorHookRequest>): void {
    const callback = request.getCallback();
    if (!callback) throw invalid("an error hook needs a callback");
    this.#hooks.registerErrorHook(request.getName(), callback);
  }

  #race<T>(work: Promise<T>): Promise<T> {
    return Promise.race([work, this.#closed.promise]);
  }
}

/** What a registration may ask for and this engine does not do. */
function refuse(request: RegisterRequest): void {
  const what = request.getRemote()
    ? "remote components (multi-language components)"
    : request.getPackageref()
      ? "parameterized packages"
      : request.getEnvvarmappingsMap().getLength()
        ? "envVarMappings"
        : request.getStateMigrationsList().length
          ? "state migrations"
          : undefined;
  if (what)
    throw new Error(unsupported(`${request.getType()} ${request.getName()}: ${what}`).message);
}

function isToken(type: string): boolean {
  return type.split(":").length === 3 && type.split(":").every((part, i) => i === 1 || part !== "");
}

function invalid(message: string): Error {
  return Object.assign(new Error(message), { code: status.INVALID_ARGUMENT });
}
