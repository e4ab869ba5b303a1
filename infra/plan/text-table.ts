/** A column of a plain text table. The higher `keep`, the later it is left out of a narrow table. */
export interface Column<Row> {
  readonly title: string;
  readonly keep: number;
  readonly cell: (row: Row) => string;
}

export interface TextOptions {
  /** Characters per line. @default 100 */
  readonly width?: number;
  /** Whether more than ASCII may be used. @default false */
  readonly unicode?: boolean;
}

const GAP = "  ";
const LEAST_CELL = 4;

/**
 * Lines of a table that fit a width: columns go, least important first, until the rest fits, and what is
 * still too long is cut.
 */
export function textTable<Row>(
  columns: readonly Column<Row>[],
  rows: readonly Row[],
  { width = 100, unicode = false }: TextOptions = {},
): string[] {
  const kept = fitting(columns, rows, width);
  const widths = kept.map((column) => widthOf(column, rows));
  const spare = width - lineWidth(widths);
  // Only a single column can still be too wide.
  if (spare < 0) widths[0] = Math.max(LEAST_CELL, (widths[0] ?? 0) + spare);
  const line = (cells: readonly string[]) =>
    cells
      .map((cell, i) => clip(cell, widths[i] ?? 0, unicode).padEnd(widths[i] ?? 0))
      .join(GAP)
      .trimEnd();
  return [
    line(kept.map(({ title }) => title)),
    line(widths.map((columnWidth) => (unicode ? "─" : "-").repeat(columnWidth))),
    ...rows.map((row) => line(kept.map(({ cell }) => cell(row)))),
  ];
}

function fitting<Row>(columns: readonly Column<Row>[], rows: readonly Row[], width: number) {
  const kept = [...columns];
  while (kept.length > 1 && lineWidth(kept.map((column) => widthOf(column, rows))) > width) {
    const least = kept.reduce((a, b) => (b.keep < a.keep ? b : a));
    kept.splice(kept.indexOf(least), 1);
  }
  return kept;
}

function widthOf<Row>({ title, cell }: Column<Row>, rows: readonly Row[]): number {
  return rows.reduce((widest, row) => Math.max(widest, cell(row).length), title.length);
}

function lineWidth(widths: readonly number[]): number {
  return widths.reduce((sum, width) => sum + width, GAP.length * (widths.length - 1));
}

/** A text cut to a width, with a sign that it was. */
function clip(text: string, width: number, unicode: boolean): string {
  if (text.length <= width) return text;
  const sign = unicode ? "…" : "...";
  return `${text.slice(0, Math.max(0, width - sign.length))}${sign}`.slice(0, width);
}

/** Lines of a text broken at spaces; a word that is longer than the width stays whole. */
export function wrap(text: string, width: number): string[] {
  const lines: string[] = [];
  let line = "";
  for (const word of text.split(" ")) {
    if (line !== "" && line.length + 1 + word.length > width) {
      lines.push(line);
      line = word;
    } else line = line === "" ? word : `${line} ${word}`;
  }
  return [...lines, line];
}
