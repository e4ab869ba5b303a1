/** One mistake or warning: where it is, and what was got, what is allowed and what to do. */
export interface Problem {
  /** Path below `guts:network`, such as `sites[1].ports.api`; `guts:network` for the whole. */
  readonly path: string;
  readonly reason: string;
}

const SHOWN = 80;

/** A value as a message shows it: JSON, cut to 80 characters. */
export function shown(value: unknown): string {
  if (value === undefined || value === null) return "nothing";
  const json = JSON.stringify(value) ?? String(value);
  return json.length > SHOWN ? `${json.slice(0, SHOWN - 3)}...` : json;
}

/** One line per problem. */
export function formatProblems(problems: readonly Problem[]): string {
  return problems.map(({ path, reason }) => `${path}: ${reason}`).join("\n");
}

/** The candidate that is most like a mistyped word; undefined when none is close. */
export function nearest(word: string, candidates: readonly string[]): string | undefined {
  const close = Math.max(1, Math.floor(word.length / 3));
  const wanted = word.toLowerCase();
  const ranked = candidates
    .map((candidate) => ({ candidate, distance: editDistance(wanted, candidate.toLowerCase()) }))
    .filter(({ distance }) => distance <= close)
    .sort((a, b) => a.distance - b.distance);
  return ranked[0]?.candidate;
}

/** Insertions, deletions, substitutions and swaps of neighbours that turn one word into the other. */
function editDistance(a: string, b: string): number {
  // A typing mistake is short; a long text is no mistyped name and would cost time to compare.
  if (Math.abs(a.length - b.length) > 8 || a.length > 64) return Infinity;
  const rows = Array.from({ length: a.length + 1 }, (_, i) =>
    Array.from({ length: b.length + 1 }, (_, j) => (i === 0 ? j : j === 0 ? i : 0)),
  );
  const at = (i: number, j: number) => rows[i]?.[j] ?? Infinity;
  for (let i = 1; i <= a.length; i++) {
    const row = rows[i] as number[];
    for (let j = 1; j <= b.length; j++) {
      const change = a[i - 1] === b[j - 1] ? 0 : 1;
      const swap = a[i - 1] === b[j - 2] && a[i - 2] === b[j - 1] ? at(i - 2, j - 2) + 1 : Infinity;
      row[j] = Math.min(at(i - 1, j) + 1, at(i, j - 1) + 1, at(i - 1, j - 1) + change, swap);
    }
  }
  return at(a.length, b.length);
}
