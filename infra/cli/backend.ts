import { readFileSync } from "node:fs";
import { homedir } from "node:os";
import { join } from "node:path";
import { fileURLToPath, pathToFileURL } from "node:url";
import { Failure } from "./command.ts";
import type { Project } from "./project.ts";

/** Where the state of the stacks is kept. */
export interface Backend {
  /** Address for `PULUMI_BACKEND_URL`. */
  readonly url: string;
  /** Directory of a backend in files; undefined for one that is a service or an object store. */
  readonly directory: string | undefined;
  /** The one of this checkout, as opposed to one the user has chosen. */
  readonly own: boolean;
}

/**
 * The backend in the order Pulumi itself follows: the variable, then the account logged in to. When
 * there is neither it is a directory of this checkout.
 */
export function chooseBackend(project: Project, environment: NodeJS.ProcessEnv): Backend {
  const own = join(project.home, "state");
  const chosen = environment["PULUMI_BACKEND_URL"] || loggedInTo(environment);
  if (!chosen) return { url: pathToFileURL(own).href, directory: own, own: true };
  const directory = directoryOf(chosen);
  return { url: chosen, directory, own: directory === own };
}

/** The variables that make an engine, ours or `pulumi`, work on the chosen backend. */
export function engineVariables(
  project: Project,
  backend: Backend,
  environment: NodeJS.ProcessEnv,
): Record<string, string> {
  const passphrase =
    environment["PULUMI_CONFIG_PASSPHRASE"] === undefined &&
    environment["PULUMI_CONFIG_PASSPHRASE_FILE"] === undefined;
  return {
    PULUMI_BACKEND_URL: backend.url,
    ...(passphrase && backend.own && { PULUMI_CONFIG_PASSPHRASE: "" }),
    ...(environment["GUTS_HOME"] && { GUTS_HOME: project.home }),
    // Plugins come with the checkout: a download that cannot work must fail at once.
    PULUMI_DISABLE_AUTOMATIC_PLUGIN_ACQUISITION: "true",
    PULUMI_SKIP_UPDATE_CHECK: "true",
  };
}

/** Directory of the pinned Node. It goes first on PATH: engines start the program with the `node` found. */
export function toolDirectory({ root }: Project): string {
  return join(root, "node_modules", ".bin");
}

function directoryOf(url: string): string | undefined {
  if (!url.startsWith("file://")) return undefined;
  const place = url.slice("file://".length);
  if (place.startsWith("~")) return join(homedir(), place.slice(1));
  if (place.startsWith("/")) return fileURLToPath(url);
  throw new Failure(
    `got ${url} for the backend, allowed: an absolute path such as file:///srv/state`,
  );
}

/** What `pulumi login` has left; undefined when nobody is logged in. */
function loggedInTo(environment: NodeJS.ProcessEnv): string | undefined {
  const directory =
    environment["PULUMI_CREDENTIALS_PATH"] ||
    environment["PULUMI_HOME"] ||
    join(homedir(), ".pulumi");
  try {
    const content: unknown = JSON.parse(readFileSync(join(directory, "credentials.json"), "utf8"));
    const current = (content as { current?: unknown } | null)?.current;
    return typeof current === "string" && current !== "" ? current : undefined;
  } catch {
    return undefined; // absent or unreadable: Pulumi treats that as logged out too
  }
}
