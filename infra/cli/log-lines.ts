import type { Style, Terminal } from "./terminal.ts";

const styles: Readonly<Record<string, Style>> = { warn: "yellow", error: "red", fatal: "red" };

/** A line of a node's log for people; a line in another form is shown as it is. */
export function renderLogLine(
  text: string,
  prefix: string,
  { style }: Pick<Terminal, "style">,
): string {
  const head = prefix === "" ? "" : `${style("dim", prefix)}  `;
  const entry = parse(text);
  if (entry === undefined) return `${head}${text}`;
  const { time, level, msg, ...fields } = entry;
  const word = String(level ?? "").padEnd(5);
  const shown = styles[String(level)];
  const more = Object.entries(fields).map(([name, value]) => `${name}=${fieldText(value)}`);
  return [
    `${head}${clock(time)}`,
    shown === undefined ? word : style(shown, word),
    String(msg ?? ""),
    ...(more.length > 0 ? [style("dim", more.join(" "))] : []),
  ].join(" ");
}

function parse(text: string): Record<string, unknown> | undefined {
  if (!text.startsWith("{")) return undefined;
  try {
    return JSON.parse(text) as Record<string, unknown>;
  } catch {
    return undefined;
  }
}

/** Time of day; the whole of what cannot be read as a time. */
function clock(time: unknown): string {
  const date = new Date(time as string | number);
  return Number.isNaN(date.getTime()) ? String(time ?? "") : date.toISOString().slice(11, 23);
}

function fieldText(value: unknown): string {
  return typeof value === "string" && !/\s/.test(value) ? value : JSON.stringify(value);
}
