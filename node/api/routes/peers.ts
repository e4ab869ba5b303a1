import type { FastifyInstance } from "fastify";
import type { ApiContext } from "../context.ts";
import { iso } from "../presentation.ts";
import { answers, peers } from "../schemas.ts";

export async function peerRoutes(
  app: FastifyInstance,
  { context }: { readonly context: ApiContext },
): Promise<void> {
  app.get(
    "/api/peers",
    {
      schema: {
        tags: ["node"],
        summary: "Connected peers, without their addresses",
        response: answers({ 200: peers }),
      },
    },
    () =>
      context.peers().map((peer) => ({
        public_key: peer.publicKey,
        peer_id: peer.peerId,
        name: peer.name ?? null,
        role: peer.role,
        node_version: peer.nodeVersion,
        protocol_version: peer.protocolVersion,
        height: peer.height,
        transport: peer.transport,
        direction: peer.direction,
        round_trip_ms: peer.roundTripMs ?? null,
        connected_at: iso(peer.connectedAt),
      })),
  );
}
