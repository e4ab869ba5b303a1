/** The program, run by the genuine runner of `@pulumi/pulumi`. */
import { spawn, type ChildProcess } from "node:child_process";
import { createRequire } from "node:module";
import { join } from "node:path";
import { EngineError } from "../errors.ts";
import type { ChildGuard } from "../plugins/guard.ts";
import type { Project } from "../project.ts";
import type { StackConfig } from "../config.ts";

/** Exit code by which the runner says: failed, and everything there is to say is out. */
const REPORTED = 32;
const EXIT_LIMIT_MS = 5_000;

export interface ProgramOptions {
  readonly project: Project;
  readonly stack: string;
  readonly organization: string;
  readonly config: StackConfig;
  readonly engineAddress: string;
  readonly preview: boolean;
  readonly parallel: number;
  readonly guard: ChildGuard;
  readonly env: NodeJS.ProcessEnv;
  /** What the program prints, by line. */
  print(line: string, stream: "stdout" | "stderr"): void;
}

export type ProgramEnd = "success" | "reported" | { readonly problem: string };

export class Program {
  readonly #child: ChildProcess;
  readonly end: Promise<ProgramEnd>;
  readonly #print: ProgramOptions["print"];
  /** What it has printed before its run began; undefined from then on. */
  #held: (readonly [string, "stdout" | "stderr"])[] | undefined = [];

  constructor(options: ProgramOptions) {
    const { project, guard } = options;
    this.#print = options.print;
    this.#child = spawn(
      process.execPath,
      [...project.nodeArguments, runnerOf(project), ...flagsOf(options), project.entry],
      {
        cwd: project.programDirectory,
        env: environmentOf(options),
        stdio: ["ignore", "pipe", "pipe"],
        detached: process.platform !== "win32",
      },
    );
    guard.watch(this.#child);
    for (const stream of ["stdout", "stderr"] as const) this.#lines(stream);
    this.end = new Promise((resolve) => {
      this.#child.once("error", (error) =>
        resolve({ problem: `could not start the program: ${error.message}` }),
      );
      this.#child.once("close", (code, signal) =>
        resolve(
          code === 0
            ? "success"
            : code === REPORTED
              ? "reported"
              : {
                  problem:
                    code === null
                      ? `Program was ended by the signal ${signal ?? "unknown"}`
                      : `Program exited with non-zero exit code: ${code}`,
                },
        ),
      );
    });
  }

  /** Its run begins: what it prints is shown. A run that never begins shows nothing of it. */
  release(): void {
    const held = this.#held ?? [];
    this.#held = undefined;
    for (const [line, stream] of held) this.#print(line, stream);
  }

  /** Lets the program come to its end, or ends it. */
  async stop(): Promise<void> {
    const timer = setTimeout(() => this.#kill(), EXIT_LIMIT_MS);
    await this.end;
    clearTimeout(timer);
  }

  #kill(): void {
    const { pid } = this.#child;
    if (pid === undefined || this.#child.exitCode !== null) return;
    try {
      process.kill(process.platform === "win32" ? pid : -pid, "SIGKILL");
    } catch {
      this.#child.kill("SIGKILL");
    }
  }

  #lines(name: "stdout" | "stderr"): void {
    const print = (line: string, stream: typeof name): void => {
      if (this.#held) this.#held.push([line, stream]);
      else this.#print(line, stream);
    };
    const stream = this.#child[name];
    let rest = "";
    stream?.setEncoding("utf8");
    stream?.on("data", (chunk: string) => {
      const lines = (rest + chunk).split("\n");
      rest = lines.pop() ?? "";
      for (const line of lines) print(line, name);
    });
    stream?.once("end", () => rest && print(rest, name));
  }
}

/** `@pulumi/pulumi/cmd/run` as the project has it, else as the engine has it. */
function runnerOf(project: Project): string {
  for (const start of [
    join(project.programDirectory, "package.json"),
    join(project.root, "package.json"),
    import.meta.url,
  ])
    try {
      return createRequire(start).resolve("@pulumi/pulumi/cmd/run/index.js");
    } catch {
      continue;
    }
  throw new EngineError(
    `@pulumi/pulumi is not installed in ${project.root}: run npm install there`,
  );
}

function flagsOf({
  project,
  stack,
  organization,
  engineAddress,
  preview,
  parallel,
}: ProgramOptions): string[] {
  return [
    "--monitor",
    engineAddress,
    "--engine",
    engineAddress,
    "--organization",
    organization,
    "--project",
    project.name,
    "--stack",
    stack,
    "--root-directory",
    project.root,
    "--pwd",
    project.programDirectory,
    "--parallel",
    String(parallel),
    ...(preview ? ["--dry-run"] : []),
  ];
}

function environmentOf({ config, env }: ProgramOptions): NodeJS.ProcessEnv {
  return {
    ...env,
    PULUMI_CONFIG: JSON.stringify(
      Object.fromEntries([...config].map(([key, { text }]) => [key, text])),
    ),
    PULUMI_CONFIG_SECRET_KEYS: JSON.stringify(
      [...config].filter(([, { secret }]) => secret).map(([key]) => key),
    ),
  };
}
