/** Property paths such as `nested.x`, `list[1]`, `list[*].x` and `["key with.dots"]`. */
import { has, isList, isMap, mapOf, Secret, secretOf, type Value, type ValueMap } from "./value.ts";

export type PropertyPath = readonly (string | number)[];

/**
 * @returns the parts of a path; undefined when the text is no path
 */
export function parsePath(text: string): PropertyPath | undefined {
  const parts: (string | number)[] = [];
  let rest = text;
  while (rest !== "") {
    const quoted = /^\[("(?:[^"\\]|\\.)*")\]/.exec(rest),
      index = /^\[(\d+|\*)\]/.exec(rest),
      name = /^[^.[]+/.exec(rest);
    const found = quoted ?? index ?? name;
    if (!found) return undefined;
    if (quoted) parts.push(JSON.parse(quoted[1] as string) as string);
    else if (index) parts.push(index[1] === "*" ? "*" : Number(index[1]));
    else parts.push(found[0]);
    rest = rest.slice(found[0].length);
    if (rest.startsWith(".")) {
      rest = rest.slice(1);
      if (rest === "") return undefined;
    }
  }
  return parts;
}

/** True when `other` lies at or below `path`; `*` stands for any one part. */
export function contains(path: PropertyPath, other: PropertyPath): boolean {
  return other.length >= path.length && path.every((part, i) => part === "*" || part === other[i]);
}

interface Reset {
  readonly value: Value;
  readonly complete: boolean;
}

/** The new inputs with what lies at the path put back to the old inputs; `complete` is false where old and new have another shape. */
export function resetPath(
  path: PropertyPath,
  olds: ValueMap,
  news: ValueMap,
): { value: ValueMap; complete: boolean } {
  return reset(path, olds, news, false, false) as { value: ValueMap; complete: boolean };
}

function reset(
  path: PropertyPath,
  olds: Value | undefined,
  news: Value,
  oldSecret: boolean,
  newSecret: boolean,
): Reset {
  if (news instanceof Secret) {
    const inner = reset(path, olds, news.element, oldSecret, true);
    return { value: new Secret(inner.value), complete: inner.complete };
  }
  if (olds instanceof Secret) return reset(path, olds.element, news, true, newSecret);
  const [part, ...rest] = path;
  if (part === undefined)
    return {
      value: oldSecret && !newSecret ? secretOf(olds as Value) : (olds as Value),
      complete: true,
    };
  if (typeof part === "number") return resetItem(part, rest, olds, news, oldSecret, newSecret);
  return part === "*"
    ? resetAll(rest, olds, news, oldSecret, newSecret)
    : resetKey(part, rest, olds, news, oldSecret, newSecret);
}

function resetItem(
  index: number,
  rest: PropertyPath,
  olds: Value | undefined,
  news: Value,
  oldSecret: boolean,
  newSecret: boolean,
): Reset {
  if (!isList(olds) || !isList(news))
    return { value: news, complete: !isList(olds) && !isList(news) };
  if (index >= olds.length && index >= news.length)
    return { value: news, complete: rest.length === 0 };
  if (index >= olds.length || index >= news.length) return { value: news, complete: false };
  const inner = reset(rest, olds[index], news[index] as Value, oldSecret, newSecret);
  return {
    value: news.map((item, i) => (i === index ? inner.value : item)),
    complete: inner.complete,
  };
}

function resetKey(
  key: string,
  rest: PropertyPath,
  olds: Value | undefined,
  news: Value,
  oldSecret: boolean,
  newSecret: boolean,
): Reset {
  const had = isMap(olds) && has(olds, key);
  if (rest.length === 0) {
    if (!isMap(news)) return { value: news, complete: !had };
    const others = Object.entries(news).filter(([k]) => k !== key);
    return {
      value: mapOf(
        had ? [...others, [key, reset([], olds[key], null, oldSecret, newSecret).value]] : others,
      ),
      complete: true,
    };
  }
  if (!isMap(olds) || !isMap(news)) return { value: news, complete: !isMap(olds) && !isMap(news) };
  if (!has(news, key)) return { value: news, complete: !had };
  const inner = reset(rest, olds[key], news[key] as Value, oldSecret, newSecret);
  return {
    value: mapOf([...Object.entries(news).filter(([k]) => k !== key), [key, inner.value]]),
    complete: inner.complete,
  };
}

function resetAll(
  rest: PropertyPath,
  olds: Value | undefined,
  news: Value,
  oldSecret: boolean,
  newSecret: boolean,
): Reset {
  if (rest.length === 0) {
    if (isMap(news))
      return {
        value: isMap(olds)
          ? mapOf(
              Object.entries(olds).map(([k, o]) => [
                k,
                reset([], o, null, oldSecret, newSecret).value,
              ]),
            )
          : news,
        complete: true,
      };
    if (!isList(news)) return { value: news, complete: false };
    if (!isList(olds)) return { value: news, complete: true };
    return {
      value: news.map((item, i) =>
        i < olds.length ? reset([], olds[i], null, oldSecret, newSecret).value : item,
      ),
      complete: olds.length === news.length,
    };
  }
  let complete = true;
  const inside = (old: Value, item: Value): Value => {
    const inner = reset(rest, old, item, oldSecret, newSecret);
    complete &&= inner.complete;
    return inner.value;
  };
  if (isMap(olds) && isMap(news)) {
    if (Object.keys(olds).some((key) => !has(news, key))) return { value: news, complete: false };
    const value = mapOf(
      Object.entries(news).map(([key, item]) => [
        key,
        has(olds, key) ? inside(olds[key] as Value, item) : item,
      ]),
    );
    return { value, complete };
  }
  if (!isList(olds) || !isList(news)) return { value: news, complete: false };
  const value = news.map((item, i) => (i < olds.length ? inside(olds[i] as Value, item) : item));
  return { value, complete: complete && olds.length === news.length };
}
