import { connect } from "node:net";
import * as grpc from "@grpc/grpc-js";
import { EngineClient } from "@pulumi/pulumi/proto/engine_grpc_pb.js";
import engine from "@pulumi/pulumi/proto/engine_pb.js";

export type Severity = "debug" | "info" | "warning" | "error";
const severities = {
  debug: engine.LogSeverity.DEBUG,
  info: engine.LogSeverity.INFO,
  warning: engine.LogSeverity.WARNING,
  error: engine.LogSeverity.ERROR,
};

/** Messages to the user, in order, through the engine that started this plugin. */
export class EngineLog {
  readonly #client: EngineClient;
  #last: Promise<void> = Promise.resolve();

  /** @param address host:port of the engine's gRPC service */
  constructor(address: string) {
    this.#client = new EngineClient(address, grpc.credentials.createInsecure());
  }

  /** @param ephemeral shown while it lasts and kept out of the record */
  write(severity: Severity, message: string, urn: string, ephemeral = false): void {
    const request = new engine.LogRequest();
    request.setSeverity(severities[severity]);
    request.setMessage(message);
    request.setUrn(urn);
    request.setEphemeral(ephemeral);
    this.#last = this.#last.then(() => this.#send(request));
  }

  /** Until everything written so far has arrived, or failed to. */
  flush(): Promise<void> {
    return this.#last;
  }

  close(): void {
    this.#client.close();
  }

  // A message that cannot be shown must not fail the operation it speaks of.
  #send(request: engine.LogRequest): Promise<void> {
    const deadline = Date.now() + 5_000;
    const metadata = new grpc.Metadata();
    return new Promise((resolve) => {
      this.#client.log(request, metadata, { deadline }, () => resolve());
    });
  }
}

const PARENT_POLL_MS = 500;
const RECONNECT_MS = 200;

/**
 * Calls `gone` once when the engine is no longer there: it may be killed without a word, and a plugin
 * that outlives it would hold locks and files of the next run.
 *
 * @param address host:port of the engine
 */
export function watchEngine(address: string, gone: (reason: string) => void): () => void {
  const parent = process.ppid;
  let stopped = false;
  const end = (reason: string) => {
    if (stopped) return;
    stop();
    gone(reason);
  };
  const timer = setInterval(() => {
    if (process.ppid !== parent) end(`the engine's process ${parent} is gone`);
  }, PARENT_POLL_MS);
  timer.unref();
  const stop = () => {
    stopped = true;
    clearInterval(timer);
  };
  holdConnection(address, () => stopped, end);
  return stop;
}

/** A connection without traffic, renewed when it closes; a refused one means that nobody listens. */
function holdConnection(address: string, stopped: () => boolean, end: (reason: string) => void) {
  const at = address.lastIndexOf(":");
  const host = address.slice(0, at).replace(/^\[|\]$/g, "");
  const port = Number(address.slice(at + 1));
  if (at < 0 || !Number.isInteger(port)) return;
  const dial = () => {
    if (stopped()) return;
    const socket = connect({ host, port });
    socket.unref();
    let refused = false;
    socket.on("error", (error: NodeJS.ErrnoException) => {
      refused = error.code === "ECONNREFUSED";
    });
    socket.on("close", () => {
      if (refused) end(`nobody answers at the engine's address ${address}`);
      else setTimeout(dial, RECONNECT_MS).unref();
    });
    socket.resume();
  };
  dial();
}
