import { createSocket } from "node:dgram";
import { once } from "node:events";
import { createServer } from "node:net";

/** An address a node will listen on. */
export interface Listener {
  readonly node: string;
  readonly purpose: string;
  readonly transport: "tcp" | "udp";
  readonly host: string;
  readonly port: number;
}

/** Whether somebody could listen there now. @throws when the reason is not that it is in use */
export async function isFree({ transport, host, port }: Listener): Promise<boolean> {
  try {
    await (transport === "tcp" ? tryTcp(host, port) : tryUdp(host, port));
    return true;
  } catch (error) {
    if ((error as NodeJS.ErrnoException).code === "EADDRINUSE") return false;
    throw error;
  }
}

async function tryTcp(host: string, port: number): Promise<void> {
  const server = createServer();
  server.listen({ host, port, exclusive: true });
  await once(server, "listening");
  server.close();
  await once(server, "close");
}

async function tryUdp(host: string, port: number): Promise<void> {
  const socket = createSocket({ type: host.includes(":") ? "udp6" : "udp4" });
  socket.bind({ address: host, port, exclusive: true });
  await once(socket, "listening");
  socket.close();
  await once(socket, "close");
}
