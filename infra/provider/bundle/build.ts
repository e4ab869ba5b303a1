import { readFile, stat, utimes } from "node:fs/promises";
import { join } from "node:path";
import { type Static, Type } from "@sinclair/typebox";
import { Value } from "@sinclair/typebox/value";
import { sha256, toHex } from "../../../node/formats/bytes.ts";
import { nodeVersion, type Release } from "../../../node/formats/release.ts";
import { ProviderError } from "../errors.ts";
import { makeDirectory, readText, writeAtomically } from "../files.ts";
import { type ArchiveFile, gzipOf, tarOf } from "./archive.ts";
import { type Platform, runtimeOf, sourceHash } from "./source.ts";
import { removeOldest } from "./retention.ts";

/** What is known of a release in the cache. */
const bundleSchema = Type.Object({
  sha256: Type.String({ pattern: "^[0-9a-f]{64}$" }),
  sizeBytes: Type.Integer({ minimum: 1 }),
  version: Type.String(),
  nodeVersion: Type.String(),
});
export type BuiltBundle = Static<typeof bundleSchema>;

/** Directory of the cache under home. */
export const BUNDLES = "bundles";
const KEPT_BUNDLES = 5;

/** Name of a release in the cache. */
export function bundleFile(hash: string): string {
  return `${BUNDLES}/${hash}.tar.gz`;
}

/** The release made from these sources, if the cache has it. */
export async function findBundle(home: string, source: string): Promise<BuiltBundle | undefined> {
  const text = await readText(indexPath(home, source));
  if (text === undefined) return undefined;
  try {
    const found: unknown = JSON.parse(text);
    if (Value.Check(bundleSchema, found) && (await isWhole(home, found))) return found;
  } catch (error) {
    if (!(error instanceof SyntaxError)) throw error;
  }
  return undefined;
}

/** Whether the file of a release is there, at its size; its hash is checked by who unpacks it. */
export async function isWhole(home: string, bundle: Pick<BuiltBundle, "sha256" | "sizeBytes">) {
  const found = await stat(join(home, bundleFile(bundle.sha256))).catch(() => undefined);
  return found?.size === bundle.sizeBytes;
}

export interface BuildOptions {
  readonly checkout: string;
  readonly home: string;
  readonly platform: Platform;
  /** Of `sourceHash`. */
  readonly source: string;
  readonly signal: AbortSignal;
  progress(message: string): void;
}

/** Builds a release into the cache, or finds it there. */
export async function buildBundle(options: BuildOptions): Promise<BuiltBundle> {
  const { home, source, progress, signal } = options;
  const cached = await findBundle(home, source);
  if (cached !== undefined) {
    const now = new Date();
    await utimes(join(home, bundleFile(cached.sha256)), now, now);
    return cached;
  }
  await makeDirectory(join(home, BUNDLES));
  const { files, release } = await releaseFiles(options);
  signal.throwIfAborted();
  const tar = await tarOf(files);
  progress(`compressing ${megabytes(tar.length)} MB`);
  const archive = await gzipOf(tar);
  signal.throwIfAborted();
  // What was built must be what the hash stands for.
  if ((await sourceHash(options.checkout, options.platform)) !== source)
    throw new ProviderError(
      "the sources changed while the release was built: run the command again",
    );
  const hash = toHex(sha256(archive));
  progress(`writing ${megabytes(archive.length)} MB`);
  await writeAtomically(join(home, bundleFile(hash)), archive);
  const { version, nodeVersion: runtime } = release;
  const bundle = { sha256: hash, sizeBytes: archive.length, version, nodeVersion: runtime };
  await writeAtomically(indexPath(home, source), `${JSON.stringify(bundle)}\n`);
  await removeOldest(join(home, BUNDLES), /\.tar\.gz$/, KEPT_BUNDLES);
  await removeOldest(join(home, BUNDLES), /\.source\.json$/, KEPT_BUNDLES);
  return bundle;
}

function indexPath(home: string, source: string): string {
  return join(home, BUNDLES, `${source}.source.json`);
}

async function releaseFiles({ checkout, platform, progress }: BuildOptions) {
  progress("bundling the node");
  const runtime = runtimeOf(checkout, platform);
  // The bundler is a program of its own and large: it is loaded only when something is built.
  const { buildApplication } = await import("./application.ts");
  const [application, executable, license, runtimeLicense] = await Promise.all([
    buildApplication(checkout, platform),
    readFile(runtime.executable),
    readFile(join(checkout, "LICENSE")),
    runtime.license === undefined ? undefined : readFile(runtime.license),
  ]);
  const files: ArchiveFile[] = [
    { path: "app/guts-node.mjs", content: application.script },
    { path: "bin/node", content: executable, executable: true },
    { path: "LICENSE", content: license },
    ...(runtimeLicense ? [{ path: "bin/LICENSE", content: runtimeLicense }] : []),
    ...application.addons.map(({ name, content }) => ({ path: `native/${name}`, content })),
  ];
  const release: Release = {
    format: 1,
    name: "guts-node",
    version: nodeVersion.node,
    platform,
    nodeVersion: runtime.version,
    files: Object.fromEntries(
      files
        .map(({ path, content }): [string, string] => [path, toHex(sha256(content))])
        .sort(([a], [b]) => (a < b ? -1 : 1)),
    ),
  };
  const manifest = Buffer.from(`${JSON.stringify(release, null, 2)}\n`);
  return { release, files: [...files, { path: "release.json", content: manifest }] };
}

/** Checks a release file against its name. @throws ProviderError when it is another */
export async function readBundle(home: string, hash: string): Promise<Buffer> {
  const path = join(home, bundleFile(hash));
  const content = await readFile(path).catch(() => undefined);
  if (content === undefined)
    throw new ProviderError(`the release ${path} is missing: run the command again to build it`);
  const found = toHex(sha256(content));
  if (found !== hash)
    throw new ProviderError(
      `the release ${path} has the hash ${found}: it is damaged; delete it and run the command again`,
    );
  return content;
}

export function megabytes(bytes: number): string {
  return (bytes / 1e6).toFixed(1);
}
