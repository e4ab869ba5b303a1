/** What a command of `guts-node` writes and how it ends. */
export interface Output {
  /** One line or more to standard output. */
  print(text: string): void;
  /** One line or more to standard error. */
  complain(text: string): void;
}

/** A mistake on the command line: exit code 2 and no stack. */
export class UsageError extends Error {
  override readonly name = "UsageError";
  readonly reason = "configuration";
}

/** Columns as wide as their widest cell. */
export function textTable(rows: readonly (readonly string[])[]): string {
  const widths: number[] = [];
  for (const row of rows)
    for (const [i, cell] of row.entries()) widths[i] = Math.max(widths[i] ?? 0, cell.length);
  return rows
    .map((row) =>
      row
        .map((cell, i) => cell.padEnd(widths[i] ?? 0))
        .join("  ")
        .trimEnd(),
    )
    .join("\n");
}
