import { type ChildProcess, spawn } from "node:child_process";
import {
  createWriteStream,
  existsSync,
  mkdirSync,
  mkdtempSync,
  readFileSync,
  rmSync,
  writeFileSync,
} from "node:fs";
import { createServer } from "node:net";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { setTimeout as sleep } from "node:timers/promises";
import { fileURLToPath } from "node:url";
import { toHex } from "../../../node/formats/bytes.ts";
import { type NodeSettings, renderConfiguration } from "../../../node/formats/configuration.ts";
import { SigningKey } from "../../../node/formats/ed25519.ts";
import { encodeGenesis, type Genesis } from "../../../node/formats/genesis.ts";
import { encodeKeyFile } from "../../../node/formats/keys.ts";

const MAIN = fileURLToPath(new URL("../../../node/main.ts", import.meta.url));
const HOST = "127.0.0.1";

interface Ready {
  readonly api: string;
  readonly internal: string;
  readonly startupMs: number;
}

/** One node as a process of its own, run from its source files. */
export class TestNode {
  readonly name: string;
  readonly directory: string;
  readonly key: SigningKey;
  readonly configuration: string;
  readonly #program: string;
  ready: Ready | undefined;
  #process: ChildProcess | undefined;
  #exited: Promise<number | null> = Promise.resolve(null);

  constructor(
    directory: string,
    name: string,
    key: SigningKey,
    settings: Partial<NodeSettings>,
    program = MAIN,
  ) {
    this.name = name;
    this.#program = program;
    this.directory = join(directory, name);
    this.key = key;
    mkdirSync(this.directory, { recursive: true });
    writeFileSync(join(this.directory, "node.key"), encodeKeyFile(key), { mode: 0o600 });
    this.configuration = join(this.directory, "node.yaml");
    writeFileSync(
      this.configuration,
      renderConfiguration({
        apiAddr: `${HOST}:0`,
        internalAddr: `${HOST}:0`,
        privateKeyFile: join(this.directory, "node.key"),
        dataDir: join(this.directory, "data"),
        logFormat: "json",
        logLevel: "debug",
        ...settings,
      }),
    );
  }

  get pid(): number {
    return this.#process?.pid ?? 0;
  }

  get logPath(): string {
    return join(this.directory, "node.log");
  }

  /** Starts the process; resolves when it says that it is ready. */
  async start(): Promise<this> {
    const log = createWriteStream(this.logPath, { flags: "a" });
    const child = spawn(process.execPath, [this.#program, "run", "--config", this.configuration], {
      stdio: ["ignore", "pipe", "pipe"],
      env: { PATH: process.env["PATH"] },
    });
    this.#process = child;
    this.ready = undefined;
    this.#exited = new Promise((resolve) => child.once("exit", (code) => resolve(code)));
    child.stderr.pipe(log, { end: false });
    await new Promise<void>((resolve, reject) => {
      let text = "";
      child.stdout.on("data", (chunk: Buffer) => {
        log.write(chunk);
        if (this.ready) return;
        text += chunk.toString();
        const line = text.split("\n").find((one) => one.includes('"msg":"ready"'));
        if (!line?.endsWith("}")) return;
        this.ready = JSON.parse(line) as Ready;
        resolve();
      });
      child.once("exit", (code) =>
        reject(
          new Error(
            `${this.name} ended with ${code} before it was ready:\n${this.log().slice(-3000)}`,
          ),
        ),
      );
    });
    return this;
  }

  kill(signal: NodeJS.Signals): Promise<number | null> {
    this.#process?.kill(signal);
    return this.#exited;
  }

  log(): string {
    return existsSync(this.logPath) ? readFileSync(this.logPath, "utf8") : "";
  }

  url(path: string): string {
    if (!this.ready) throw new Error(`${this.name} is not running`);
    return `${this.ready.api}${path}`;
  }

  async get<Answer>(path: string): Promise<Answer> {
    const response = await fetch(this.url(path), { signal: AbortSignal.timeout(10_000) });
    return (await response.json()) as Answer;
  }

  async height(): Promise<number> {
    const status = await this.get<{ finalized_height: number }>("/api/consensus/status");
    return status.finalized_height;
  }

  /** Waits until the node has finalized this height. */
  async reach(height: number, withinMs = 20_000): Promise<void> {
    await eventually(`${this.name} reaches height ${height}`, withinMs, async () => {
      const now = await this.height();
      return now >= height ? true : `it is at ${now}`;
    });
  }

