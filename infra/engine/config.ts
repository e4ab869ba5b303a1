/** The config of a stack: settings file plus the defaults that Pulumi.yaml declares, secrets opened. */
import { EngineError } from "./errors.ts";
import { qualifyKey, type ConfigDeclaration, type Project, type StackSettings } from "./project.ts";
import type { Crypter } from "./secrets.ts";
import { mapOf, Secret, type Value, type ValueMap } from "./values/value.ts";

export interface ConfigValue {
  /** The text a program reads: a string, or JSON for a structured value. */
  readonly text: string;
  readonly secret: boolean;
  /** As a history entry shows it: encrypted where secret. */
  readonly recorded: object;
}

/** Values by `namespace:key`. */
export type StackConfig = ReadonlyMap<string, ConfigValue>;

/** True when reading the config needs the passphrase. */
export function configHoldsSecrets(settings: StackSettings): boolean {
  return JSON.stringify(settings.config).includes('"secure"');
}

export function loadConfig(
  project: Project,
  settings: StackSettings,
  crypter: Crypter | undefined,
): StackConfig {
  const config = new Map<string, ConfigValue>();
  for (const [key, raw] of Object.entries(settings.config))
    config.set(qualifyKey(key, project.name), read(raw, crypter));
  for (const [key, declared] of project.config) {
    const fallback = declared.value ?? declared.default;
    if (!config.has(key) && fallback !== undefined && fallback !== null)
      config.set(key, { ...read(fallback, crypter), secret: declared.secret });
  }
  return config;
}

function read(raw: unknown, crypter: Crypter | undefined): ConfigValue {
  let secret = false;
  const open = (value: unknown): unknown => {
    if (Array.isArray(value)) return value.map(open);
    if (value === null || typeof value !== "object") return value;
    const entries = Object.entries(value);
    if (entries.length === 1 && entries[0]?.[0] === "secure" && typeof entries[0][1] === "string") {
      secret = true;
      if (!crypter)
        throw new EngineError(
          "the stack's config holds secrets but its settings have no encryptionsalt",
        );
      return crypter.decrypt(entries[0][1]);
    }
    return Object.fromEntries(entries.map(([key, inner]) => [key, open(inner)]));
  };
  const opened = open(raw),
    structured = opened !== null && typeof opened === "object";
  const text = structured
    ? JSON.stringify(opened)
    : typeof opened === "string"
      ? opened
      : opened === null
        ? ""
        : String(opened as number | boolean);
  const isSealedText = secret && !structured;
  return {
    text,
    secret,
    recorded: isSealedText
      ? (raw as object)
      : {
          value: structured ? JSON.stringify(raw) : text,
          ...(structured ? { objectValue: raw } : {}),
        },
  };
}

/**
 * Checks the config against the declarations of Pulumi.yaml.
 *
 * @throws EngineError naming every missing or ill-typed value
 */
export function validateConfig(project: Project, stack: string, config: StackConfig): void {
  const missing: string[] = [],
    problems: string[] = [];
  for (const [key, declared] of project.config) {
    const value = config.get(key);
    if (!value) missing.push(`'${key}'`);
    else if (declared.type && !fits(declared, value.text))
      problems.push(
        `Stack '${stack}' with configuration key '${key}' must be of type '${declared.type}'`,
      );
  }
  if (missing.length)
    problems.push(
      `Stack '${stack}' is missing configuration value${missing.length > 1 ? "s" : ""} ${missing.join(" and ")}`,
    );
  if (problems.length) throw new EngineError(problems.join("\n"));
}

function fits({ type }: ConfigDeclaration, text: string): boolean {
  const json = ((): unknown => {
    try {
      return JSON.parse(text) as unknown;
    } catch {
      return undefined;
    }
  })();
  switch (type) {
    case "integer":
      return Number.isInteger(json);
    case "number":
      return typeof json === "number";
    case "boolean":
      return typeof json === "boolean";
    case "array":
      return Array.isArray(json);
    case "object":
      return json !== null && typeof json === "object" && !Array.isArray(json);
    default:
      return true;
  }
}

/** The inputs of a default provider: the values of the package's namespace, as text. */
export function packageConfig(config: StackConfig, packageName: string): ValueMap {
  const entries: [string, Value][] = [];
  for (const [key, { text, secret }] of config) {
    const [namespace, name] = key.split(/:(.*)/s);
    if (namespace === packageName && name) entries.push([name, secret ? new Secret(text) : text]);
  }
  return mapOf(entries);
}
