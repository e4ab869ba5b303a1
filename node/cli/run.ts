import type { LoadedSettings } from "../operations/load-settings.ts";
import { exitCodes, exitReasonOf } from "../operations/exit.ts";
import { createLogs, type Logger, type Logs } from "../operations/logger.ts";
import { runServices } from "../operations/run.ts";
import { nodeVersion } from "../formats/release.ts";

/** A node that was asked to stop is given this long, of the 10 s it promises. */
const STOP_LIMIT_MS = 9_500;
/** A node that failed has nothing to finish: votes and blocks are on disk. */
const FAILED_LIMIT_MS = 2_000;

/**
 * Runs a node until SIGTERM, SIGINT or a fatal error.
 *
 * @returns the exit code
 */
export async function runNode({ settings, warnings }: LoadedSettings): Promise<number> {
  const logs = await createLogs(settings);
  const { logger } = logs;
  // `ps` shows the arguments of a process to every user; the title takes their place.
  if (settings.privateKey !== undefined) process.title = "guts-node";
  logger.info({ ...nodeVersion, pid: process.pid, runtime: process.version }, "guts-node starts");
  for (const warning of warnings) logger.warn(warning);

  const life = new Life(logger);
  try {
    await live(life, settings, logs);
  } catch (error) {
    life.fail(error as Error);
  }
  return life.end();
}

async function live(life: Life, settings: LoadedSettings["settings"], logs: Logs): Promise<void> {
  // Loaded late: everything of a node, which other commands do not need.
  const { composeNode } = await import("./node.ts");
  const { signal } = life;
  const onFatal = (error: Error) => life.fail(error);
  const node = await composeNode({ settings, environment: process.env, logs, signal, onFatal });
  await runServices(node.services, signal, {
    ready: () => {
      node.health.markStarted();
      logs.logger.info({ ...node.describe(), startupMs: node.health.startupMs }, "ready");
    },
    stopFailed: (name, error) => logs.logger.error({ service: name, err: error }, "stop failed"),
  });
}

/** From the start of the process to its exit code. */
class Life {
  readonly #controller = new AbortController();
  readonly #logger: Logger;
  #exitCode: number = exitCodes.stopped;

  constructor(logger: Logger) {
    this.#logger = logger;
    for (const name of ["SIGTERM", "SIGINT"] as const) process.on(name, () => this.#asked(name));
    // After these nothing is known about the state of the process. Votes and blocks are on disk,
    // so ending at once loses nothing.
    process.on("uncaughtException", (error) => this.#crash(error));
    process.on("unhandledRejection", (reason) => this.#crash(reason));
    // Whoever read the log may have gone; that is no reason to stop.
    process.stdout.on("error", () => undefined);
  }

  get signal(): AbortSignal {
    return this.#controller.signal;
  }

  fail(error: Error): void {
    const reason = exitReasonOf(error);
    if (this.#exitCode === exitCodes.stopped) this.#exitCode = exitCodes[reason];
    if (reason === "bug") this.#logger.fatal({ err: error }, "the node failed");
    else this.#logger.fatal({ reason }, error.message);
    this.#stop(FAILED_LIMIT_MS);
  }

  end(): number {
    this.#logger.info({ exitCode: this.#exitCode }, "guts-node ends");
    return this.#exitCode;
  }

  #asked(name: string): void {
    if (this.signal.aborted) {
      this.#logger.warn({ signal: name }, "asked a second time, ending at once");
      process.exit(this.#exitCode);
    }
    this.#logger.info({ signal: name }, "asked to stop");
    this.#stop(STOP_LIMIT_MS);
  }

  #stop(limitMs: number): void {
    setTimeout(() => {
      this.#logger.warn(`not stopped within ${limitMs} ms, ending at once`);
      process.exit(this.#exitCode);
    }, limitMs).unref();
    this.#controller.abort();
  }

  #crash(error: unknown): void {
    const cause = error instanceof Error ? error : new Error(String(error));
    const reason = exitReasonOf(cause);
    this.#logger.fatal({ err: cause, reason }, "the node failed");
    process.exit(exitCodes[reason]);
  }
}
