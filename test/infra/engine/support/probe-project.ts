/** A throw-away project around the probe plugin, in which the engine is run as a process. */
import { execFileSync, spawn, type ChildProcess } from "node:child_process";
import {
  chmodSync,
  copyFileSync,
  cpSync,
  existsSync,
  mkdirSync,
  mkdtempSync,
  readdirSync,
  readFileSync,
  rmSync,
  symlinkSync,
  writeFileSync,
} from "node:fs";
import { tmpdir } from "node:os";
import { dirname, join } from "node:path";
import { ENGINE, FIXTURES, ROOT } from "./paths.ts";

export interface Finished {
  readonly code: number | null;
  readonly signal: NodeJS.Signals | null;
  readonly stdout: string;
  readonly stderr: string;
}
export interface Running {
  readonly child: ChildProcess;
  readonly finished: Promise<Finished>;
}
export interface ProbeCall {
  readonly phase: "begin" | "end";
  readonly method: string;
  readonly urn?: string;
  readonly preview?: boolean;
}
interface Checkpoint {
  readonly version: number;
  readonly checkpoint: {
    readonly latest?: {
      readonly resources?: readonly Record<string, unknown>[];
      readonly pending_operations?: readonly {
        readonly type: string;
        readonly resource: { readonly urn: string };
      }[];
    };
  };
}

export class ProbeProject {
  readonly root = mkdtempSync(join(tmpdir(), "engine-test-"));
  readonly directory = join(this.root, "project");
  readonly backend = join(this.root, "backend");
  readonly stack = "dev";
  readonly #environment: Readonly<Record<string, string>>;

  /**
   * @param yaml more lines of Pulumi.yaml
   */
  constructor(yaml = "", environment: Readonly<Record<string, string>> = {}) {
    this.#environment = environment;
    const infra = join(this.directory, "infra");
    for (const directory of [infra, this.backend, join(this.root, "home")])
      mkdirSync(directory, { recursive: true });
    symlinkSync(join(ROOT, "node_modules"), join(this.directory, "node_modules"));
    cpSync(join(FIXTURES, "probe"), join(this.directory, "plugin"), { recursive: true });
    chmodSync(join(this.directory, "plugin", "pulumi-resource-probe"), 0o755);
    copyFileSync(join(FIXTURES, "lib", "probe.ts"), join(infra, "probe.ts"));
    writeFileSync(join(this.directory, "package.json"), `{"private":true,"type":"module"}\n`);
    writeFileSync(join(infra, "package.json"), `{"type":"module","main":"index.ts"}\n`);
    writeFileSync(
      join(this.directory, "Pulumi.yaml"),
      `name: truth\nmain: infra/\nruntime: { name: nodejs, options: { typescript: false } }\n` +
        `plugins: { providers: [{ name: probe, path: plugin }] }\n${yaml}`,
    );
  }

  get stackFile(): string {
    return join(this.backend, ".pulumi", "stacks", "truth", `${this.stack}.json`);
  }

  program(lines: string): void {
    const source = `import { Gadget, Group, Provider, pulumi, Thing } from "./probe.ts";\nvoid [Gadget, Group, Provider, pulumi, Thing];\n${lines}\n`;
    writeFileSync(join(this.directory, "infra", "index.ts"), source);
  }

  /** Starts the engine, or another command with the same arguments. */
  start(args: readonly string[], command: readonly string[] = [process.execPath, ENGINE]): Running {
    const [file = "", ...first] = command;
    const child = spawn(
      file,
      [...first, ...args, "--stack", this.stack, "--cwd", this.directory, "--non-interactive"],
      { env: this.environment(), stdio: ["ignore", "pipe", "pipe"] },
    );
    let stdout = "",
      stderr = "";
    child.stdout.setEncoding("utf8").on("data", (text: string) => (stdout += text));
    child.stderr.setEncoding("utf8").on("data", (text: string) => (stderr += text));
    const finished = new Promise<Finished>((resolve, reject) => {
      child.once("error", reject);
      child.once("exit", (code, signal) => resolve({ code, signal, stdout, stderr }));
    });
    return { child, finished };
  }

