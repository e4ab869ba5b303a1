// Everything a machine can say about the sources without running them. All checks run, so that one
// call shows everything there is to mend.
import { spawnSync } from "node:child_process";
import { dirname, join } from "node:path";
import { fileURLToPath } from "node:url";

const root = dirname(dirname(fileURLToPath(import.meta.url)));
const modules = join(root, "node_modules");
const checks = [
  { name: "types", script: "typescript/bin/tsc", args: ["-p", "."] },
  { name: "lint and import boundaries", script: "eslint/bin/eslint.js", args: ["."] },
  {
    name: "formatting",
    script: "prettier/bin/prettier.cjs",
    args: ["--check", "--log-level", "warn", "."],
  },
  { name: "unused code", script: "knip/bin/knip.js", args: [] },
];

const failed = checks.filter(({ name, script, args }) => {
  const started = Date.now();
  const { status } = spawnSync(process.execPath, [join(modules, script), ...args], {
    cwd: root,
    stdio: "inherit",
  });
  const seconds = ((Date.now() - started) / 1000).toFixed(1);
  console.log(`${status === 0 ? "ok  " : "FAIL"} ${name} (${seconds} s)`);
  return status !== 0;
});
console.log(
  failed.length === 0 ? "all checks passed" : `failed: ${failed.map((c) => c.name).join(", ")}`,
);
process.exitCode = failed.length === 0 ? 0 : 1;
