/**
 * Ends the engine's children when the engine itself is killed.
 *
 * A killed process cannot stop anybody. A shell that reads a pipe from the engine can: it is told the process ids of program and
 * plugins, and when the pipe breaks without a farewell it ends them, together with their process groups.
 */
import { spawn, type ChildProcess } from "node:child_process";

const SCRIPT = `
pids=
while read -r word pid; do
  case $word in
    add) pids="$pids $pid" ;;
    drop) kept=; for p in $pids; do [ "$p" = "$pid" ] || kept="$kept $p"; done; pids=$kept ;;
    bye) exit 0 ;;
  esac
done
for p in $pids; do kill -TERM -"$p" 2>/dev/null; done
[ -z "$pids" ] || sleep 1
for p in $pids; do kill -KILL -"$p" 2>/dev/null; done
`;

export class ChildGuard {
  readonly #shell: ChildProcess | undefined;

  constructor() {
    if (process.platform === "win32") return;
    // Its own session, so that an interrupt from the terminal does not end it before the engine.
    this.#shell = spawn("/bin/sh", ["-c", SCRIPT], {
      stdio: ["pipe", "ignore", "ignore"],
      detached: true,
      cwd: "/",
    });
    this.#shell.on("error", () => undefined);
    this.#shell.stdin?.on("error", () => undefined);
    this.#shell.unref();
    (this.#shell.stdin as unknown as { unref?: () => void } | null)?.unref?.();
  }

  /** The child leads its own process group (spawned `detached`). */
  watch(child: ChildProcess): void {
    if (child.pid === undefined) return;
    const { pid } = child;
    this.#tell(`add ${pid}`);
    child.once("exit", () => this.#tell(`drop ${pid}`));
  }

  close(): void {
    this.#tell("bye");
    this.#shell?.stdin?.end();
  }

  #tell(line: string): void {
    if (this.#shell?.stdin?.writable) this.#shell.stdin.write(`${line}\n`);
  }
}
