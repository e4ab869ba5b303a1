import { readdir, rm, stat } from "node:fs/promises";
import { join } from "node:path";

/**
 * Deletes all but the newest entries of a directory whose names match. What cannot be deleted stays:
 * tidying up must not fail what was asked for.
 *
 * @param inUse names that stay whatever their age
 */
export async function removeOldest(
  directory: string,
  pattern: RegExp,
  keep: number,
  inUse: ReadonlySet<string> = new Set(),
): Promise<void> {
  const names = (await readdir(directory)).filter((name) => pattern.test(name) && !inUse.has(name));
  const aged = await Promise.all(
    names.map(async (name) => {
      const found = await stat(join(directory, name)).catch(() => undefined);
      return { name, time: found?.mtimeMs ?? 0 };
    }),
  );
  const old = aged.sort((a, b) => b.time - a.time).slice(keep);
  for (const { name } of old)
    await rm(join(directory, name), { recursive: true, force: true }).catch(() => undefined);
}
