/** The files of one stack in Pulumi's own file backend layout, under `<backend>/.pulumi`. */
import {
  copyFileSync,
  existsSync,
  linkSync,
  mkdirSync,
  readdirSync,
  readFileSync,
  renameSync,
  rmSync,
  statSync,
  unlinkSync,
  writeFileSync,
} from "node:fs";
import { hostname } from "node:os";
import { dirname, join, resolve } from "node:path";
import { fileURLToPath } from "node:url";
import { parse } from "yaml";
import { EngineError, unsupported } from "../errors.ts";

export const ORGANIZATION = "organization";
const META_VERSION = 1;

export interface StackName {
  readonly project: string;
  readonly stack: string;
}

/**
 * The folder a backend URL names. Only `file://` backends are supported.
 *
 * @param url as in PULUMI_BACKEND_URL; `file://~/x` and `file://./x` are understood as Pulumi does
 */
export function backendDirectory(url: string, home: string): string {
  const [address = ""] = url.split("?");
  if (!address.startsWith("file://"))
    throw unsupported(
      `the backend ${url}`,
      "set PULUMI_BACKEND_URL to a file:// URL, or use the pulumi CLI for it",
    );
  const path = address.slice("file://".length);
  const directory =
    path === "~" || path.startsWith("~/")
      ? join(home, path.slice(1))
      : path.startsWith("/")
        ? fileURLToPath(address)
        : resolve(path);
  if (!existsSync(directory))
    throw new EngineError(
      `the backend folder ${directory} of ${url} does not exist: create it first`,
    );
  return directory;
}

/** Reads and writes the files of a backend folder. */
export class StackFiles {
  readonly directory: string;
  readonly root: string;

  constructor(directory: string) {
    this.directory = directory;
    this.root = join(directory, ".pulumi");
    this.#checkLayout();
  }

  get url(): string {
    return `file://${this.directory}`;
  }

  #checkLayout(): void {
    const meta = join(this.root, "meta.yaml");
    if (existsSync(meta)) {
      const version =
        (parse(readFileSync(meta, "utf8")) as { version?: number } | null)?.version ?? 0;
      if (version !== META_VERSION)
        throw new EngineError(
          `${meta} says layout version ${version}, supported is ${META_VERSION}: upgrade the state with the pulumi CLI`,
        );
      return;
    }
    if (existsSync(join(this.root, "stacks")))
      throw new EngineError(
        `${this.root} has stacks but no meta.yaml: it is the layout before projects, upgrade it with the pulumi CLI`,
      );
    writeAtomically(meta, `version: ${META_VERSION}\n`);
  }

  stackFile({ project, stack }: StackName): string {
    return join(this.root, "stacks", project, `${stack}.json`);
  }

  lockDirectory({ project, stack }: StackName): string {
    return join(this.root, "locks", ORGANIZATION, project, stack);
  }

  /** Names of the project's stacks, sorted. */
  stacks(project: string): string[] {
    const directory = join(this.root, "stacks", project);
    if (!existsSync(directory)) return [];
    return readdirSync(directory)
      .filter((f) => f.endsWith(".json"))
      .map((f) => f.slice(0, -".json".length))
      .sort();
  }

  exists(name: StackName): boolean {
    for (const ending of [".gz", ".zst"]) {
      const file = this.stackFile(name) + ending;
      if (existsSync(file)) throw unsupported(`the compressed stack file ${file}`);
    }
    return existsSync(this.stackFile(name));
  }

  /** The stack file's text, or undefined when there is no such stack. */
  read(name: StackName): string | undefined {
    return this.exists(name) ? readFileSync(this.stackFile(name), "utf8") : undefined;
  }

  /** Replaces the stack file in one step; what was there becomes `<file>.bak`. */
  write(name: StackName, text: string): void {
    const file = this.stackFile(name),
      backup = `${file}.bak`;
    if (existsSync(file)) {
      rmSync(backup, { force: true });
      try {
        linkSync(file, backup);
      } catch {
        copyFileSync(file, backup);
      }
    }
    writeAtomically(file, text);
  }

  /** Writes the history entry, its checkpoint and the backup of a finished operation. */
  record(name: StackName, entry: object): void {
    const { project, stack } = name,
      at = process.hrtime.bigint();
    // Wall clock nanoseconds: milliseconds from the clock, the rest from the monotonic counter so that no two are equal.
    const ns = `${BigInt(Date.now()) * 1_000_000n + (at % 1_000_000n)}`;
    const checkpoint = readFileSync(this.stackFile(name), "utf8");
    const history = join(this.root, "history", project, stack, `${stack}-${ns}`);
    writeAtomically(`${history}.history.json`, JSON.stringify(entry, undefined, 4));
    writeAtomically(`${history}.checkpoint.json`, checkpoint);
    writeAtomically(join(this.root, "backups", project, stack, `${stack}.${ns}.json`), checkpoint);
  }

  /** Removes a stack with its history; the backups stay, as with Pulumi. */
  remove(name: StackName): void {
    const file = this.stackFile(name);
    if (existsSync(file)) renameSync(file, `${file}.bak`);
    rmSync(join(this.root, "history", name.project, name.stack), { recursive: true, force: true });
  }
}

/** Writes beside the target and renames, so that a reader sees the old content or the new one. */
export function writeAtomically(file: string, text: string): void {
  mkdirSync(dirname(file), { recursive: true });
  const temporary = `${file}.${process.pid}.${hostname().slice(0, 16)}.tmp`;
  try {
    writeFileSync(temporary, text);
    renameSync(temporary, file);
  } catch (error) {
    if (existsSync(temporary) && statSync(temporary).isFile()) unlinkSync(temporary);
    throw error;
  }
}
