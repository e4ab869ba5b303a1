import { type ChildProcess, spawn } from "node:child_process";
import { once } from "node:events";
import { join } from "node:path";
import { createInterface } from "node:readline";
import type { TestContext } from "node:test";
import * as grpc from "@grpc/grpc-js";
import { EngineService } from "@pulumi/pulumi/proto/engine_grpc_pb.js";
import type { LogRequest } from "@pulumi/pulumi/proto/engine_pb.js";
import { ResourceProviderClient } from "@pulumi/pulumi/proto/provider_grpc_pb.js";
import empty from "google-protobuf/google/protobuf/empty_pb.js";
import struct from "google-protobuf/google/protobuf/struct_pb.js";

export const checkout = join(import.meta.dirname, "..", "..", "..", "..");
const executable = join(checkout, "infra", "provider", "pulumi-resource-guts");

/** What an engine shows of a message. */
export interface Logged {
  readonly message: string;
  readonly urn: string;
  readonly ephemeral: boolean;
}

export interface Plugin {
  readonly client: ResourceProviderClient;
  readonly child: ChildProcess;
  readonly logged: Logged[];
  /** From the start of the process to the port line. */
  readonly startMs: number;
}

/** The Engine service, as far as a plugin uses it. */
export async function serveEngine(t: TestContext): Promise<{ address: string; logged: Logged[] }> {
  const logged: Logged[] = [];
  const server = new grpc.Server();
  server.addService(EngineService as unknown as grpc.ServiceDefinition, {
    log: (call: { request: LogRequest }, callback: grpc.sendUnaryData<unknown>) => {
      const { request } = call;
      logged.push({
        message: request.getMessage(),
        urn: request.getUrn(),
        ephemeral: request.getEphemeral(),
      });
      callback(null, new empty.Empty());
    },
  });
  const port = await new Promise<number>((resolve, reject) =>
    server.bindAsync("127.0.0.1:0", grpc.ServerCredentials.createInsecure(), (error, bound) =>
      error ? reject(error) : resolve(bound),
    ),
  );
  t.after(() => server.forceShutdown());
  return { address: `127.0.0.1:${port}`, logged };
}

/** Starts the plugin as an engine does: its executable, the engine's address, the port from stdout. */
export async function startPlugin(
  t: TestContext,
  environment: NodeJS.ProcessEnv = {},
): Promise<Plugin> {
  const { address, logged } = await serveEngine(t);
  const start = performance.now();
  const child = spawn(executable, [address], {
    cwd: join(checkout, "infra"),
    stdio: ["ignore", "pipe", "inherit"],
    env: { ...process.env, ...environment },
  });
  t.after(() => child.kill("SIGKILL"));
  const [line] = (await once(createInterface(child.stdout), "line")) as [string];
  const startMs = performance.now() - start;
  const client = new ResourceProviderClient(`127.0.0.1:${line}`, grpc.credentials.createInsecure());
  t.after(() => client.close());
  return { client, child, logged, startMs };
}

type Method = (request: never, callback: (error: unknown, response: never) => void) => unknown;

/** Calls one method of the client and waits for its answer. */
export function call<Response>(
  client: ResourceProviderClient,
  method: keyof ResourceProviderClient,
  request: object,
): Promise<Response> {
  return new Promise((resolve, reject) => {
    (client[method] as Method).call(client, request as never, (error, response) =>
      error ? reject(error as Error) : resolve(response),
    );
  });
}

export const toStruct = (value: object) => struct.Struct.fromJavaScript(value as never);
