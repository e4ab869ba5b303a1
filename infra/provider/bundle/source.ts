import { createHash } from "node:crypto";
import { existsSync, readFileSync } from "node:fs";
import { readdir, readFile } from "node:fs/promises";
import { join, relative } from "node:path";
import { releaseSchema } from "../../../node/formats/release.ts";
import { ProviderError } from "../errors.ts";

export type Platform = (typeof platforms)[number];

/** Platforms a release can be for, as in `release.json`. */
export const platforms = releaseSchema.properties.platform.anyOf.map(
  (literal) => literal.const as string,
) as readonly ("linux-x64" | "linux-arm64" | "darwin-x64" | "darwin-arm64")[];

/** Raised when the same sources make other bytes, so that no cached release is taken for a new one. */
const BUILDER = 1;

/** The checkout this provider is part of. */
export const ownCheckout = join(import.meta.dirname, "..", "..", "..");

/** The platform this process runs on. @throws ProviderError when no release can be for it */
export function hostPlatform(): Platform {
  const host = `${process.platform}-${process.arch}`;
  const found = platforms.find((platform) => platform === host);
  if (found === undefined)
    throw new ProviderError(`got the platform ${host}, allowed: ${platforms.join(", ")}`);
  return found;
}

export interface Runtime {
  /** Absolute path of the executable. */
  readonly executable: string;
  readonly version: string;
  /** Absolute path of its license, when it came with one. */
  readonly license?: string;
}

/** The pinned Node.js of a checkout; where npm has none for this platform, the one that runs this. */
export function runtimeOf(checkout: string, platform: Platform): Runtime {
  const directory = join(checkout, "node_modules", `node-${platform}`);
  const executable = join(directory, "bin", "node");
  if (!existsSync(executable))
    return { executable: process.execPath, version: process.versions.node };
  const { version } = JSON.parse(readFileSync(join(directory, "package.json"), "utf8")) as {
    version: string;
  };
  const license = join(directory, "LICENSE");
  return { executable, version, ...(existsSync(license) && { license }) };
}

/**
 * A hash of everything a release is made from: the sources of the node, the lock file, which fixes
 * every dependency and the bundler, the runtime and the platform. Reads about a megabyte.
 */
export async function sourceHash(checkout: string, platform: Platform): Promise<string> {
  const files = [
    ...(await sourceFiles(join(checkout, "node"))),
    join(checkout, "package-lock.json"),
  ];
  const contents = await Promise.all(files.map((file) => readFile(file)));
  const hash = createHash("sha256");
  hash.update(JSON.stringify([BUILDER, platform, runtimeOf(checkout, platform).version]));
  for (const [i, file] of files.entries()) {
    const content = contents[i] as Buffer;
    hash.update(`\n${relative(checkout, file)} ${content.length}\n`).update(content);
  }
  return hash.digest("hex");
}

/** Everything in a directory but what npm installed, sorted by path. */
async function sourceFiles(directory: string): Promise<string[]> {
  const entries = await readdir(directory, { withFileTypes: true });
  const found = await Promise.all(
    entries
      .filter(({ name }) => name !== "node_modules" && !name.startsWith("."))
      .map((entry) => {
        const path = join(directory, entry.name);
        return entry.isDirectory() ? sourceFiles(path) : [path];
      }),
  );
  return found.flat().sort();
}
