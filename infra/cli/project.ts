import { readdirSync, readFileSync } from "node:fs";
import { join, resolve } from "node:path";
import { parse } from "yaml";
import { UsageError } from "./command.ts";
import { nearest } from "../topology/problem.ts";

/** The checkout this command belongs to. */
export interface Project {
  /** Directory of Pulumi.yaml. */
  readonly root: string;
  /** Name of the Pulumi project. */
  readonly name: string;
  /** Directory of the stack files. */
  readonly stackDirectory: string;
  /** Directory of everything that is made at run time: state, releases, local networks. */
  readonly home: string;
}

/** Reads Pulumi.yaml. `GUTS_HOME` moves what is made at run time. */
export function openProject(root: string, environment: NodeJS.ProcessEnv): Project {
  const file = join(root, "Pulumi.yaml");
  const settings = readYaml(file) as { name?: unknown; stackConfigDir?: unknown } | null;
  if (typeof settings?.name !== "string")
    throw new UsageError(`${file}: got no project name, allowed: a line such as "name: guts"`);
  const directory = typeof settings.stackConfigDir === "string" ? settings.stackConfigDir : ".";
  return {
    root,
    name: settings.name,
    stackDirectory: join(root, directory),
    home: environment["GUTS_HOME"] ? resolve(environment["GUTS_HOME"]) : join(root, ".guts"),
  };
}

/** Names of the stacks that have a file, sorted. */
export function stackNames(project: Project): string[] {
  const names = entries(project.stackDirectory).flatMap(
    (entry) => /^Pulumi\.(.+)\.yaml$/.exec(entry)?.[1] ?? [],
  );
  return names.sort();
}

export function stackFile(project: Project, stack: string): string {
  return join(project.stackDirectory, `Pulumi.${stack}.yaml`);
}

/** @throws UsageError that lists the stacks there are */
export function requireStack(project: Project, stack: string): void {
  const known = stackNames(project);
  if (known.includes(stack)) return;
  const near = nearest(stack, known);
  const list = known.length === 0 ? "none yet" : known.join(", ");
  throw new UsageError(
    `unknown stack "${stack}"${near === undefined ? "" : `, did you mean "${near}"?`}\n` +
      `stacks there are: ${list}\n` +
      `to make one, describe it in ${stackFile(project, stack)}`,
  );
}

/** The settings in a stack's file, by their full names. @throws UsageError when it cannot be read */
export function stackSettings(project: Project, stack: string): Record<string, unknown> {
  requireStack(project, stack);
  const content = readYaml(stackFile(project, stack)) as { config?: unknown } | null;
  const config = content?.config;
  if (config === undefined || config === null) return {};
  if (typeof config !== "object" || Array.isArray(config))
    throw new UsageError(
      `${stackFile(project, stack)}: got "config" that is no mapping, allowed: names and values such as "guts:network: …"`,
    );
  return config as Record<string, unknown>;
}

function readYaml(file: string): unknown {
  let text: string;
  try {
    text = readFileSync(file, "utf8");
  } catch (error) {
    throw new UsageError(`${file} cannot be read: ${(error as Error).message}`);
  }
  try {
    return parse(text);
  } catch (error) {
    throw new UsageError(`${file} is not YAML: ${(error as Error).message.trim()}`);
  }
}

function entries(directory: string): string[] {
  try {
    return readdirSync(directory);
  } catch {
    return []; // no directory, no stacks
  }
}
