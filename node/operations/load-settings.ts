import { readFileSync } from "node:fs";
import {
  defaultSettings,
  environmentNameOf,
  type NodeSettings,
  parseConfigurationText,
  parseSetting,
  propertyOf,
  type SettingDefinition,
  type SettingName,
  settingNamed,
  type SettingProblem,
  settings,
} from "../formats/configuration.ts";
import { checkSettings } from "./check-settings.ts";
import { editDistance, nearest } from "./suggest.ts";

/** Settings after all sources were laid over each other, and what was wrong on the way. */
export interface LoadedSettings {
  readonly settings: NodeSettings;
  /** Where each value came from, such as `flag --api-addr`. */
  readonly sources: Readonly<Record<SettingName, string>>;
  readonly problems: readonly SettingProblem[];
  readonly warnings: readonly string[];
}

const names = settings.map(({ name }) => name);

/**
 * Reads all settings: a flag beats the environment, which beats the file of `--config`
 * (or `GUTS_CONFIG`), which beats the default. Problems are collected.
 *
 * @param args the command line after the command
 */
export function loadSettings(
  args: readonly string[],
  environment: Readonly<Record<string, string | undefined>>,
): LoadedSettings {
  const loading = new Loading();
  const flags = readFlags(args, loading);
  const file = flags.config ?? environment["GUTS_CONFIG"];
  if (file !== undefined) readFile(file, loading);
  readEnvironment(environment, loading);
  for (const { name, value } of flags.given) loading.take(name, value, `flag --${name}`);
  return loading.finish();
}

class Loading {
  readonly problems: SettingProblem[] = [];
  readonly warnings: string[] = [];
  readonly #values = new Map<SettingName, unknown>();
  readonly #sources = new Map<SettingName, string>();

  /** Checks a value and lays it over what was there; a list given twice by one source grows. */
  take(name: string, got: unknown, source: string): void {
    const setting = settingNamed(name);
    if (!setting) return this.unknown(name, source);
    const parsed = parseSetting(setting, got);
    if ("problem" in parsed) {
      this.problems.push({ name: source, reason: parsed.problem });
      return;
    }
    const before = this.#values.get(setting.name);
    const again = this.#sources.get(setting.name) === source;
    if (again && setting.type !== "list")
      this.problems.push({ name: source, reason: "given twice, allowed: once" });
    const grown = again && Array.isArray(before) && Array.isArray(parsed.value);
    this.#values.set(
      setting.name,
      grown ? [...(before as unknown[]), ...(parsed.value as unknown[])] : parsed.value,
    );
    this.#sources.set(setting.name, source);
  }

  unknown(name: string, source: string): void {
    const near = nearest(name, names);
    const hint = near ? `did you mean ${near}?` : "see guts-node help for the settings there are";
    this.problems.push({ name: source, reason: `unknown setting ${name}; ${hint}` });
  }

  finish(): LoadedSettings {
    const given: Record<string, unknown> = { ...defaultSettings() };
    for (const [name, value] of this.#values) given[propertyOf(name)] = value;
    const loaded = given as unknown as NodeSettings;
    const sources = Object.fromEntries(
      names.map((name) => [name, this.#sources.get(name) ?? "default"]),
    ) as Record<SettingName, string>;
    const problems = [...this.problems, ...checkSettings(loaded)];
    return { settings: loaded, sources, problems, warnings: this.warnings };
  }
}

function readFlags(
  args: readonly string[],
  loading: Loading,
): { config?: string; given: { name: string; value: unknown }[] } {
  const given: { name: string; value: unknown }[] = [];
  let config: string | undefined;
  for (let i = 0; i < args.length; i += 1) {
    const arg = args[i] as string;
    const parts = /^--([a-z0-9-]+)(?:=(.*))?$/s.exec(arg);
    if (!parts) {
      // The text may be a key that lost its flag, so it is not repeated.
      const reason = `got a text of ${arg.length} characters, allowed: --<setting> <value>`;
      loading.problems.push({ name: `argument ${i + 1}`, reason });
      continue;
    }
    const name = parts[1] as string;
    const setting: SettingDefinition | undefined = settingNamed(name);
    let value: unknown = parts[2];
    if (value === undefined && takesNext(setting, args[i + 1])) value = args[(i += 1)];
    if (value === undefined && setting?.type === "boolean") value = true;
    if (name === "config" && typeof value === "string") config = value;
    else if (name === "config" || (setting && value === undefined))
      loading.problems.push({ name: `flag --${name}`, reason: "got no value, allowed: one" });
    else given.push({ name, value });
  }
  return { ...(config !== undefined && { config }), given };
}

/** Whether the next argument is the value of this flag; a boolean needs none. */
function takesNext(setting: SettingDefinition | undefined, next: string | undefined): boolean {
  if (next === undefined || next.startsWith("--")) return false;
  return setting?.type === "boolean" ? next === "true" || next === "false" : true;
}

function readFile(file: string, loading: Loading): void {
  const source = `file ${file}`;
  try {
    const values = parseConfigurationText(readFileSync(file, "utf8"));
    for (const [name, value] of Object.entries(values))
      loading.take(name, value, `${source}, ${name}`);
  } catch (error) {
    loading.problems.push({ name: source, reason: (error as Error).message });
  }
}

/**
 * A name that is one slip away from a setting is a mistake. Others are only told: Kubernetes puts
 * variables such as GUTS_SERVICE_HOST into the environment for a service called guts.
 */
function readEnvironment(
  environment: Readonly<Record<string, string | undefined>>,
  loading: Loading,
): void {
  const known = new Map(names.map((name) => [environmentNameOf(name), name]));
  for (const [variable, value] of Object.entries(environment)) {
    if (!variable.startsWith("GUTS_") || variable === "GUTS_CONFIG" || value === undefined)
      continue;
    const name = known.get(variable);
    const near = name ?? [...known.keys()].find((other) => editDistance(variable, other) <= 2);
    if (name) loading.take(name, value, `environment ${variable}`);
    else if (near)
      loading.problems.push({
        name: `environment ${variable}`,
        reason: `unknown setting; did you mean ${near}?`,
      });
    else loading.warnings.push(`environment ${variable} is no setting of guts-node and is ignored`);
  }
}