  createRepository(name: string, headers: Record<string, string> = {}): Promise<Response> {
    return fetch(this.url("/api/repos"), {
      method: "POST",
      headers: { "content-type": "application/json", ...headers },
      body: JSON.stringify({ owner: "alice", name }),
      signal: AbortSignal.timeout(30_000),
    });
  }
}

/** Asks again and again, a few times a second, until the answer is true. */
export async function eventually(
  what: string,
  withinMs: number,
  ask: () => Promise<true | string>,
): Promise<void> {
  const end = performance.now() + withinMs;
  for (;;) {
    const answer = await ask().catch((error: unknown) => String(error));
    if (answer === true) return;
    if (performance.now() > end) throw new Error(`not within ${withinMs} ms: ${what}; ${answer}`);
    await sleep(50);
  }
}

export interface LocalNetwork extends AsyncDisposable {
  readonly directory: string;
  readonly validators: readonly TestNode[];
  readonly fullNodes: readonly TestNode[];
  readonly genesis: Genesis;
}

export interface NetworkOptions {
  readonly validators: number;
  readonly fullNodes?: number;
  readonly blockIntervalMs?: number;
  readonly settings?: Partial<NodeSettings>;
  /**
   * The program that runs.
   * @default - node/main.ts
   */
  readonly program?: string;
}

/** Keys, genesis and configuration of a network on this machine; nothing runs yet. */
export async function prepareNetwork(options: NetworkOptions): Promise<LocalNetwork> {
  const { validators: count, fullNodes: full = 0, blockIntervalMs = 300 } = options;
  const directory = mkdtempSync(join(tmpdir(), "guts-e2e-"));
  const keys = Array.from({ length: count + full }, () => SigningKey.generate());
  const ports = await freePorts(count + full);
  const account = SigningKey.generate();
  const accountKey = join(directory, "account.key");
  writeFileSync(accountKey, encodeKeyFile(account), { mode: 0o600 });
  const genesis = genesisFor(keys.slice(0, count), account, blockIntervalMs);
  const genesisFile = join(directory, "genesis.json");
  writeFileSync(genesisFile, encodeGenesis(genesis));
  const addressOf = (i: number) =>
    `${toHex((keys[i] as SigningKey).publicKey)}@${HOST}:${ports[i]}`;
  const nodes = keys.map((key, i) => {
    const others = Array.from({ length: count }, (_, j) => j).filter((j) => j !== i);
    const name = i < count ? `validator-${i}` : `full-${i - count}`;
    const settings = {
      p2pAddr: `${HOST}:${ports[i]}`,
      bootstrap: others.map(addressOf),
      genesisFile,
      consensusEnabled: i < count,
      openWrites: "loopback",
      devnetAccountKeyFile: accountKey,
      ...options.settings,
    } as const;
    return new TestNode(directory, name, key, settings, options.program);
  });
  return {
    directory,
    genesis,
    validators: nodes.slice(0, count),
    fullNodes: nodes.slice(count),
    async [Symbol.asyncDispose]() {
      await Promise.all(nodes.map((node) => node.kill("SIGKILL")));
      rmSync(directory, { recursive: true, force: true, maxRetries: 5 });
    },
  };
}

function genesisFor(keys: SigningKey[], account: SigningKey, blockIntervalMs: number): Genesis {
  return {
    format: 1,
    chainId: "e2e",
    purpose: "devnet",
    protocolVersion: 0,
    consensus: {
      blockIntervalMs,
      leaderTimeoutMs: blockIntervalMs + 700,
      certificationTimeoutMs: blockIntervalMs + 1400,
      nullifyRetryMs: 500,
      maxBlockBytes: 1_048_576,
      maxBlockTransactions: 4096,
    },
    validators: keys.map((key, i) => ({
      name: `validator-${i}`,
      publicKey: toHex(key.publicKey),
      weight: 1,
    })),
    accounts: [{ name: "devnet", publicKeys: [toHex(account.publicKey)], role: "devnet" }],
  };
}

/** Ports that were free a moment ago; all are held until the last is known. */
async function freePorts(count: number): Promise<number[]> {
  const servers = await Promise.all(
    Array.from({ length: count }, () => {
      const server = createServer();
      return new Promise<typeof server>((resolve) => server.listen(0, HOST, () => resolve(server)));
    }),
  );
  return Promise.all(
    servers.map((server) => {
      const address = server.address();
      const port = typeof address === "object" && address ? address.port : 0;
      return new Promise<number>((resolve) => server.close(() => resolve(port)));
    }),
  );
}
