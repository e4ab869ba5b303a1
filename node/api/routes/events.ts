import type { ServerResponse } from "node:http";
import { Type } from "@sinclair/typebox";
import type { FastifyInstance } from "fastify";
import type { ApiContext } from "../context.ts";
import { ApiError } from "../errors.ts";
import { presentBlock } from "../presentation.ts";
import { answers } from "../schemas.ts";

/** A client that does not read is cut off once this many bytes wait for it. */
const MAX_BACKLOG_BYTES = 256 * 1024;
const HEARTBEAT_MS = 15_000;
/** Blocks sent again to a client that comes back with Last-Event-ID. */
const MAX_REPLAYED_BLOCKS = 100;

export interface EventStreams {
  readonly size: number;
}

/** GET /api/events: server-sent events, as the HTML standard defines them. */
export function eventRoute(
  app: FastifyInstance,
  context: ApiContext,
  stopping: AbortSignal,
): EventStreams {
  const open = new Set<ServerResponse>();
  const sendAll = (text: string) => {
    for (const stream of open) write(stream, text);
  };
  forwardEvents(context, open, sendAll);
  const heartbeat = setInterval(() => sendAll(": alive\n\n"), HEARTBEAT_MS).unref();
  stopping.addEventListener("abort", () => {
    clearInterval(heartbeat);
    for (const stream of open) stream.end();
  });
  app.get(
    "/api/events",
    {
      schema: {
        tags: ["node"],
        summary: "Server-sent events: finalized blocks, and peers that come and go",
        description:
          "`event: block` carries a block as in /api/consensus/blocks and its height as id; `event: peer` carries " +
          "`{public_key, name, role, connected}`. With `Last-Event-ID` the blocks since then are sent first.",
        response: answers({ 200: Type.String() }),
      },
    },
    (request, reply) => {
      const { maxEventStreams } = context.settings;
      if (open.size >= maxEventStreams)
        throw new ApiError("too-many-event-streams", `allowed: ${maxEventStreams}`);
      reply.hijack();
      const stream = reply.raw;
      stream.writeHead(200, {
        "content-type": "text/event-stream",
        "cache-control": "no-store",
        "x-request-id": request.id,
      });
      open.add(stream);
      stream.on("close", () => open.delete(stream));
      write(stream, "retry: 2000\n\n");
      replay(context, stream, request.headers["last-event-id"]);
    },
  );
  return open;
}

function forwardEvents(
  context: ApiContext,
  open: ReadonlySet<unknown>,
  sendAll: (text: string) => void,
): void {
  context.chain.onFinalized((block) => {
    if (open.size > 0) sendAll(blockEvent(context, block));
  });
  context.onPeers(({ peer, connected }) => {
    const { publicKey, name, role } = peer;
    const data = { public_key: publicKey, name: name ?? null, role, connected };
    sendAll(`event: peer\ndata: ${JSON.stringify(data)}\n\n`);
  });
}

function blockEvent(context: ApiContext, block: Parameters<typeof presentBlock>[1]): string {
  const data = JSON.stringify(presentBlock(context, block));
  return `event: block\nid: ${block.height}\ndata: ${data}\n\n`;
}

function replay(context: ApiContext, stream: ServerResponse, lastId: unknown): void {
  if (typeof lastId !== "string" || !/^\d{1,15}$/.test(lastId)) return;
  const tip = context.chain.tip().height;
  const first = Math.max(Number(lastId) + 1, tip - MAX_REPLAYED_BLOCKS + 1);
  for (let height = first; height <= tip; height += 1) {
    const block = context.chain.block(height);
    if (block) write(stream, blockEvent(context, block));
  }
}

function write(stream: ServerResponse, text: string): void {
  if (stream.writableLength > MAX_BACKLOG_BYTES) stream.destroy();
  else stream.write(text);
}