  run(args: readonly string[], command?: readonly string[]): Promise<Finished> {
    return this.start(args, command).finished;
  }

  environment(): NodeJS.ProcessEnv {
    return {
      ...process.env,
      PATH: `${dirname(process.execPath)}:${process.env.PATH ?? ""}`,
      PULUMI_BACKEND_URL: `file://${this.backend}`,
      PULUMI_CONFIG_PASSPHRASE: "",
      PULUMI_HOME: join(this.root, "home"),
      PULUMI_SKIP_UPDATE_CHECK: "true",
      PULUMI_DISABLE_AUTOMATIC_PLUGIN_ACQUISITION: "true",
      PROBE_WORLD: join(this.root, "world.json"),
      PROBE_LOG: join(this.root, "calls.jsonl"),
      PROBE_OPTIONS: "{}",
      ...this.#environment,
    };
  }

  calls(): ProbeCall[] {
    const file = join(this.root, "calls.jsonl");
    if (!existsSync(file)) return [];
    return readFileSync(file, "utf8")
      .split("\n")
      .filter(Boolean)
      .map((line) => JSON.parse(line) as ProbeCall);
  }

  /** Calls of one method on resources, by name of the resource. */
  count(method: string, name: string): number {
    return this.calls().filter(
      (c) =>
        c.phase === "begin" && c.method === method && !c.preview && c.urn?.endsWith(`::${name}`),
    ).length;
  }

  /** Resolves when the probe has received a call; rejects when the engine ends before. */
  async received(method: string, name: string, { finished }: Running): Promise<void> {
    let ended = false;
    void finished.then(() => (ended = true));
    while (this.count(method, name) === 0) {
      if (ended) throw new Error(`the engine ended before it called ${method} of ${name}`);
      await new Promise((resolve) => setTimeout(resolve, 10));
    }
  }

  /** Ids of the things that exist. */
  things(): string[] {
    const file = join(this.root, "world.json");
    if (!existsSync(file)) return [];
    return Object.keys(
      (JSON.parse(readFileSync(file, "utf8")) as { things: object }).things,
    ).sort();
  }

  checkpoint(): Checkpoint {
    return JSON.parse(readFileSync(this.stackFile, "utf8")) as Checkpoint;
  }

  resources(): readonly Record<string, unknown>[] {
    return this.checkpoint().checkpoint.latest?.resources ?? [];
  }

  /** URNs by kind of operation that the checkpoint says may be unfinished. */
  pending(): string[] {
    return (this.checkpoint().checkpoint.latest?.pending_operations ?? []).map(
      ({ type, resource }) => `${type} ${resource.urn.split("::").at(-1) ?? ""}`,
    );
  }

  locks(): string[] {
    const directory = join(this.backend, ".pulumi", "locks");
    if (!existsSync(directory)) return [];
    return readdirSync(directory, { recursive: true, encoding: "utf8" })
      .filter((file) => file.endsWith(".json"))
      .map((file) => join(directory, file));
  }

  unlock(): void {
    for (const file of this.locks()) rmSync(file);
  }

  remove(): void {
    rmSync(this.root, { recursive: true, force: true });
  }
}

/** Process ids below a process. */
export function descendants(pid: number): number[] {
  const table = execFileSync("ps", ["-A", "-o", "pid=,ppid="], { encoding: "utf8" })
    .trim()
    .split("\n")
    .map((line) => line.trim().split(/\s+/).map(Number) as [number, number]);
  const found = [pid];
  for (let i = 0; i < found.length; i++)
    for (const [child, parent] of table) if (parent === found[i]) found.push(child);
  return found.slice(1);
}

export function isAlive(pid: number): boolean {
  try {
    process.kill(pid, 0);
    return !readFileSync(`/proc/${pid}/stat`, "utf8").includes(") Z ");
  } catch {
    return false;
  }
}

/** Resolves when the condition holds; rejects after the limit. */
export async function eventually(
  condition: () => boolean,
  limitMs: number,
  what: string,
): Promise<void> {
  for (const started = Date.now(); !condition();) {
    if (Date.now() - started > limitMs) throw new Error(`after ${limitMs} ms: ${what}`);
    await new Promise((resolve) => setTimeout(resolve, 20));
  }
}
