/** Starts the provider of a package: a plugin process, or the engine itself for the package `pulumi`. */
import { lt, valid } from "semver";
import type { StackConfig } from "../config.ts";
import type { Project } from "../project.ts";
import { BuiltinProvider, type BuiltinSurroundings } from "./builtins.ts";
import type { ChildGuard } from "./guard.ts";
import { locatePlugin } from "./locate.ts";
import { PluginProvider } from "./plugin-provider.ts";
import { PluginProcess } from "./process.ts";
import type { Provider } from "./provider.ts";

export interface LoaderOptions {
  readonly project: Project;
  readonly config: StackConfig;
  readonly env: NodeJS.ProcessEnv;
  readonly guard: ChildGuard;
  readonly engineAddress: string;
  readonly builtins: BuiltinSurroundings;
  warn(message: string): void;
}

/**
 * @param version as asked for, empty for any
 */
export async function loadProvider(
  packageName: string,
  version: string,
  options: LoaderOptions,
): Promise<Provider> {
  if (packageName === "pulumi") return new BuiltinProvider(options.builtins);
  const { project, config, env, guard, engineAddress } = options;
  const own = Object.fromEntries(
    [...config]
      .filter(([key]) => key.startsWith(`${packageName}:`))
      .map(([key, { text }]) => [key, text]),
  );
  const plugin = await PluginProcess.start(
    packageName,
    locatePlugin(project, packageName, version, env),
    {
      engineAddress,
      programDirectory: project.programDirectory,
      guard,
      env: { ...env, PULUMI_PROJECT: project.name, PULUMI_CONFIG: JSON.stringify(own) },
    },
  );
  if (!env.PULUMI_DEV) await warnOfVersion(plugin, version, options.warn);
  return new PluginProvider(plugin);
}

/** A plugin older than what the program was written for still runs, but may not do what the program expects. */
async function warnOfVersion(
  plugin: PluginProcess,
  asked: string,
  warn: (message: string) => void,
): Promise<void> {
  if (!valid(asked)) return;
  const version = await plugin.version();
  if (!valid(version) || lt(version, asked))
    warn(
      `resource plugin ${plugin.name} is expected to have version >=${asked}, but has ${version}; the wrong version may be on your path, or this may be a bug in the plugin`,
    );
}
