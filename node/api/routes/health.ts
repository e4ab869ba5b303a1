import type { FastifyInstance } from "fastify";
import { nodeVersion } from "../../formats/release.ts";
import type { Health } from "../../operations/health.ts";
import { healthAnswer } from "../schemas.ts";

/** The health paths, the same on the public and on the internal address. */
export async function healthRoutes(
  app: FastifyInstance,
  { health }: { readonly health: Health },
): Promise<void> {
  const schema = (summary: string) => ({
    tags: ["node"],
    summary,
    response: { 200: healthAnswer, 503: healthAnswer },
  });
  app.get("/health", { schema: schema("All checks and the version") }, (_, reply) => {
    const answer = readiness(health);
    return reply
      .status(answer.status === "up" ? 200 : 503)
      .send({ ...answer, version: nodeVersion.node, uptime_seconds: health.uptimeSeconds });
  });
  app.get("/health/live", { schema: schema("The process answers") }, () => ({
    status: "up",
    uptime_seconds: health.uptimeSeconds,
  }));
  app.get("/health/ready", { schema: schema("The node can serve and write") }, (_, reply) => {
    const answer = readiness(health);
    return reply.status(answer.status === "up" ? 200 : 503).send(answer);
  });
  app.get("/health/startup", { schema: schema("All services were started") }, (_, reply) => {
    const startup = health.startupMs;
    if (startup === undefined) return reply.status(503).send({ status: "down" });
    return reply.send({ status: "up", startup_duration_ms: startup });
  });
}

function readiness(health: Health) {
  const checks = health.checks();
  const reasons = Object.values(checks).flatMap(({ reason }) => reason ?? []);
  return { status: reasons.length === 0 ? "up" : "down", checks, reasons };
}
