const UNITS = { ms: 1, s: 1000, m: 60_000 } as const;

/**
 * Reads a duration such as 500ms, 2s or 1m.
 *
 * @returns milliseconds
 * @throws RangeError for another form
 */
export function durationMs(text: string): number {
  const parts = /^([1-9]\d{0,5})(ms|s|m)$/.exec(text);
  if (!parts) throw new RangeError(`got "${text}", allowed: a duration such as 500ms, 2s or 1m`);
  return Number(parts[1]) * UNITS[parts[2] as keyof typeof UNITS];
}

/** The shortest text `durationMs` reads back. */
export function durationText(ms: number): string {
  if (ms % UNITS.m === 0) return `${ms / UNITS.m}m`;
  return ms % UNITS.s === 0 ? `${ms / UNITS.s}s` : `${ms}ms`;
}
