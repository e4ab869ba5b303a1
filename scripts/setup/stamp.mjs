import { createHash } from "node:crypto";
import { existsSync, readFileSync, writeFileSync } from "node:fs";
import { join } from "node:path";

const stampFile = (root) => join(root, "node_modules", ".guts-setup.json");
const lockFile = (root) => join(root, "package-lock.json");
const platform = `${process.platform}-${process.arch}`;

/** What was set up last: its stamp, or undefined when something is missing or has changed. */
export function readyStamp(root) {
  const stamp = readJson(stampFile(root));
  const ready =
    stamp?.lock === lockHash(root) &&
    stamp.platform === platform &&
    existsSync(join(root, "node_modules", ".bin", "node")); // false for a dangling link too
  return ready ? stamp : undefined;
}

/** Written last, so that a setup that was interrupted is done again. */
export function writeStamp(root, times) {
  const stamp = { lock: lockHash(root), platform, ...times };
  writeFileSync(stampFile(root), `${JSON.stringify(stamp)}\n`);
}

/**
 * Whether node_modules holds what package-lock.json asks for, by npm's own record of what it
 * installed. So a plain `npm ci` before the first script is not repeated.
 */
export function librariesInstalled(root) {
  const wanted = readJson(lockFile(root))?.packages;
  const present = readJson(join(root, "node_modules", ".package-lock.json"))?.packages;
  if (!wanted || !present) return false;
  const same = (path) =>
    present[path]?.version === wanted[path]?.version &&
    present[path]?.integrity === wanted[path]?.integrity &&
    present[path]?.resolved === wanted[path]?.resolved;
  const inModules = (path) => path.includes("node_modules/");
  const complete = Object.entries(wanted)
    .filter(([path]) => inModules(path))
    .every(([path, entry]) => (entry.optional && !present[path]) || same(path));
  return complete && Object.keys(present).filter(inModules).every(same);
}

function lockHash(root) {
  return createHash("sha256")
    .update(readFileSync(lockFile(root)))
    .digest("hex");
}

function readJson(file) {
  try {
    return JSON.parse(readFileSync(file, "utf8"));
  } catch {
    return undefined; // absent or torn: both mean "set up again"
  }
}
