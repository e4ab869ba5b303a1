/** Stack outputs as lines of text. */
import type { Json } from "../values/stored.ts";
import { SECRET_SIGNATURE, SIGNATURE_KEY, UNKNOWN_TEXT } from "../values/value.ts";

type Outputs = Record<string, Json>;

/** One line per output, with a sign where it is new, changed or gone. */
export function shownOutputs(olds: Outputs | undefined, news: Outputs | undefined): string[] {
  const before = olds ?? {},
    after = news ?? {},
    names = [...new Set([...Object.keys(after), ...Object.keys(before)])].sort();
  const width = Math.max(0, ...names.map((name) => name.length));
  return names.map((name) => {
    const sign =
      !olds || Object.keys(before).length === 0
        ? ""
        : !(name in after)
          ? "- "
          : !(name in before)
            ? "+ "
            : JSON.stringify(before[name]) === JSON.stringify(after[name])
              ? "  "
              : "~ ";
    return `${sign}${name.padEnd(width)}: ${show(name in after ? (after[name] as Json) : (before[name] as Json))}`;
  });
}

function show(value: Json): string {
  return JSON.stringify(plain(value), undefined, 2)
    .replaceAll("\n", "\n      ")
    .replaceAll('"[unknown]"', "[unknown]")
    .replaceAll('"[secret]"', "[secret]");
}

function plain(value: Json): Json {
  if (value === UNKNOWN_TEXT) return "[unknown]";
  if (Array.isArray(value)) return value.map(plain);
  if (value === null || typeof value !== "object") return value;
  if (value[SIGNATURE_KEY] === SECRET_SIGNATURE) return "[secret]";
  return Object.fromEntries(Object.entries(value).map(([key, inner]) => [key, plain(inner)]));
}
