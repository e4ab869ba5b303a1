/** Default providers: one for each package and version that resources without a provider ask for. */
import { compareBuild, parse } from "semver";
import type { StackConfig } from "../config.ts";
import { packageConfig } from "../config.ts";
import { EngineError } from "../errors.ts";
import { withVersion } from "../plugins/registry.ts";
import type { Goal, RegisterResult, Registration } from "../steps/goal.ts";
import { isProvider, type ResourceState } from "../steps/state.ts";
import { packageOfProvider, providerReference, providerType } from "../urn.ts";
import { unwrap } from "../values/value.ts";

export class DefaultProviders {
  readonly #config: StackConfig;
  readonly #register: (registration: Registration) => void;
  readonly #known = new Map<string, Promise<string>>();
  readonly #versions: ReadonlyMap<string, string>;

  /**
   * @param olds of the state: a resource that asks for no version gets the highest one its package has there
   */
  constructor(
    config: StackConfig,
    olds: readonly ResourceState[],
    register: (registration: Registration) => void,
  ) {
    this.#config = config;
    this.#register = register;
    this.#versions = highestVersions(olds);
  }

  /** The version that a package's providers have by default, or empty. */
  versionOf(packageName: string): string {
    return this.#versions.get(packageName) ?? "";
  }

  /** The reference of the default provider, made if need be. */
  reference(packageName: string, asked: string, for_: string): Promise<string> {
    this.#refuseDenied(packageName, for_);
    const version = asked || this.versionOf(packageName),
      key = `${packageName} ${version}`;
    let reference = this.#known.get(key);
    if (!reference) {
      reference = this.#make(packageName, version);
      this.#known.set(key, reference);
    }
    return reference;
  }

  #make(packageName: string, version: string): Promise<string> {
    return new Promise((resolve, reject) => {
      const goal = defaultGoal(packageName, version, this.#config);
      const done = ({ state, result }: RegisterResult): void =>
        result === "success"
          ? resolve(providerReference(state.urn, state.id))
          : reject(new Error(`the default provider of ${packageName} failed`));
      this.#register({ kind: "register", goal, done });
    });
  }

  #refuseDenied(packageName: string, for_: string): void {
    const text = this.#config.get("pulumi:disable-default-providers")?.text;
    if (!text || packageName === "pulumi") return;
    let denied: unknown;
    try {
      denied = JSON.parse(text);
    } catch {
      denied = undefined;
    }
    if (!Array.isArray(denied))
      throw new EngineError(
        `got ${text} for pulumi:disable-default-providers, expected a list of package names or "*"`,
      );
    if (denied.some((d) => String(d).trim() === "*" || String(d).trim() === packageName))
      throw new EngineError(
        `Default provider for '${packageName}' disabled. '${for_}' must use an explicit provider.`,
      );
  }
}

function highestVersions(olds: readonly ResourceState[]): Map<string, string> {
  const found = new Map<string, string>();
  for (const state of olds.filter(isProvider)) {
    const version = unwrap(state.inputs.version ?? null),
      name = packageOfProvider(state.type),
      known = found.get(name);
    if (
      typeof version === "string" &&
      parse(version) &&
      (!known || compareBuild(version, known) > 0)
    )
      found.set(name, version);
  }
  return found;
}

function defaultGoal(packageName: string, version: string, config: StackConfig): Goal {
  return {
    type: providerType(packageName),
    name: defaultName(version),
    custom: true,
    inputs: withVersion(packageConfig(config, packageName), version),
    parent: "",
    protect: false,
    dependencies: [],
    provider: "",
    propertyDependencies: {},
    deleteBeforeReplace: undefined,
    ignoreChanges: [],
    additionalSecretOutputs: [],
    aliases: [],
    importId: "",
    customTimeouts: {},
    replaceOnChanges: [],
    replacementTrigger: null,
    retainOnDelete: false,
    hideDiff: [],
    deletedWith: "",
    replaceWith: [],
    sourcePosition: "",
    stackTrace: [],
    hooks: {},
  };
}

/** `default`, or `default_<major>_<minor>_<patch>` and the parts of pre-release and build. */
function defaultName(version: string): string {
  const parsed = version === "" ? null : parse(version);
  return parsed
    ? [
        "default",
        parsed.major,
        parsed.minor,
        parsed.patch,
        ...parsed.prerelease,
        ...parsed.build,
      ].join("_")
    : "default";
}
