/** Serves the monitor and the engine's own service on one port. */
import * as grpc from "@grpc/grpc-js";
import engineGrpc from "@pulumi/pulumi/proto/engine_grpc_pb.js";
import enginePb from "@pulumi/pulumi/proto/engine_pb.js";
import resourceGrpc from "@pulumi/pulumi/proto/resource_grpc_pb.js";
import resourcePb from "@pulumi/pulumi/proto/resource_pb.js";
import emptyPb from "google-protobuf/google/protobuf/empty_pb.js";
import { satisfies } from "semver";
import { messageOf, unsupported } from "../errors.ts";
import { CHANNEL_OPTIONS, listen } from "../plugins/rpc.ts";
import type { Diagnostic } from "../steps/step-events.ts";
import { FEATURES, type Monitor } from "./monitor.ts";

/** The version of Pulumi whose behaviour the engine follows, for `pulumi.requirePulumiVersion`. */
const BEHAVES_LIKE = "3.265.0";

// eslint-disable-next-line @typescript-eslint/no-explicit-any -- the generated services carry no types for their handlers
type Handler = (request: any) => unknown;

export class EngineServer {
  readonly #server = new grpc.Server(CHANNEL_OPTIONS);
  readonly #log: (diagnostic: Diagnostic) => void;
  /** The program may ask before the state is read: it then waits. */
  readonly #monitor = Promise.withResolvers<Monitor>();
  address = "";

  constructor(log: (diagnostic: Diagnostic) => void) {
    this.#log = log;
  }

  async start(): Promise<void> {
    this.#server.addService(
      engineGrpc.EngineService as never,
      handlers(this.#engineMethods()) as never,
    );
    this.#server.addService(
      resourceGrpc.ResourceMonitorService as never,
      handlers(this.#monitorMethods()) as never,
    );
    this.address = await listen(this.#server);
  }

  /** The monitor that the program of the current run talks to. */
  serve(monitor: Monitor): void {
    this.#monitor.resolve(monitor);
  }

  /** No run will come of it: a program that waits is told so. */
  abandon(): void {
    this.#monitor.reject(
      Object.assign(new Error("the engine has ended the run"), { code: grpc.status.UNAVAILABLE }),
    );
  }

  close(): void {
    this.abandon();
    this.#server.forceShutdown();
  }

  #engineMethods(): Record<string, Handler> {
    return {
      log: (request: InstanceType<typeof enginePb.LogRequest>) => {
        const severities = ["debug", "info", "warning", "error"] as const,
          severity = severities[request.getSeverity()] ?? "info";
        if (severity !== "debug")
          this.#log({
            severity,
            urn: request.getUrn(),
            message: request.getMessage(),
            streamId: request.getStreamid(),
            ephemeral: request.getEphemeral(),
          });
        return new emptyPb.Empty();
      },
      setRootResource: () => new enginePb.SetRootResourceResponse(),
      getRootResource: () => new enginePb.GetRootResourceResponse(),
      requirePulumiVersion: (
        request: InstanceType<typeof enginePb.RequirePulumiVersionRequest>,
      ) => {
        const range = request.getPulumiVersionRange();
        if (!satisfies(BEHAVES_LIKE, range))
          throw new Error(
            `Pulumi version ${BEHAVES_LIKE} (embedded engine) does not satisfy the version range ${JSON.stringify(range)}`,
          );
        return new enginePb.RequirePulumiVersionResponse();
      },
      startDebugging: () => new emptyPb.Empty(),
    };
  }

  #monitorMethods(): Record<string, Handler> {
    const monitor = this.#monitor.promise;
    monitor.catch(() => undefined);
    const nothing = async (work: unknown): Promise<emptyPb.Empty> => {
      await work;
      return new emptyPb.Empty();
    };
    const refused =
      (what: string): Handler =>
      () => {
        throw Object.assign(unsupported(what), { code: grpc.status.UNIMPLEMENTED });
      };
    return {
      getDeploymentInfo: async () => (await monitor).deploymentInfo(),
      supportsFeature: (request: InstanceType<typeof resourcePb.SupportsFeatureRequest>) => {
        const response = new resourcePb.SupportsFeatureResponse();
        response.setHassupport(NAMES.has(request.getId()));
        return response;
      },
      registerResource: async (request) => (await monitor).registerResource(request as never),
      readResource: async (request) => (await monitor).readResource(request as never),
      registerResourceOutputs: async (request) =>
        nothing((await monitor).registerOutputs(request as never)),
      invoke: async (request) => (await monitor).invoke(request as never),
      registerStackTransform: async (request) =>
        nothing((await monitor).registerStackTransform(request as never)),
      registerResourceHook: async (request) =>
        nothing((await monitor).registerHook(request as never)),
      registerErrorHook: async (request) =>
        nothing((await monitor).registerErrorHook(request as never)),
      signalAndWaitForShutdown: async () => nothing((await monitor).signalAndWaitForShutdown()),
      call: refused("a method call on a resource (`call`)"),
      existsResource: refused("an existence check (`existsResource`)"),
      registerStackInvokeTransform: refused("an invoke transform"),
      registerPackage: refused("a parameterized package (`registerPackage`)"),
    };
  }
}

/** Names of the advertised features, as older SDKs ask for them one by one. */
const NAMES: ReadonlySet<string> = new Set(
  Object.entries(resourcePb.ResourceMonitorFeature)
    .filter(([, number]) => FEATURES.includes(number as never))
    .map(([name]) =>
      name
        .replace("RESOURCE_MONITOR_FEATURE_", "")
        .toLowerCase()
        .replace(/_(\w)/g, (_, letter: string) => letter.toUpperCase()),
    ),
);

function handlers(
  methods: Record<string, Handler>,
): Record<string, grpc.handleUnaryCall<unknown, unknown>> {
  return Object.fromEntries(
    Object.entries(methods).map(([name, handler]) => [
      name,
      (call, callback) => void answer(handler, call.request, callback),
    ]),
  );
}

async function answer(
  handler: Handler,
  request: unknown,
  callback: grpc.sendUnaryData<unknown>,
): Promise<void> {
  try {
    callback(null, await handler(request));
  } catch (error) {
    callback({
      code: (error as { code?: number }).code ?? grpc.status.UNKNOWN,
      details: messageOf(error),
    });
  }
}
