import * as grpc from "@grpc/grpc-js";
import { ProviderError } from "./errors.ts";

type Answer<Request, Response> = (request: Request) => Promise<Response> | Response;

/** A gRPC method from a function; what it throws becomes a status the engine can show. */
export function unary<Request, Response>(
  answer: Answer<Request, Response>,
): grpc.handleUnaryCall<Request, Response> {
  return (call, callback) => {
    Promise.resolve()
      .then(() => answer(call.request))
      .then(
        (response) => callback(null, response),
        (error: unknown) => callback(statusOf(error)),
      );
  };
}

export function unimplemented(what: string): grpc.handleUnaryCall<unknown, never> {
  return unary(() => {
    throw new Unimplemented(what);
  });
}

/** A call that this provider does not serve. */
export class Unimplemented extends Error {}

/**
 * A user's mistake changed nothing; of a bug nobody knows what it left, which is what UNKNOWN tells
 * the engine.
 */
function statusOf(error: unknown): grpc.ServiceError {
  const details = error instanceof Error ? describe(error) : String(error);
  const code =
    error instanceof ProviderError
      ? grpc.status.FAILED_PRECONDITION
      : error instanceof Unimplemented
        ? grpc.status.UNIMPLEMENTED
        : grpc.status.UNKNOWN;
  return Object.assign(new Error(details), { code, details, metadata: new grpc.Metadata() });
}

function describe(error: Error): string {
  const expected = error instanceof ProviderError || error instanceof Unimplemented;
  return expected ? error.message : (error.stack ?? error.message);
}
