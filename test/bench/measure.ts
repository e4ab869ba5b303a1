/** One figure, measured several times. */
export interface Measurement {
  /** What was measured, such as "proposal to finalization, p50". */
  readonly name: string;
  readonly unit: string;
  /** One value per repeat, in the order of the repeats. */
  readonly values: readonly number[];
  /** The bound the project has set itself; absent when there is none. */
  readonly goal?: { readonly atMost: number } | { readonly atLeast: number };
  /** Conditions without which the figure says nothing, such as what limited it. */
  readonly note?: string;
}

export interface BenchOptions {
  /** How often everything is measured. */
  readonly repeats: number;
  /** Tells what goes on. */
  readonly say: (line: string) => void;
}

/** What a file `*.bench.ts` in this folder exports as `bench`. */
export interface Bench {
  readonly name: string;
  run(options: BenchOptions): Promise<readonly Measurement[]>;
}

/** Middle value; of an even number the mean of the two in the middle. NaN for none. */
export function median(values: readonly number[]): number {
  const sorted = values.toSorted((a, b) => a - b);
  const middle = Math.floor(sorted.length / 2);
  const upper = sorted[middle] ?? Number.NaN;
  return sorted.length % 2 === 1 ? upper : ((sorted[middle - 1] ?? Number.NaN) + upper) / 2;
}

/** Value below which the share `p`, 0 to 1, of the values lies, by the nearest rank. NaN for none. */
export function percentile(values: readonly number[], p: number): number {
  const sorted = values.toSorted((a, b) => a - b);
  return sorted[Math.max(0, Math.ceil(p * sorted.length) - 1)] ?? Number.NaN;
}

/** Whether the median keeps to the goal; undefined without a goal. */
export function meetsGoal({ values, goal }: Measurement): boolean | undefined {
  if (goal === undefined) return undefined;
  const middle = median(values);
  return "atMost" in goal ? middle <= goal.atMost : middle >= goal.atLeast;
}
