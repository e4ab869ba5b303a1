import { readFileSync } from "node:fs";

/** Ticks per second in /proc on Linux. */
const TICKS_PER_SECOND = 100;

/** Processor time a process has used, in seconds. @throws where there is no /proc */
export function processorSeconds(pid: number): number {
  const stat = readFileSync(`/proc/${pid}/stat`, "utf8");
  const fields = stat.slice(stat.lastIndexOf(")") + 2).split(" ");
  return (Number(fields[11]) + Number(fields[12])) / TICKS_PER_SECOND;
}

/** Samples of a Prometheus page by name and labels as written, such as `a_bucket{le="1"}`. */
export type Samples = ReadonlyMap<string, number>;

export async function scrape(internalUrl: string): Promise<Samples> {
  const response = await fetch(new URL("/metrics", internalUrl));
  const lines = (await response.text()).split("\n").filter((line) => /^[a-z]/.test(line));
  return new Map(
    lines.map((line) => {
      const space = line.lastIndexOf(" ");
      return [line.slice(0, space), Number(line.slice(space + 1))] as const;
    }),
  );
}

/** One bucket of a histogram: how many values were at most `limit`. */
interface Bucket {
  readonly limit: number;
  readonly count: number;
}

/** What histograms of one name have counted between two looks, over all nodes. */
export function bucketsBetween(
  name: string,
  before: readonly Samples[],
  after: readonly Samples[],
): Bucket[] {
  const start = new RegExp(`^${name}_bucket\\{.*le="([^"]+)"`);
  const counts = new Map<number, number>();
  const add = (samples: Samples, sign: 1 | -1) => {
    for (const [key, value] of samples) {
      const limit = start.exec(key)?.[1];
      if (limit === undefined) continue;
      const upper = limit === "+Inf" ? Infinity : Number(limit);
      counts.set(upper, (counts.get(upper) ?? 0) + sign * value);
    }
  };
  for (const samples of after) add(samples, 1);
  for (const samples of before) add(samples, -1);
  return [...counts].map(([limit, count]) => ({ limit, count })).sort((a, b) => a.limit - b.limit);
}

/**
 * Value below which the share `p` of a histogram lies, supposing that values are spread evenly within a
 * bucket, as Prometheus does. NaN without values; the last limit when it lies beyond.
 */
export function quantile(buckets: readonly Bucket[], p: number): number {
  const total = buckets.at(-1)?.count ?? 0;
  if (total === 0) return Number.NaN;
  const rank = p * total;
  let [lower, below] = [0, 0];
  for (const { limit, count } of buckets) {
    if (count >= rank)
      return limit === Infinity
        ? lower
        : lower + ((limit - lower) * (rank - below)) / Math.max(1, count - below);
    [lower, below] = [limit, count];
  }
  return lower;
}
