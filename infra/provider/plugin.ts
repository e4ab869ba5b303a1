import * as grpc from "@grpc/grpc-js";
import { ResourceProviderService } from "@pulumi/pulumi/proto/provider_grpc_pb.js";
import { EngineLog, watchEngine } from "./engine-link.ts";
import { ProviderError } from "./errors.ts";
import { providerService } from "./service.ts";

/** What Pulumi's own servers and clients accept. */
const MAX_MESSAGE_BYTES = 400 * 1024 * 1024;
const STOP_MS = 3_000;

/**
 * Serves the provider on a free loopback port and prints the port, which is how an engine finds it.
 * Ends with the engine: a signal, or the engine vanishing, stops what is under way.
 *
 * @param args the last one that is not a flag is the engine's address
 */
export async function startPlugin(args: readonly string[]): Promise<void> {
  const address = args.filter((arg) => !arg.startsWith("-")).at(-1);
  const log = address === undefined ? undefined : new EngineLog(address);
  const abort = new AbortController();
  const server = new grpc.Server({
    "grpc.max_receive_message_length": MAX_MESSAGE_BYTES,
    "grpc.max_send_message_length": MAX_MESSAGE_BYTES,
  });
  server.addService(
    ResourceProviderService as unknown as grpc.ServiceDefinition,
    providerService({ log, abort }),
  );
  const stop = (reason: string) => {
    abort.abort(new ProviderError(reason));
    // Operations under way end at their next step; one that does not is no reason to stay.
    setTimeout(() => process.exit(1), STOP_MS).unref();
    server.tryShutdown(() => process.exit(0));
  };
  process.once("SIGINT", () => stop("interrupted"));
  process.once("SIGTERM", () => stop("terminated"));
  if (address !== undefined) watchEngine(address, () => process.exit(1));
  const port = await listen(server);
  process.stdout.write(`${port}\n`);
}

function listen(server: grpc.Server): Promise<number> {
  return new Promise((resolve, reject) => {
    server.bindAsync("127.0.0.1:0", grpc.ServerCredentials.createInsecure(), (error, port) =>
      error ? reject(error) : resolve(port),
    );
  });
}
