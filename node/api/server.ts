import { randomBytes } from "node:crypto";
import rateLimit from "@fastify/rate-limit";
import swagger from "@fastify/swagger";
import fastify, { type FastifyError, type FastifyInstance, type FastifyRequest } from "fastify";
import { type HostPort, parseAddress } from "../formats/configuration.ts";
import { nodeVersion } from "../formats/release.ts";
import { isLoopback } from "../operations/check-settings.ts";
import { ExitError } from "../operations/exit.ts";
import type { Startable } from "../operations/run.ts";
import type { ApiContext } from "./context.ts";
import { ApiError, type ApiErrorCode } from "./errors.ts";
import { consensusRoutes } from "./routes/consensus.ts";
import { dashboardRoute } from "./routes/dashboard.ts";
import { documentationRoutes } from "./routes/documentation.ts";
import { eventRoute, type EventStreams } from "./routes/events.ts";
import { healthRoutes } from "./routes/health.ts";
import { peerRoutes } from "./routes/peers.ts";
import { repositoryRoutes } from "./routes/repositories.ts";
import { transactionRoutes } from "./routes/transactions.ts";
import { schemaCompilers } from "./schema-compilers.ts";

/** Seconds over which the rate limit counts, so that a short burst is no offence. */
const RATE_WINDOW_SECONDS = 10;
const MAX_HEADER_BYTES = 16_384;
const KEEP_ALIVE_MS = 10_000;
/** Writes under way may still be finalized for this long after the node was asked to stop. */
const DRAIN_MS = 5_000;
/** After that, answers that name the transaction instead have this long to leave. */
const LAST_ANSWERS_MS = 500;
const REQUEST_ID = /^[\w.:-]{1,64}$/;

export interface Api extends Startable {
  readonly app: FastifyInstance;
  readonly streams: EventStreams;
  /** Where it listens, once started. */
  readonly url: string;
}

/**
 * The public HTTP API. Its routes are complete; it listens only after `start`.
 *
 * @param drainMs how long `stop` waits for writes under way
 */
export async function createApi(context: ApiContext, drainMs = DRAIN_MS): Promise<Api> {
  const app = createServer(context);
  const draining = new AbortController();
  const stopping = new AbortController();
  await app.register(swagger, { openapi: openApi });
  if (context.settings.rateLimit > 0) await limitRate(app, context.settings.rateLimit);
  observe(app, context);
  app.register(healthRoutes, { health: context.health });
  app.register(consensusRoutes, { context });
  app.register(transactionRoutes, { context });
  app.register(repositoryRoutes, { context, stopping: stopping.signal });
  app.register(peerRoutes, { context });
  app.register(dashboardRoute, { context });
  app.register(documentationRoutes);
  const streams = eventRoute(app, context, draining.signal);
  await app.ready();

  let url = "";
  return {
    name: "api",
    app,
    streams,
    get url() {
      return url;
    },
    async start(signal) {
      url = await listen(app, "api-addr", context.settings.apiAddr, signal);
    },
    async stop() {
      context.health.markDraining();
      draining.abort();
      const limits = [
        setTimeout(() => stopping.abort(), drainMs),
        // Whoever has not sent a whole request by then holds nobody up.
        setTimeout(() => app.server.closeAllConnections(), drainMs + LAST_ANSWERS_MS),
      ];
      await app.close();
      limits.forEach(clearTimeout);
    },
  };
}

function createServer({ settings }: ApiContext): FastifyInstance {
  const app = fastify({
    bodyLimit: settings.maxBodyBytes,
    requestTimeout: settings.requestTimeout,
    // Time without a byte either way: a waiting write is silent for as long as it may wait.
    connectionTimeout: settings.requestTimeout + settings.writeTimeout,
    keepAliveTimeout: KEEP_ALIVE_MS,
    forceCloseConnections: "idle",
    http: { maxHeaderSize: MAX_HEADER_BYTES },
    requestIdHeader: false,
    genReqId: requestIds(),
    // Our own hook answers in the form of all other errors.
    return503OnClosing: false,
    schemaController: { compilersFactory: schemaCompilers },
  });
  app.server.maxConnections = settings.maxConnections;
  app.removeContentTypeParser("text/plain");
  return app;
}

/** Takes the caller's x-request-id if it is harmless in a log, and makes one otherwise. */
function requestIds(): (request: { headers: Record<string, unknown> }) => string {
  const run = randomBytes(6).toString("hex");
  let count = 0;
  return ({ headers }) => {
    const given = headers["x-request-id"];
    if (typeof given === "string" && REQUEST_ID.test(given)) return given;
    count += 1;
    return `${run}-${count}`;
  };
}

