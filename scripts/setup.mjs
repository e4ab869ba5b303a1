// Installs what is missing before any script of this project runs. Plain JavaScript for Node 20 and
// later, without a library: at this point nothing is installed yet. All words go to stderr, so that
// the output of the script that follows stays clean.
import { mkdirSync } from "node:fs";
import { dirname, join } from "node:path";
import { fileURLToPath } from "node:url";
import { installLibraries } from "./setup/install.mjs";
import { withLock } from "./setup/lock.mjs";
import { ensureRuntime, runtimeVersionProblem } from "./setup/runtime.mjs";
import { librariesInstalled, readyStamp, writeStamp } from "./setup/stamp.mjs";

const root = dirname(dirname(fileURLToPath(import.meta.url)));
const say = (text) => process.stderr.write(`setup: ${text}\n`);

async function setup() {
  const tooOld = runtimeVersionProblem(process.versions.node);
  if (tooOld) throw new Error(tooOld);
  if (readyStamp(root)) return;
  const started = Date.now();
  mkdirSync(join(root, ".guts"), { recursive: true });
  await withLock(join(root, ".guts", "setup.lock"), say, async () => {
    if (readyStamp(root)) return; // another setup did it while this one waited
    if (!librariesInstalled(root)) await installLibraries(root, say);
    await ensureRuntime(root, say);
    writeStamp(root, { startedAt: started, endedAt: Date.now() });
    say(`ready after ${((Date.now() - started) / 1000).toFixed(1)} s`);
  });
}

setup().catch((error) => {
  process.stderr.write(`setup failed: ${error.message}\n`);
  process.exitCode = 1;
});
