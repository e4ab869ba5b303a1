/**
 * Runs the test suites and says at the end what was skipped and why.
 *
 *   npm test                      everything
 *   npm test -- infra/cli e2e     the files whose path contains one of the words
 *
 * Suites run two at a time; those that start whole networks run afterwards, one at a time, so that
 * they do not take each other's processors.
 */
import { once } from "node:events";
import { globSync } from "node:fs";
import { availableParallelism } from "node:os";
import { dirname, join, relative } from "node:path";
import { run } from "node:test";

const root = dirname(import.meta.dirname);
/** No suite may take longer; the slowest starts networks and takes about three minutes. */
const SUITE_TIMEOUT_MS = 420_000;
/** Characters of a failing suite's own output that are shown. */
const OUTPUT_KEPT = 8_000;
const ALONE = /^test\/(node\/)?e2e\//;

interface Tally {
  passed: number;
  failed: number;
  readonly skipped: string[];
}

const words = process.argv.slice(2);
const files = globSync("test/**/*.test.ts", { cwd: root })
  .filter((file) => !file.includes("node_modules") && !file.startsWith("test/fixtures"))
  .filter((file) => words.length === 0 || words.some((word) => file.includes(word)))
  .sort();
if (files.length === 0) {
  console.error(`no test file matches ${words.join(" ")}, allowed: parts of paths under test/`);
  process.exit(2);
}

const tally: Tally = { passed: 0, failed: 0, skipped: [] };
const started = performance.now();
await runSuites(
  files.filter((file) => !ALONE.test(file)),
  Math.min(2, availableParallelism()),
);
await runSuites(
  files.filter((file) => ALONE.test(file)),
  1,
);
report();

async function runSuites(suites: readonly string[], concurrency: number): Promise<void> {
  if (suites.length === 0) return;
  const stream = run({
    files: suites.map((file) => join(root, file)),
    cwd: root,
    concurrency,
    timeout: SUITE_TIMEOUT_MS,
  });
  const output = new Map<string, string>();
  const keep = ({ file, message }: { file: string; message: string }) =>
    output.set(file, ((output.get(file) ?? "") + message).slice(-OUTPUT_KEPT));
  stream.on("test:stdout", keep).on("test:stderr", keep);
  const failing = new Set<string>();
  stream.on("test:pass", ({ details, skip, todo, file, name }) => {
    if (details.type === "suite") return;
    if (skip === undefined && todo === undefined) tally.passed += 1;
    else {
      const reason = [skip, todo].find((text) => typeof text === "string");
      tally.skipped.push(`${place(file)}: ${name}: ${reason ?? "no reason given"}`);
    }
  });
  stream.on("test:fail", ({ details, file, name }) => {
    const { failureType } = details.error as { failureType?: string };
    if (failureType === "subtestsFailed") return; // each of them is counted itself
    tally.failed += 1;
    if (file !== undefined) failing.add(file);
    const cause = details.error.cause ?? details.error;
    console.log(`FAIL ${place(file)}: ${name}`);
    console.log(indent(cause instanceof Error ? (cause.stack ?? cause.message) : String(cause)));
  });
  stream.on("test:summary", ({ file, success, counts, duration_ms }) => {
    if (file === undefined) return; // the sum over all files
    const verdict = success ? "ok  " : "FAIL";
    console.log(`${verdict} ${place(file)} (${counts.passed} passed, ${seconds(duration_ms)})`);
  });
  await once(stream.resume(), "end");
  for (const file of failing)
    if (output.has(file))
      console.log(`output of ${place(file)}:\n${indent(output.get(file) ?? "")}`);
}

function report(): void {
  if (tally.skipped.length > 0) {
    console.log("skipped:");
    for (const line of tally.skipped) console.log(`  ${line}`);
  }
  console.log(`took ${seconds(performance.now() - started)}`);
  console.log(`${tally.passed} passed, ${tally.failed} failed, ${tally.skipped.length} skipped`);
  process.exitCode = tally.failed === 0 ? 0 : 1;
}

function place(file: string | undefined): string {
  return file === undefined ? "(unknown file)" : relative(root, file);
}

function seconds(milliseconds: number): string {
  return `${(milliseconds / 1000).toFixed(1)} s`;
}

function indent(text: string): string {
  return text.replaceAll(/^/gm, "  ");
}
