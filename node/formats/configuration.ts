import { parseDocument, stringify } from "yaml";
import { type SettingDefinition, settings } from "./settings.ts";

export { type SettingDefinition, settings };

type Definition = (typeof settings)[number];
export type SettingName = Definition["name"];

type CamelCase<Name extends string> = Name extends `${infer Head}-${infer Tail}`
  ? `${Head}${Capitalize<CamelCase<Tail>>}`
  : Name;
type Value<D extends Definition> = D extends { choices: readonly (infer Choice)[] }
  ? Choice
  : D["type"] extends "boolean"
    ? boolean
    : D["type"] extends "integer" | "duration"
      ? number
      : D["type"] extends "list"
        ? readonly string[]
        : string;

/**
 * The settings of one node: `api-addr` is `apiAddr`, and so on. Durations are in milliseconds.
 * A setting without default is undefined until it is given.
 */
export type NodeSettings = {
  readonly [D in Definition as CamelCase<D["name"]>]: D extends { default: unknown }
    ? Value<D>
    : Value<D> | undefined;
};

/** `api-addr` -> `apiAddr`. */
export function propertyOf(name: SettingName): keyof NodeSettings {
  return name.replace(/-([a-z])/g, (_, letter: string) =>
    letter.toUpperCase(),
  ) as keyof NodeSettings;
}

/** `api-addr` -> `GUTS_API_ADDR`. */
export function environmentNameOf(name: string): string {
  return `GUTS_${name.replaceAll("-", "_").toUpperCase()}`;
}

/** The definition of a setting, by its name in kebab-case. */
export function settingNamed(name: string): Definition | undefined {
  return settings.find((setting) => setting.name === name);
}

export type Parsed = { readonly value: unknown } | { readonly problem: string };

/**
 * Reads one value: text from a flag or the environment, or what a YAML file holds. In a text, the
 * parts of a list are separated by commas.
 *
 * @returns the value, or what was got and what is allowed
 */
export function parseSetting(setting: SettingDefinition, got: unknown): Parsed {
  switch (setting.type) {
    case "boolean":
      if (got === true || got === "true") return { value: true };
      if (got === false || got === "false") return { value: false };
      return refuse(setting, got, "true or false");
    case "integer":
      return parseInteger(setting, got);
    case "duration":
      return parseDuration(setting, got);
    case "list": {
      const list = typeof got === "string" ? got.split(",").map((part) => part.trim()) : got;
      if (!Array.isArray(list) || !list.every((part) => typeof part === "string" && part !== ""))
        return refuse(setting, got, "a list of texts");
      return { value: list };
    }
    case "address":
    case "choice":
    case "text":
      return parseText(setting, got);
  }
}

function parseText(setting: SettingDefinition, got: unknown): Parsed {
  if (typeof got !== "string" || got === "") return refuse(setting, got, "a text");
  if (setting.choices && !setting.choices.includes(got))
    return refuse(setting, got, setting.choices.join(", "));
  if (setting.type === "address" && parseAddress(got) === undefined)
    return refuse(setting, got, `host:port such as ${setting.example}`);
  if (setting.pattern && !setting.pattern.expression.test(got))
    return refuse(setting, got, setting.pattern.meaning);
  return { value: got };
}

function parseInteger(setting: SettingDefinition, got: unknown): Parsed {
  const value = typeof got === "string" && /^\d{1,15}$/.test(got) ? Number(got) : got;
  const { minimum = 0, maximum = Number.MAX_SAFE_INTEGER } = setting;
  if (!Number.isSafeInteger(value) || (value as number) < minimum || (value as number) > maximum)
    return refuse(setting, got, `an integer from ${minimum} to ${maximum}`);
  return { value };
}

const UNITS = { ms: 1, s: 1000, m: 60_000 } as const;

function parseDuration(setting: SettingDefinition, got: unknown): Parsed {
  const { minimum = 0, maximum = Number.MAX_SAFE_INTEGER } = setting;
  const parts = typeof got === "string" ? /^(\d{1,9})(ms|s|m)$/.exec(got) : null;
  const value = parts ? Number(parts[1]) * UNITS[parts[2] as keyof typeof UNITS] : NaN;
  if (!(value >= minimum && value <= maximum))
    return refuse(setting, got, `a time from ${minimum}ms to ${maximum}ms such as 500ms, 2s or 1m`);
  return { value };
}

function refuse(setting: SettingDefinition, got: unknown, allowed: string): Parsed {
  const shown = setting.secret ? "a value that is not shown" : JSON.stringify(got)?.slice(0, 120);
  return { problem: `got ${shown}, allowed: ${allowed}` };
}

/** A host and port; the host of an IPv6 address is without brackets. */
export interface HostPort {
  readonly host: string;
  readonly port: number;
}

/** Reads `host:port` or `[ipv6]:port`; undefined when it is neither. */
export function parseAddress(text: string): HostPort | undefined {
  const parts = /^(?:\[([0-9a-fA-F:.]+)\]|([A-Za-z0-9.-]+)):(\d{1,5})$/.exec(text);
  const host = parts?.[1] ?? parts?.[2];
  const port = Number(parts?.[3]);
  return host !== undefined && port <= 65_535 ? { host, port } : undefined;
}

/** Writes what `parseAddress` reads. */
export function formatAddress({ host, port }: HostPort): string {
  return host.includes(":") ? `[${host}]:${port}` : `${host}:${port}`;
}

export interface SettingProblem {
  /** Name of the setting as it was written. */
  readonly name: string;
  readonly reason: string;
}

/** All settings at their defaults. */
export function defaultSettings(): NodeSettings {
  return Object.fromEntries(
    settings.map((setting) => [
      propertyOf(setting.name),
      "default" in setting ? setting.default : undefined,
    ]),
  ) as unknown as NodeSettings;
}

/** The keys and values of a configuration file, not yet checked. @throws RangeError when it is no map */
export function parseConfigurationText(text: string): Readonly<Record<string, unknown>> {
  const document = parseDocument(text, { uniqueKeys: true });
  const [error] = document.errors;
  if (error) throw new RangeError(`not YAML: ${error.message.split("\n")[0]}`);
  const value: unknown = document.toJS() ?? {};
  if (typeof value !== "object" || value === null || Array.isArray(value))
    throw new RangeError("got no map at the top, allowed: lines of the form <setting>: <value>");
  return value as Record<string, unknown>;
}

/**
 * The text of a configuration file: the given settings in the order of the table, so that equal
 * settings are equal bytes.
 *
 * @throws RangeError for a secret, which has no place in a file that is written by a program, and
 * for a value that the node would refuse
 */
export function renderConfiguration(values: Partial<NodeSettings>): string {
  const file: Record<string, unknown> = {};
  const known = new Set<string>();
  for (const setting of settings as readonly (SettingDefinition & { name: SettingName })[]) {
    const property = propertyOf(setting.name);
    known.add(property);
    const value = values[property];
    if (value === undefined) continue;
    if (setting.secret)
      throw new RangeError(`got a value for ${setting.name}, allowed in a file: none`);
    const written = setting.type === "duration" ? `${String(value)}ms` : value;
    const parsed = parseSetting(setting, written);
    if ("problem" in parsed) throw new RangeError(`${setting.name}: ${parsed.problem}`);
    file[setting.name] = written;
  }
  const unknown = Object.keys(values).find((property) => !known.has(property));
  if (unknown !== undefined)
    throw new RangeError(`got the setting ${unknown}, allowed: ${[...known].join(", ")}`);
  return stringify(file, { lineWidth: 0 });
}
