import { isDeepStrictEqual } from "node:util";

export type ChangeKind = "add" | "delete" | "update";

/** One property that differs, as Pulumi writes paths: `consensus.blockIntervalMs`, `validators[2].name`. */
export interface Change {
  readonly path: string;
  readonly kind: ChangeKind;
  /** Whether only making the resource anew brings this about. */
  readonly replace?: boolean;
  /** False when the property is something observed, not something asked for. */
  readonly input?: boolean;
}

type Tree = Record<string, unknown>;
const isTree = (value: unknown): value is Tree => typeof value === "object" && value !== null;

/** Every leaf in which two values differ, in the order of the old value, then of what is new. */
export function changesBetween(old: unknown, wanted: unknown, path = ""): Change[] {
  if (isDeepStrictEqual(old, wanted)) return [];
  if (old === undefined || old === null) return [{ path, kind: "add" }];
  if (wanted === undefined || wanted === null) return [{ path, kind: "delete" }];
  if (!isTree(old) || !isTree(wanted) || Array.isArray(old) !== Array.isArray(wanted))
    return [{ path, kind: "update" }];
  const keys = new Set([...Object.keys(old), ...Object.keys(wanted)]);
  return [...keys].flatMap((key) =>
    changesBetween(old[key], wanted[key], childPath(path, key, Array.isArray(old))),
  );
}

function childPath(path: string, key: string, inList: boolean): string {
  if (inList) return `${path}[${key}]`;
  if (!/^[A-Za-z_$][\w$]*$/.test(key)) return `${path}[${JSON.stringify(key)}]`;
  return path === "" ? key : `${path}.${key}`;
}

/** The value at such a path, undefined where there is none. */
export function valueAt(value: unknown, path: string): unknown {
  const steps = path.match(/[^.[\]"]+/g) ?? [];
  return steps.reduce<unknown>((at, step) => (isTree(at) ? at[step] : undefined), value);
}
