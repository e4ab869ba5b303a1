const CODES = { bold: 1, dim: 2, red: 31, green: 32, yellow: 33, magenta: 35, cyan: 36 } as const;

export type Paint = Readonly<Record<keyof typeof CODES, (text: string) => string>>;

/** Colours, or their absence. */
export function painter(enabled: boolean): Paint {
  const names = Object.keys(CODES) as (keyof typeof CODES)[];
  return Object.fromEntries(
    names.map((name) => [
      name,
      (text: string) => (enabled ? `\x1b[${CODES[name]}m${text}\x1b[0m` : text),
    ]),
  ) as Paint;
}
