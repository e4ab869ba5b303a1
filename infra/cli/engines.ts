import { accessSync, constants, readdirSync, statSync } from "node:fs";
import { homedir } from "node:os";
import { delimiter, join } from "node:path";
import type { Backend } from "./backend.ts";
import { Failure } from "./command.ts";

export type EngineName = "pulumi" | "embedded";

/** The engine that will run the program, and why that one. */
export interface EngineChoice {
  readonly name: EngineName;
  /** Path of the `pulumi` executable; undefined for the embedded engine. */
  readonly executable: string | undefined;
  readonly reason: string;
}

/**
 * `pulumi` when it is installed, the embedded engine otherwise, or the one asked for.
 *
 * @throws Failure when the engine asked for cannot do it
 */
export function chooseEngine(
  asked: string | undefined,
  backend: Backend,
  environment: NodeJS.ProcessEnv,
): EngineChoice {
  const executable = asked === "embedded" ? undefined : findPulumi(environment);
  if (executable !== undefined)
    return {
      name: "pulumi",
      executable,
      reason: asked === undefined ? `found at ${executable}` : "asked for with --engine",
    };
  if (asked === "pulumi")
    throw new Failure(
      "the pulumi command was not found on PATH or in PULUMI_HOME/versions: install it " +
        "(https://www.pulumi.com/docs/install/) or leave out --engine pulumi",
    );
  if (backend.directory === undefined)
    throw new Failure(
      `the state is kept at ${backend.url}, which only the pulumi command can reach: install it ` +
        "(https://www.pulumi.com/docs/install/), or set PULUMI_BACKEND_URL to a file:// address",
    );
  return {
    name: "embedded",
    executable: undefined,
    reason: asked === undefined ? "the pulumi command is not installed" : "asked for with --engine",
  };
}

/** The `pulumi` on PATH, else the newest of those the npm package `pulumi` keeps. */
export function findPulumi(environment: NodeJS.ProcessEnv): string | undefined {
  const directories = (environment["PATH"] ?? "").split(delimiter).filter(Boolean);
  const versions = join(environment["PULUMI_HOME"] || join(homedir(), ".pulumi"), "versions");
  return [...directories, ...installedVersions(versions)]
    .map((directory) => join(directory, "pulumi"))
    .find(isExecutable);
}

function installedVersions(directory: string): string[] {
  try {
    const byVersion = new Intl.Collator("en", { numeric: true });
    return readdirSync(directory)
      .sort((a, b) => byVersion.compare(b, a))
      .map((version) => join(directory, version, "bin"));
  } catch {
    return []; // never used here
  }
}

function isExecutable(file: string): boolean {
  try {
    accessSync(file, constants.X_OK);
    const { size } = statSync(file);
    return statSync(file).isFile() && size > 0;
  } catch {
    return false;
  }
}
