/** A plugin process: started, spoken to over gRPC, ended. */
import { spawn, type ChildProcess } from "node:child_process";
import * as grpc from "@grpc/grpc-js";
import providerGrpc from "@pulumi/pulumi/proto/provider_grpc_pb.js";
import providerPb from "@pulumi/pulumi/proto/provider_pb.js";
import pluginPb from "@pulumi/pulumi/proto/plugin_pb.js";
import emptyPb from "google-protobuf/google/protobuf/empty_pb.js";
import { EngineError } from "../errors.ts";
import type { ChildGuard } from "./guard.ts";
import type { PluginSource } from "./locate.ts";
import { call, CHANNEL_OPTIONS, isRpcError } from "./rpc.ts";

export type ProviderClient = InstanceType<typeof providerGrpc.ResourceProviderClient>;
export type HandshakeResponse = InstanceType<typeof providerPb.ProviderHandshakeResponse>;

const HANDSHAKE_LIMIT_MS = 10_000,
  HANDSHAKE_RETRY_MS = 10,
  CANCEL_LIMIT_MS = 1_000,
  EXIT_LIMIT_MS = 5_000;
/** What is kept of a plugin's output, to be shown should it die early. */
const KEPT_OUTPUT_CHARACTERS = 20_000;

export interface PluginSurroundings {
  readonly engineAddress: string;
  readonly programDirectory: string;
  readonly guard: ChildGuard;
  readonly env: NodeJS.ProcessEnv;
}

export class PluginProcess {
  readonly name: string;
  readonly client: ProviderClient;
  /** Undefined when the plugin does not know Handshake. */
  readonly handshake: HandshakeResponse | undefined;
  readonly #child: ChildProcess | undefined;

  private constructor(
    name: string,
    client: ProviderClient,
    handshake: HandshakeResponse | undefined,
    child: ChildProcess | undefined,
  ) {
    this.name = name;
    this.client = client;
    this.handshake = handshake;
    this.#child = child;
  }

  static async start(
    name: string,
    source: PluginSource,
    around: PluginSurroundings,
  ): Promise<PluginProcess> {
    if (source.kind === "attached") {
      const client = connect(source.port);
      const handshake = await shakeHands(name, client, around, "", () => undefined);
      const attach = new pluginPb.PluginAttach();
      attach.setAddress(around.engineAddress);
      await call<typeof attach, unknown>(client, client.attach as never, attach);
      return new PluginProcess(name, client, handshake, undefined);
    }
    const child = spawn(source.file, [around.engineAddress], {
      cwd: around.programDirectory,
      env: around.env,
      stdio: ["ignore", "pipe", "pipe"],
      detached: process.platform !== "win32",
    });
    around.guard.watch(child);
    const { port, died } = await firstLine(name, source.file, child);
    const client = connect(port);
    try {
      return new PluginProcess(
        name,
        client,
        await shakeHands(name, client, around, source.directory, died),
        child,
      );
    } catch (error) {
      end(child, "SIGKILL");
      throw error;
    }
  }

  /** The version the plugin says it has, or empty. */
  async version(): Promise<string> {
    try {
      return (
        await call<emptyPb.Empty, InstanceType<typeof pluginPb.PluginInfo>>(
          this.client,
          this.client.getPluginInfo as never,
          new emptyPb.Empty(),
        )
      ).getVersion();
    } catch {
      return "";
    }
  }

  /** Tells the plugin to give up what it is doing. */
  async cancel(): Promise<void> {
    await Promise.race([
      call(this.client, this.client.cancel as never, new emptyPb.Empty()).catch(() => undefined),
      pause(CANCEL_LIMIT_MS),
    ]);
  }

  /** Ends the process; resolves when it is gone. */
  async close(): Promise<void> {
    await this.cancel();
    this.client.close();
    const child = this.#child;
    if (!child || child.exitCode !== null || child.signalCode !== null) return;
    const gone = new Promise<void>((resolve) => child.once("exit", () => resolve()));
    end(child, "SIGINT");
    if (await Promise.race([gone.then(() => true), pause(EXIT_LIMIT_MS).then(() => false)])) return;
    end(child, "SIGKILL");
    await gone;
  }
}

