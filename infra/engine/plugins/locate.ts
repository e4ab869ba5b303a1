/** Where the executable of a provider plugin is. */
import { accessSync, constants, existsSync, statSync } from "node:fs";
import { homedir } from "node:os";
import { delimiter, join } from "node:path";
import { EngineError, unsupported } from "../errors.ts";
import type { Project } from "../project.ts";

export type PluginSource =
  | { readonly kind: "executable"; readonly file: string; readonly directory: string }
  | { readonly kind: "attached"; readonly port: number };

/**
 * Looks for a provider plugin: a debugged one (PULUMI_DEBUG_PROVIDERS), the project's `plugins.providers`, PATH, and the plugin
 * cache below PULUMI_HOME, in this order.
 *
 * @param version as the program asks for it, without `v`; empty for any
 * @throws EngineError naming every place looked at
 */
export function locatePlugin(
  project: Project,
  name: string,
  version: string,
  env: NodeJS.ProcessEnv,
): PluginSource {
  const port = attachedPort(name, env);
  if (port !== undefined) return { kind: "attached", port };
  const command = `pulumi-resource-${name}`,
    places: string[] = [];
  for (const plugin of project.plugins.filter(
    (p) => p.name === name && (!p.version || !version || p.version.replace(/^v/, "") === version),
  )) {
    const file = join(plugin.directory, command);
    if (isExecutable(file)) return { kind: "executable", file, directory: plugin.directory };
    if (existsSync(join(plugin.directory, "PulumiPlugin.yaml")))
      throw unsupported(
        `the plugin in ${plugin.directory}, a PulumiPlugin.yaml without an executable,`,
        `put an executable ${command} beside it`,
      );
    places.push(file);
  }
  if (!env.PULUMI_IGNORE_AMBIENT_PLUGINS)
    for (const directory of (env.PATH ?? "").split(delimiter).filter(Boolean)) {
      const file = join(directory, command);
      if (isExecutable(file)) return { kind: "executable", file, directory };
    }
  places.push(`${command} on PATH`);
  if (version) {
    const directory = join(
        env.PULUMI_HOME ?? join(homedir(), ".pulumi"),
        "plugins",
        `resource-${name}-v${version}`,
      ),
      file = join(directory, command);
    if (isExecutable(file) && !existsSync(`${directory}.partial`))
      return { kind: "executable", file, directory };
    places.push(file);
  }
  throw new EngineError(
    `no resource plugin '${command}' found${version ? ` for version v${version}` : ""}; looked at ${places.join(", ")}: name its folder in plugins.providers of Pulumi.yaml, or put it on PATH`,
  );
}

function attachedPort(name: string, env: NodeJS.ProcessEnv): number | undefined {
  for (const pair of (env.PULUMI_DEBUG_PROVIDERS ?? "").split(",").filter(Boolean)) {
    const [provider, port] = pair.split(":");
    if (provider === name) {
      if (!/^\d+$/.test(port ?? ""))
        throw new EngineError(
          `got ${JSON.stringify(pair)} in PULUMI_DEBUG_PROVIDERS, expected <provider>:<port>`,
        );
      return Number(port);
    }
  }
  return undefined;
}

function isExecutable(file: string): boolean {
  try {
    accessSync(file, constants.X_OK);
    return statSync(file).isFile();
  } catch {
    return false;
  }
}
