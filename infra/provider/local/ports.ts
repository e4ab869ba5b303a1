import { execFile } from "node:child_process";
import { createSocket } from "node:dgram";
import { readdirSync, readFileSync, readlinkSync } from "node:fs";
import { createServer } from "node:net";
import { promisify } from "node:util";
import { ProviderError, systemCode } from "../errors.ts";
import { argumentsOf, processIds } from "./processes.ts";

/** A port a node is about to listen on, and what for. */
export interface WantedPort {
  readonly use: string;
  readonly protocol: "tcp" | "udp";
  readonly host: string;
  readonly port: number;
}

/** @throws ProviderError that names every port that is taken and, where it can be seen, by whom */
export async function requireFreePorts(wanted: readonly WantedPort[]): Promise<void> {
  const problems = await Promise.all(wanted.map(problemOf));
  const lines = problems.filter((problem) => problem !== undefined);
  if (lines.length > 0)
    throw new ProviderError(
      `${lines.join("\n")}\nstop what uses them, or give the site other ports (ports of the site in the network description)`,
    );
}

async function problemOf(wanted: WantedPort): Promise<string | undefined> {
  const { use, protocol, host, port } = wanted;
  try {
    await (protocol === "tcp" ? tryTcp(host, port) : tryUdp(host, port));
    return undefined;
  } catch (error) {
    switch (systemCode(error)) {
      case "EADDRINUSE": {
        const owner = await ownerOf(wanted);
        return `port ${port}/${protocol} (${use}) is taken${owner === undefined ? "" : ` by ${owner}`}`;
      }
      case "EACCES":
        return `port ${port}/${protocol} (${use}) needs rights this user does not have`;
      case "EADDRNOTAVAIL":
        return `port ${port}/${protocol} (${use}): this machine has no address ${host}`;
      default:
        throw error;
    }
  }
}

function tryTcp(host: string, port: number): Promise<void> {
  return new Promise((resolve, reject) => {
    const server = createServer();
    server.once("error", reject);
    server.listen({ host, port, exclusive: true }, () => server.close(() => resolve()));
  });
}

function tryUdp(host: string, port: number): Promise<void> {
  return new Promise((resolve, reject) => {
    const socket = createSocket(host.includes(":") ? "udp6" : "udp4");
    socket.once("error", (error) => {
      socket.close();
      reject(error);
    });
    socket.bind({ address: host, port, exclusive: true }, () => socket.close(resolve));
  });
}

/** For people: process id and command of who holds the port; undefined when it cannot be seen. */
async function ownerOf({ protocol, port }: WantedPort): Promise<string | undefined> {
  try {
    return process.platform === "linux"
      ? ownerByProc(protocol, port)
      : await ownerByLsof(protocol, port);
  } catch {
    return undefined;
  }
}

const TCP_LISTEN = "0A";

function ownerByProc(protocol: "tcp" | "udp", port: number): string | undefined {
  const sockets = new Set(
    [protocol, `${protocol}6`].flatMap((table) => {
      const [, ...lines] = readFileSync(`/proc/net/${table}`, "latin1").trim().split("\n");
      return lines
        .map((line) => line.trim().split(/\s+/))
        .filter(([, local = "", , state]) => {
          const matches = Number.parseInt(local.split(":")[1] ?? "", 16) === port;
          return matches && (protocol === "udp" || state === TCP_LISTEN);
        })
        .map((fields) => `socket:[${fields[9]}]`);
    }),
  );
  const pid = processIds().find((id) => holds(id, sockets));
  if (pid === undefined) return undefined;
  return `process ${pid} (${argumentsOf(pid).join(" ").slice(0, 120)})`;
}

function holds(pid: number, sockets: ReadonlySet<string>): boolean {
  try {
    return readdirSync(`/proc/${pid}/fd`).some((fd) => {
      try {
        return sockets.has(readlinkSync(`/proc/${pid}/fd/${fd}`));
      } catch {
        return false; // closed meanwhile
      }
    });
  } catch {
    return false; // another user's process
  }
}

async function ownerByLsof(protocol: "tcp" | "udp", port: number): Promise<string | undefined> {
  const only = protocol === "tcp" ? ["-sTCP:LISTEN"] : [];
  const { stdout } = await promisify(execFile)("lsof", [
    "-nP",
    `-i${protocol.toUpperCase()}:${port}`,
    ...only,
    "-Fpc",
  ]);
  const pid = /^p(\d+)$/m.exec(stdout)?.[1];
  return pid && `process ${pid} (${/^c(.+)$/m.exec(stdout)?.[1] ?? "?"})`;
}
