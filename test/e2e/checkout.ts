import { type ChildProcess, spawn } from "node:child_process";
import { once } from "node:events";
import {
  constants,
  cpSync,
  existsSync,
  mkdirSync,
  mkdtempSync,
  rmSync,
  symlinkSync,
  writeFileSync,
} from "node:fs";
import { createServer, type Server } from "node:net";
import { tmpdir } from "node:os";
import { dirname, join } from "node:path";

const source = dirname(dirname(import.meta.dirname));
const COPIED = [
  ...["infra", "node", "scripts"],
  ...["LICENSE", "Pulumi.yaml", "package.json", "package-lock.json"],
];

/** Building a release takes ten seconds; what it was built from is in its name, so an old one is not used. */
const kept = join(source, ".guts", "e2e-release");

/** What a finished command has said. */
export interface Finished {
  readonly code: number | null;
  readonly stdout: string;
  readonly stderr: string;
  /** Both, in the order of arrival. */
  readonly all: string;
  readonly seconds: number;
}

/** A copy of the sources with its own state, networks and ports, so that nothing of the real one is touched. */
export class Checkout {
  readonly root = mkdtempSync(join(tmpdir(), "guts-e2e-"));
  readonly home = join(this.root, ".guts");
  readonly stack = "local";

  constructor() {
    for (const name of COPIED)
      cpSync(join(source, name), join(this.root, name), {
        recursive: true,
        filter: (path) => !path.includes("node_modules"),
      });
    symlinkSync(join(source, "node_modules"), join(this.root, "node_modules"));
    mkdirSync(join(this.root, "stacks"));
  }

  /** Takes over the release another checkout of the same sources has built, if there is one. */
  takeRelease(): void {
    if (!existsSync(kept)) return;
    mkdirSync(this.home, { recursive: true });
    cpSync(kept, this.home, { recursive: true, mode: constants.COPYFILE_FICLONE });
  }

  /** Keeps the release of this checkout for others, in place of the one kept before. */
  keepRelease(): void {
    rmSync(kept, { recursive: true, force: true });
    for (const name of ["bundles", "releases"])
      cpSync(join(this.home, name), join(kept, name), {
        recursive: true,
        mode: constants.COPYFILE_FICLONE,
      });
  }

  /** Writes the stack's file, in JSON, which is YAML too. */
  describe(network: object, stack = this.stack): void {
    const content = {
      config: { "guts:network": network, "pulumi:disable-default-providers": ["*"] },
      // Belongs to the empty passphrase.
      encryptionsalt: "v1:GuWiq1XvhxQ=:v1:ELU4cGWZ7QPK2oPm:/vLfX7/LK68U0EHjZnRnQL8zrjPlvQ==",
    };
    writeFileSync(join(this.root, "stacks", `Pulumi.${stack}.yaml`), JSON.stringify(content));
  }

  /** Starts `guts` with the embedded engine and no account; the child leads a process group. */
  spawn(words: readonly string[], environment: NodeJS.ProcessEnv = {}): ChildProcess {
    const { PATH, HOME } = process.env;
    return spawn(process.execPath, [join(this.root, "infra/cli/main.ts"), ...words], {
      cwd: this.root,
      env: { PATH, HOME, PULUMI_HOME: join(this.root, "no-pulumi"), ...environment },
      stdio: ["ignore", "pipe", "pipe"],
      detached: true,
    });
  }

  /** Runs `guts` to its end. */
  async guts(words: readonly string[], environment: NodeJS.ProcessEnv = {}): Promise<Finished> {
    return finish(this.spawn(words, environment));
  }

  /** Brings the network up with the embedded engine. */
  up(...words: readonly string[]): Promise<Finished> {
    return this.guts(["up", this.stack, "--yes", "--engine", "embedded", ...words]);
  }

  /** Ends what runs and removes everything. */
  async remove(): Promise<void> {
    await this.guts(["stop", this.stack]);
    rmSync(this.root, { recursive: true, force: true });
  }
}

/** Waits for the end of a child and its output. */
export async function finish(child: ChildProcess): Promise<Finished> {
  const started = performance.now();
  let [stdout, stderr, all] = ["", "", ""];
  child.stdout?.setEncoding("utf8").on("data", (text: string) => {
    stdout += text;
    all += text;
  });
  child.stderr?.setEncoding("utf8").on("data", (text: string) => {
    stderr += text;
    all += text;
  });
  const [code] = (await once(child, "close")) as [number | null];
  return { code, stdout, stderr, all, seconds: (performance.now() - started) / 1000 };
}

/** First ports of three ranges that are free now, for TCP. */
export async function freePorts(
  count: number,
): Promise<{ api: number; p2p: number; internal: number }> {
  const start = await freeRange(count * 3);
  return { api: start, p2p: start + count, internal: start + 2 * count };
}

/** Below the range from which the system takes ports for outgoing connections. */
const LOWEST = 20_000;
const HIGHEST = 32_000;

async function freeRange(size: number): Promise<number> {
  for (let attempt = 0; attempt < 50; attempt += 1) {
    const start = LOWEST + Math.floor(Math.random() * (HIGHEST - LOWEST - size));
    const ports = Array.from({ length: size }, (_, index) => start + index);
    const servers = await Promise.all(ports.map(listen));
    for (const server of servers) server?.close();
    if (servers.every((server) => server !== undefined)) return start;
  }
  throw new Error(`no ${size} free ports in a row between ${LOWEST} and ${HIGHEST}`);
}

async function listen(port: number): Promise<Server | undefined> {
  const server = createServer();
  try {
    server.listen({ port, host: "127.0.0.1", exclusive: true });
    await once(server, "listening");
    return server;
  } catch {
    return undefined; // taken
  }
}

/** A devnet of four validators with short blocks, on ports of its own. */
export async function smallNetwork(changes: object = {}, nodes = 10) {
  return {
    chainId: "guts-e2e",
    purpose: "devnet",
    consensus: { blockInterval: "200ms" },
    sites: [{ name: "local", kind: "local", validators: 4, ports: await freePorts(nodes) }],
    ...changes,
  };
}
