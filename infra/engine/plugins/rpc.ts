/** gRPC as the engine uses it: plain text on 127.0.0.1, messages up to 400 MB, calls as promises. */
import * as grpc from "@grpc/grpc-js";

/** The limit that Pulumi's SDKs set on their clients and servers. */
const MAX_MESSAGE_BYTES = 400 * 1024 * 1024;

export const CHANNEL_OPTIONS = {
  "grpc.max_receive_message_length": MAX_MESSAGE_BYTES,
  "grpc.max_send_message_length": MAX_MESSAGE_BYTES,
};

export type RpcError = grpc.ServiceError;

export function isRpcError(error: unknown): error is RpcError {
  return (
    error instanceof Error &&
    typeof (error as Partial<RpcError>).code === "number" &&
    "details" in error
  );
}

/** One unary method of a generated client, as generated: `(request, callback)`. */
type Method<Request, Response> = (
  request: Request,
  callback: (error: grpc.ServiceError | null, response: Response) => void,
) => grpc.ClientUnaryCall;

export function call<Request, Response>(
  client: grpc.Client,
  method: Method<Request, Response>,
  request: Request,
): Promise<Response> {
  return new Promise((resolve, reject) => {
    method.call(client, request, (error, response) => (error ? reject(error) : resolve(response)));
  });
}

/** Starts a server on a free port of 127.0.0.1; resolves with its address. */
export function listen(server: grpc.Server): Promise<string> {
  return new Promise((resolve, reject) => {
    server.bindAsync("127.0.0.1:0", grpc.ServerCredentials.createInsecure(), (error, port) =>
      error ? reject(error) : resolve(`127.0.0.1:${port}`),
    );
  });
}
