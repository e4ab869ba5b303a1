import { createWriteStream } from "node:fs";
import { mkdir, readdir, rename, rm } from "node:fs/promises";
import { dirname, join } from "node:path";
import { Readable } from "node:stream";
import { pipeline } from "node:stream/promises";
import { createGunzip } from "node:zlib";
import { extract } from "tar-stream";
import { readBundle } from "../bundle/build.ts";
import { removeOldest } from "../bundle/retention.ts";
import { ProviderError, storageError, systemCode } from "../errors.ts";
import { makeDirectory, readText } from "../files.ts";

/** Directory of unpacked releases under home; each is named by the hash of its archive. */
export const RELEASES = "releases";
const KEPT_RELEASES = 3;

const unpacking = new Map<string, Promise<string>>();

/**
 * The directory of a release, unpacked if it is not there yet. A directory with that name is whole:
 * it gets the name last. Nodes that ask at the same time wait for the same one.
 *
 * @param home absolute
 * @param hash SHA-256 of the archive, which is checked
 */
export function ensureRelease(home: string, hash: string): Promise<string> {
  const directory = join(home, RELEASES, hash);
  const running = unpacking.get(directory);
  if (running !== undefined) return running;
  const started = ensure(home, hash, directory).finally(() => unpacking.delete(directory));
  unpacking.set(directory, started);
  return started;
}

async function ensure(home: string, hash: string, directory: string): Promise<string> {
  if ((await readText(join(directory, "release.json"))) !== undefined) return directory;
  const archive = await readBundle(home, hash);
  await makeDirectory(join(home, RELEASES));
  const temporary = join(home, RELEASES, `.${hash}.${process.pid}`);
  try {
    await rm(temporary, { recursive: true, force: true });
    await unpack(archive, temporary);
    await rename(temporary, directory);
  } catch (error) {
    await rm(temporary, { recursive: true, force: true }).catch(() => undefined);
    // Another run of the provider was faster.
    if (["ENOTEMPTY", "EEXIST"].includes(systemCode(error) ?? "")) return directory;
    throw storageError("unpack the release into", directory, error);
  }
  await removeLeftovers(home);
  return directory;
}

async function unpack(archive: Buffer, directory: string): Promise<void> {
  const entries = extract();
  const writing = pipeline(Readable.from([archive]), createGunzip(), entries);
  const reading = (async () => {
    for await (const entry of entries) {
      const { name, type, mode = 0o644 } = entry.header;
      if (type !== "file" || name.startsWith("/") || name.split("/").includes(".."))
        throw new ProviderError(`the release holds "${name}", allowed: files inside of it`);
      const path = join(directory, name);
      await mkdir(dirname(path), { recursive: true });
      await pipeline(entry, createWriteStream(path, { mode }));
    }
  })();
  await Promise.all([writing, reading]);
}

/** Half unpacked directories of killed runs, and releases that newer ones made superfluous. */
async function removeLeftovers(home: string): Promise<void> {
  const releases = join(home, RELEASES);
  await removeOldest(releases, /^\.[0-9a-f]{64}\.\d+$/, 0);
  await removeOldest(releases, /^[0-9a-f]{64}$/, KEPT_RELEASES, await releasesInUse(home));
}

/** What the records of nodes say they run. */
async function releasesInUse(home: string): Promise<Set<string>> {
  const records = await readdir(home, { recursive: false, withFileTypes: true }).then((networks) =>
    Promise.all(
      networks
        .filter((network) => network.isDirectory())
        .map(async ({ name }) =>
          (await readdir(join(home, name))).map((node) => join(home, name, node, RECORD_FILE)),
        ),
    ),
  );
  const texts = await Promise.all(
    records.flat().map((path) => readText(path).catch(() => undefined)),
  );
  return new Set(texts.map((text) => /"release":"([0-9a-f]{64})"/.exec(text ?? "")?.[1] ?? ""));
}

/** The record of a node in its directory, see record.ts. */
export const RECORD_FILE = "process.json";