function connect(port: number): ProviderClient {
  return new providerGrpc.ResourceProviderClient(
    `127.0.0.1:${port}`,
    grpc.credentials.createInsecure(),
    CHANNEL_OPTIONS,
  );
}

/** The first line a plugin prints is its port, and nothing else may be there. */
function firstLine(
  name: string,
  file: string,
  child: ChildProcess,
): Promise<{ port: number; died: () => string | undefined }> {
  let stdout = "",
    output = "",
    ended: string | undefined;
  return new Promise((resolve, reject) => {
    const fail = (why: string): void => {
      end(child, "SIGKILL");
      reject(
        new EngineError(
          `could not start the plugin ${name} (${file}): ${why}${output.trim() ? `\n${output.trim()}` : ""}`,
        ),
      );
    };
    const keep = (chunk: Buffer): void => {
      output = (output + chunk.toString()).slice(-KEPT_OUTPUT_CHARACTERS);
    };
    child.once("error", (error) => fail(error.message));
    child.once("close", (code, signal) => {
      ended = `it ended with ${code === null ? (signal ?? "no code") : `exit code ${code}`}`;
      fail(`${ended} before it printed its port`);
    });
    child.stderr?.on("data", keep);
    child.stdout?.on("data", (chunk: Buffer) => {
      keep(chunk);
      if (stdout.includes("\n")) return;
      stdout += chunk.toString();
      if (!stdout.includes("\n")) return;
      const line = (stdout.split("\n")[0] ?? "").trim();
      if (!/^\d+$/.test(line))
        return fail(`got ${JSON.stringify(line)} as its first line, expected a port number`);
      // Output after the port line is the plugin's own affair; the pipes must not keep the engine alive.
      for (const pipe of [child.stdout, child.stderr])
        (pipe as unknown as { unref?: () => void } | null)?.unref?.();
      child.unref();
      resolve({
        port: Number(line),
        died: () => ended && `${ended}${output.trim() ? `\n${output.trim()}` : ""}`,
      });
    });
  });
}

async function shakeHands(
  name: string,
  client: ProviderClient,
  around: PluginSurroundings,
  directory: string,
  died: () => string | undefined,
): Promise<HandshakeResponse | undefined> {
  const request = new providerPb.ProviderHandshakeRequest();
  request.setEngineAddress(around.engineAddress);
  if (directory) {
    request.setRootDirectory(directory);
    request.setProgramDirectory(directory);
  }
  request.setConfigureWithUrn(true);
  request.setSupportsRefreshBeforeUpdate(true);
  request.setInvokeWithPreview(true);
  request.setAcceptsByteString(true);
  for (const started = Date.now(); ; await pause(HANDSHAKE_RETRY_MS)) {
    try {
      return await call<typeof request, HandshakeResponse>(
        client,
        client.handshake as never,
        request,
      );
    } catch (error) {
      if (isRpcError(error) && error.code === grpc.status.UNIMPLEMENTED) return undefined;
      const end = died();
      if (end) throw new EngineError(`the plugin ${name} died: ${end}`);
      if (
        !isRpcError(error) ||
        error.code !== grpc.status.UNAVAILABLE ||
        Date.now() - started > HANDSHAKE_LIMIT_MS
      )
        throw new EngineError(
          `the plugin ${name} did not answer the handshake: ${(error as Error).message}`,
        );
    }
  }
}

function end(child: ChildProcess, signal: NodeJS.Signals): void {
  if (child.pid === undefined || child.exitCode !== null) return;
  try {
    if (process.platform === "win32") child.kill(signal);
    else process.kill(-child.pid, signal);
  } catch {
    child.kill(signal);
  }
}

function pause(ms: number): Promise<void> {
  return new Promise((resolve) => setTimeout(resolve, ms).unref());
}
