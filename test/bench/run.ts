/**
 * Measures the product and prints a table with the spread over the repeats.
 *
 *   npm run bench                       everything, three times
 *   npm run bench -- network            the files whose name contains the word
 *   npm run bench -- --repeats 5
 *
 * The figures go to .guts/bench/<time>.json as well. A missed goal is shown and is no error: it depends
 * on the machine, which stands in the same file.
 */
import { globSync, mkdirSync, writeFileSync } from "node:fs";
import { availableParallelism, cpus, release, totalmem } from "node:os";
import { basename, dirname, join } from "node:path";
import { parseArgs } from "node:util";
import { type Column, textTable } from "../../infra/plan/text-table.ts";
import { type Bench, type Measurement, median, meetsGoal } from "./measure.ts";

const root = dirname(dirname(import.meta.dirname));
const { values: options, positionals: words } = parseArgs({
  options: { repeats: { type: "string", default: "3" } },
  allowPositionals: true,
});
const repeats = Number(options.repeats);
if (!Number.isSafeInteger(repeats) || repeats < 1) {
  console.error(`got "${options.repeats}" for --repeats, allowed: an integer of 1 or more`);
  process.exit(2);
}

const files = globSync("*.bench.ts", { cwd: import.meta.dirname })
  .filter((file) => words.length === 0 || words.some((word) => file.includes(word)))
  .sort();
if (files.length === 0) {
  console.error(`no bench matches ${words.join(" ")}, allowed: parts of names in test/bench`);
  process.exit(2);
}

const results: { bench: string; measurements: readonly Measurement[] }[] = [];
for (const file of files) {
  const { bench } = (await import(join(import.meta.dirname, file))) as { bench: Bench };
  console.log(`${bench.name} (${basename(file)})`);
  const measurements = await bench.run({ repeats, say: (line) => console.log(`  ${line}`) });
  results.push({ bench: bench.name, measurements });
  for (const line of render(measurements)) console.log(line);
  console.log();
}
console.log(`figures: ${write()}`);

function render(measurements: readonly Measurement[]): string[] {
  const columns: readonly Column<Measurement>[] = [
    { title: "FIGURE", keep: 6, cell: ({ name }) => name },
    { title: "MEDIAN", keep: 5, cell: ({ values }) => format(median(values)) },
    { title: "UNIT", keep: 4, cell: ({ unit }) => unit },
    { title: "SPREAD", keep: 3, cell: ({ values }) => spreadOf(values) },
    { title: "GOAL", keep: 2, cell: goalOf },
    { title: "NOTE", keep: 1, cell: ({ note = "" }) => note },
  ];
  return textTable(columns, measurements, { width: process.stdout.columns ?? 200 });
}

function spreadOf(values: readonly number[]): string {
  return `${format(Math.min(...values))} to ${format(Math.max(...values))}`;
}

function goalOf(measurement: Measurement): string {
  const { goal } = measurement;
  if (goal === undefined) return "";
  const text = "atMost" in goal ? `<= ${goal.atMost}` : `>= ${goal.atLeast}`;
  return `${text} ${meetsGoal(measurement) === true ? "met" : "MISSED"}`;
}

function format(value: number): string {
  if (value === 0) return "0";
  return value >= 100 ? value.toFixed(0) : value >= 1 ? value.toFixed(1) : value.toPrecision(2);
}

function write(): string {
  const directory = join(root, ".guts", "bench");
  mkdirSync(directory, { recursive: true });
  const time = new Date().toISOString();
  const file = join(directory, `${time.replaceAll(":", "-")}.json`);
  const machine = {
    processor: cpus()[0]?.model ?? "unknown",
    processors: availableParallelism(),
    memoryBytes: totalmem(),
    system: `${process.platform} ${release()}`,
    node: process.version,
  };
  writeFileSync(file, `${JSON.stringify({ time, machine, repeats, results }, null, 2)}\n`);
  return file;
}
