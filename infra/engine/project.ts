/** The project: Pulumi.yaml and the settings of one stack. */
import { existsSync, readFileSync, statSync } from "node:fs";
import { basename, dirname, join, resolve } from "node:path";
import { Document, parse, parseDocument } from "yaml";
import { writeAtomically } from "./backend/stack-files.ts";
import { EngineError, unsupported } from "./errors.ts";

export interface PluginLocation {
  readonly name: string;
  /** Absolute. */
  readonly directory: string;
  readonly version: string | undefined;
}

export interface ConfigDeclaration {
  readonly type: string | undefined;
  readonly default: unknown;
  readonly value: unknown;
  readonly secret: boolean;
}

export interface Project {
  readonly name: string;
  /** Directory of Pulumi.yaml. */
  readonly root: string;
  /** Directory the program runs in. */
  readonly programDirectory: string;
  /** What the runner is asked to run there: `.` or a file name. */
  readonly entry: string;
  readonly nodeArguments: readonly string[];
  readonly plugins: readonly PluginLocation[];
  readonly backendUrl: string | undefined;
  readonly refreshAlways: boolean;
  readonly settingsDirectory: string;
  readonly config: ReadonlyMap<string, ConfigDeclaration>;
}

interface ProjectFile {
  name?: string;
  main?: string;
  runtime?: string | { name?: string; options?: { nodeargs?: string; typescript?: boolean } };
  plugins?: { providers?: { name: string; path: string; version?: string }[] };
  packages?: Record<string, unknown>;
  backend?: { url?: string };
  options?: { refresh?: string };
  stackConfigDir?: string;
  config?: Record<string, unknown> | string;
}

const FILES = ["Pulumi.yaml", "Pulumi.yml", "Pulumi.json"];

/**
 * Reads the project that `directory` lies in: the nearest Pulumi.yaml there or above.
 */
export function loadProject(directory: string): Project {
  const file = findProjectFile(resolve(directory));
  const yaml = (parse(readFileSync(file, "utf8")) ?? {}) as ProjectFile;
  const root = dirname(file);
  if (!yaml.name) throw new EngineError(`${file} has no name`);
  const runtime = typeof yaml.runtime === "string" ? { name: yaml.runtime } : yaml.runtime;
  if (runtime?.name !== "nodejs")
    throw unsupported(`the runtime ${runtime?.name ?? "(none)"} of ${file}`, "allowed: nodejs");
  if (yaml.packages && Object.keys(yaml.packages).length)
    throw unsupported(`packages in ${file}`, "name local plugins in plugins.providers");
  return {
    name: yaml.name,
    root,
    ...programOf(root, yaml.main),
    nodeArguments: (runtime.options?.nodeargs ?? "").split(/\s+/).filter(Boolean),
    plugins: (yaml.plugins?.providers ?? []).map((p) => ({
      name: p.name,
      directory: resolve(root, p.path),
      version: p.version,
    })),
    backendUrl: yaml.backend?.url,
    refreshAlways: yaml.options?.refresh === "always",
    settingsDirectory: resolve(
      root,
      yaml.stackConfigDir ?? (typeof yaml.config === "string" ? yaml.config : "."),
    ),
    config: declarations(yaml.name, typeof yaml.config === "object" ? yaml.config : {}),
  };
}

function findProjectFile(start: string): string {
  for (let directory = start; ; directory = dirname(directory)) {
    const found = FILES.map((f) => join(directory, f)).find((f) => existsSync(f));
    if (found) return found;
    if (directory === dirname(directory))
      throw new EngineError(
        `no Pulumi.yaml found in ${start} or above: pass --cwd with the folder of a project`,
      );
  }
}

function programOf(
  root: string,
  main: string | undefined,
): { programDirectory: string; entry: string } {
  if (!main) return { programDirectory: root, entry: "." };
  const path = resolve(root, main);
  if (existsSync(path) && statSync(path).isDirectory())
    return { programDirectory: path, entry: "." };
  return { programDirectory: dirname(path), entry: basename(path) };
}

function declarations(
  project: string,
  config: Record<string, unknown>,
): Map<string, ConfigDeclaration> {
  const found = new Map<string, ConfigDeclaration>();
  for (const [key, declared] of Object.entries(config)) {
    const full = qualifyKey(key, project);
    if (declared === null || typeof declared !== "object" || Array.isArray(declared)) {
      found.set(full, { type: undefined, default: declared, value: undefined, secret: false });
      continue;
    }
    const d = declared as { type?: string; default?: unknown; value?: unknown; secret?: boolean };
    found.set(full, {
      type: d.type,
      default: d.default,
      value: d.value,
      secret: d.secret === true,
    });
  }
  return found;
}

/** `key`, `namespace:key` and `namespace:config:key` all become `namespace:key`. */
export function qualifyKey(key: string, project: string): string {
  const parts = key.split(":");
  if (parts.length === 1) return `${project}:${key}`;
  return parts.length === 3 && parts[1] === "config" ? `${parts[0]}:${parts[2]}` : key;
}

/** The settings of a stack: its salt and its config as YAML has them. */
export interface StackSettings {
  readonly file: string;
  readonly salt: string | undefined;
  readonly config: Readonly<Record<string, unknown>>;
}

export function settingsFile(project: Project, stack: string, given?: string): string {
  if (given) return resolve(given);
  const base = join(project.settingsDirectory, `Pulumi.${stack.replaceAll("/", "-")}`);
  return (
    [".yaml", ".yml", ".json"].map((ending) => base + ending).find((f) => existsSync(f)) ??
    `${base}.yaml`
  );
}

export function loadSettings(project: Project, stack: string, given?: string): StackSettings {
  const file = settingsFile(project, stack, given);
  if (!existsSync(file)) return { file, salt: undefined, config: {} };
  const yaml = (parse(readFileSync(file, "utf8")) ?? {}) as {
    encryptionsalt?: string;
    secretsprovider?: string;
    config?: Record<string, unknown> | null;
    environment?: unknown;
  };
  if (yaml.secretsprovider && yaml.secretsprovider !== "passphrase")
    throw unsupported(`the secrets provider ${yaml.secretsprovider} of ${file}`);
  if (yaml.environment) throw unsupported(`environment in ${file}`);
  return { file, salt: yaml.encryptionsalt, config: yaml.config ?? {} };
}

/** Writes the salt into the settings file and leaves the rest of it, comments included, as it is. */
export function writeSalt(settings: StackSettings, salt: string): void {
  const document = existsSync(settings.file)
    ? parseDocument(readFileSync(settings.file, "utf8"))
    : new Document({});
  if (document.contents === null) document.contents = document.createNode({}) as never;
  document.set("encryptionsalt", salt);
  writeAtomically(settings.file, document.toString());
}