const openApi = {
  openapi: "3.1.0",
  info: {
    title: "Guts node",
    description: "Public HTTP API of a Guts node: the chain, consensus and repositories.",
    version: nodeVersion.node,
    license: { name: "MIT", identifier: "MIT" },
  },
  tags: [
    { name: "repositories", description: "Repositories on the chain" },
    { name: "consensus", description: "Blocks, validators and transactions" },
    { name: "node", description: "This node, its health and its peers" },
  ],
};

async function limitRate(app: FastifyInstance, perSecond: number): Promise<void> {
  await app.register(rateLimit, {
    max: perSecond * RATE_WINDOW_SECONDS,
    timeWindow: RATE_WINDOW_SECONDS * 1000,
    cache: 10_000,
    // One client can hold a whole IPv6 /64, so that is what is counted.
    ipv6Subnet: 64,
    // A loopback client is a program of this machine: a load generator or a proxy, which speaks
    // for many and has its own limits.
    allowList: ({ ip }) => isLoopback(ip.replace(/^::ffff:/, "")),
    errorResponseBuilder: (_, { after }) => new ApiError("rate-limited", `wait ${after}`),
  });
}

/** Request ids, headers, metrics, refusal while stopping, and one form for all errors. */
function observe(app: FastifyInstance, { health, logger, metrics }: ApiContext): void {
  app.addHook("onRequest", async (request, reply) => {
    reply.header("x-request-id", request.id);
    reply.header("x-content-type-options", "nosniff");
    if (request.url.startsWith("/api/")) reply.header("cache-control", "no-store");
    if (health.draining && !request.url.startsWith("/health")) throw new ApiError("shutting-down");
  });
  // An answer begun before the node was asked to stop closes its connection too.
  app.addHook("onSend", async (_, reply) => {
    if (health.draining) reply.header("connection", "close");
  });
  app.addHook("onResponse", async (request, reply) => {
    const route = request.routeOptions.url ?? "unknown";
    const labels = { method: request.method, route, status: reply.statusCode };
    metrics.http.requests.observe(labels, reply.elapsedTime / 1000);
    logger.debug(
      { requestId: request.id, ...labels, ms: Math.round(reply.elapsedTime) },
      "request",
    );
  });
  app.setNotFoundHandler((request) => {
    throw new ApiError("not-found", `${request.method} ${request.url.split("?")[0]}`);
  });
  app.setErrorHandler((error: FastifyError | ApiError, request, reply) => {
    const answer = error instanceof ApiError ? error : translate(error, request, logger);
    return reply.status(answer.status).send({
      error: answer.code,
      message: answer.message,
      requestId: request.id,
      ...answer.fields,
    });
  });
}

const CODE_OF_STATUS: Readonly<Record<number, ApiErrorCode>> = {
  400: "invalid-request",
  404: "not-found",
  413: "body-too-large",
  415: "unsupported-media-type",
  429: "rate-limited",
};

function translate(
  error: FastifyError,
  request: FastifyRequest,
  logger: ApiContext["logger"],
): ApiError {
  const code = CODE_OF_STATUS[error.statusCode ?? 500];
  if (code) return new ApiError(code, error.message);
  logger.error({ requestId: request.id, err: error }, "request failed");
  return new ApiError("internal");
}

/** Listens, or says which setting names the address that cannot be had. */
export async function listen(
  app: FastifyInstance,
  setting: string,
  address: string,
  signal: AbortSignal,
): Promise<string> {
  const { host, port } = parseAddress(address) as HostPort;
  try {
    return await app.listen({ host, port, signal });
  } catch (error) {
    throw listenError(setting, address, error as NodeJS.ErrnoException);
  }
}

const LISTEN_REASONS: Readonly<Record<string, string>> = {
  EADDRINUSE: "another process listens there; stop it or choose another port",
  EADDRNOTAVAIL: "this machine has no such address; choose one of its own, or 0.0.0.0 for all",
  EACCES: "this user may not listen there; choose a port from 1024",
  ENOTFOUND: "the host name is not known; choose an IP address",
};

function listenError(setting: string, address: string, cause: NodeJS.ErrnoException): Error {
  const reason = LISTEN_REASONS[cause.code ?? ""];
  if (reason === undefined) return cause;
  return new ExitError("configuration", `${setting}: cannot listen on ${address}: ${reason}`, {
    cause,
  });
}
