import { existsSync } from "node:fs";
import { dirname, isAbsolute, join, resolve } from "node:path";
import rpc from "@pulumi/pulumi/proto/provider_pb.js";
import { changesBetween } from "./differences.ts";
import { ProviderError } from "./errors.ts";
import { decodeProperties, encodeProperties, type PlainObject, UNKNOWN } from "./wire.ts";

/** Inputs of the provider resource itself. */
export const configurationProperties = {
  home: {
    type: "string",
    description:
      "Absolute directory of everything local: keys, nodes, bundles. By default GUTS_HOME, else .guts beside Pulumi.yaml. A default is not recorded, so a checkout can be moved.",
  },
} as const;

/** Inputs that the engine keeps for itself. */
const engineInputs = new Set(["version", "__internal"]);

export function checkConfig(request: rpc.CheckRequest): rpc.CheckResponse {
  const { values, secrets } = decodeProperties(request.getNews());
  const response = new rpc.CheckResponse();
  response.setInputs(encodeProperties(values, secrets));
  const fail = (property: string, reason: string) => {
    const failure = new rpc.CheckFailure();
    failure.setProperty(property);
    failure.setReason(reason);
    response.addFailures(failure);
  };
  for (const key of Object.keys(values))
    if (!(key in configurationProperties) && !engineInputs.has(key))
      fail(key, `unknown setting, allowed: ${Object.keys(configurationProperties).join(", ")}`);
  const { home } = values;
  if (home !== undefined && home !== UNKNOWN && !(typeof home === "string" && isAbsolute(home)))
    fail("home", `got ${JSON.stringify(home)}, allowed: an absolute path`);
  return response;
}

/** Another home is an update: what lives there is found again by its path relative to home. */
export function diffConfig(request: rpc.DiffRequest): rpc.DiffResponse {
  const old = decodeProperties(request.getOldInputs()).values;
  const wanted = decodeProperties(request.getNews()).values;
  const changes = changesBetween(old.home, wanted.home, "home");
  const response = new rpc.DiffResponse();
  response.setChanges(
    changes.length > 0
      ? rpc.DiffResponse.DiffChanges.DIFF_SOME
      : rpc.DiffResponse.DiffChanges.DIFF_NONE,
  );
  response.setDiffsList(changes.map(({ path }) => path));
  return response;
}

/** @throws ProviderError when no home is configured and none can be derived */
export function homeOf(values: PlainObject): string {
  if (typeof values.home === "string") return values.home;
  const fromEnvironment = process.env.GUTS_HOME;
  if (fromEnvironment) return resolve(fromEnvironment);
  // The engine starts a plugin in the directory of the program.
  const root = projectRoot(process.cwd());
  if (root === undefined)
    throw new ProviderError(
      `no Pulumi.yaml in ${process.cwd()} or above it: set the setting home of the provider, or GUTS_HOME`,
    );
  return join(root, ".guts");
}

function projectRoot(directory: string): string | undefined {
  if (existsSync(join(directory, "Pulumi.yaml"))) return directory;
  const parent = dirname(directory);
  return parent === directory ? undefined : projectRoot(parent);
}
