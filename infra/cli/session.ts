import { mkdirSync, rmSync, writeFileSync } from "node:fs";
import { join } from "node:path";
import { type Backend, chooseBackend } from "./backend.ts";
import { type Call, Failure } from "./command.ts";
import { chooseEngine, type EngineChoice } from "./engines.ts";
import { clearStaleLocks } from "./locks.ts";
import type { Project } from "./project.ts";
import { ensureStack } from "./stack.ts";

/** Everything an operation on a stack acts with. */
export interface Session {
  readonly project: Project;
  readonly stack: string;
  readonly backend: Backend;
  readonly engine: EngineChoice;
  readonly environment: NodeJS.ProcessEnv;
}

/** Chooses the backend and the engine. Nothing is made. */
export function chooseSession({ project, stack, options }: Call): Session {
  const environment = process.env;
  const backend = chooseBackend(project, environment);
  const engine = chooseEngine(options.text("engine"), backend, environment);
  return { project, stack, backend, engine, environment };
}

/**
 * Makes the stack if it is not there, and takes away what killed runs have left.
 *
 * @throws Failure when the home cannot be written or somebody else changes the stack
 */
export async function openSession(session: Session, say: (line: string) => void): Promise<void> {
  const { project, stack, backend, environment } = session;
  ensureWritable(project.home);
  await ensureStack(project, backend, stack, environment);
  await clearStaleLocks(project, backend, stack, say);
}

/** One write shows more than any look at permissions: it sees read-only and full disks as well. */
function ensureWritable(home: string): void {
  const probe = join(home, `.write-${process.pid}`);
  try {
    mkdirSync(home, { recursive: true });
    try {
      writeFileSync(probe, Buffer.alloc(4096));
    } finally {
      rmSync(probe, { force: true });
    }
  } catch (error) {
    throw new Failure(
      `${home} cannot be written: ${(error as Error).message}; make it a writable directory with free space, or set GUTS_HOME to another one`,
    );
  }
}
