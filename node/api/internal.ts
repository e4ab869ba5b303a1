import fastify from "fastify";
import type { Health } from "../operations/health.ts";
import type { Metrics } from "../operations/metrics.ts";
import type { Startable } from "../operations/run.ts";
import { healthRoutes } from "./routes/health.ts";
import { schemaCompilers } from "./schema-compilers.ts";
import { listen } from "./server.ts";

export interface InternalApi extends Startable {
  readonly url: string;
}

/** The internal HTTP address: metrics and health, for the operator's own network only. */
export async function createInternalApi(options: {
  readonly address: string;
  readonly health: Health;
  readonly metrics: Metrics;
}): Promise<InternalApi> {
  const { address, health, metrics } = options;
  const app = fastify({
    forceCloseConnections: true,
    bodyLimit: 1024,
    requestTimeout: 10_000,
    schemaController: { compilersFactory: schemaCompilers },
  });
  app.register(healthRoutes, { health });
  app.get("/metrics", async (_, reply) => {
    const { type, text } = await metrics.render();
    return reply.header("content-type", type).send(text);
  });
  await app.ready();
  let url = "";
  return {
    name: "internal-api",
    get url() {
      return url;
    },
    async start(signal) {
      url = await listen(app, "internal-addr", address, signal);
    },
    stop: () => app.close(),
  };
}
