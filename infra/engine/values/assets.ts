/** Hashes of assets and archives, by which the engine tells whether their content has changed. */
import { createHash } from "node:crypto";
import { existsSync, readdirSync, readFileSync, statSync } from "node:fs";
import { join, posix, relative, resolve, sep } from "node:path";
import { unsupported } from "../errors.ts";
import {
  Asset,
  isList,
  isMap,
  mapValues,
  OutputValue,
  Secret,
  type Value,
  type ValueMap,
} from "./value.ts";

const ARCHIVE_ENDINGS = [".tar", ".tgz", ".tar.gz", ".zip", ".jar"];
/** Pulumi's own folder is never part of an archive. */
const BOOKKEEPING_DIRECTORY = ".pulumi";
const BLOCK_BYTES = 512;

/**
 * The inputs with the hash of every asset and archive filled in.
 *
 * @param directory what relative paths start from: the program's directory
 */
export function withAssetHashes(map: ValueMap, directory: string): ValueMap {
  return mapValues(map, (value) => hashIn(value, directory));
}

function hashIn(value: Value, directory: string): Value {
  if (value instanceof Asset) return hashed(value, directory);
  if (value instanceof Secret) return new Secret(hashIn(value.element, directory));
  if (value instanceof OutputValue)
    return value.value === undefined
      ? value
      : new OutputValue(hashIn(value.value, directory), value.secret, value.dependencies);
  if (isList(value)) return value.map((item) => hashIn(item, directory));
  return isMap(value) ? withAssetHashes(value, directory) : value;
}

function hashed(asset: Asset, directory: string): Asset {
  const assets = asset.content.assets;
  const content = assets
    ? {
        assets: Object.fromEntries(
          Object.entries(assets).map(([name, a]) => [name, hashed(a, directory)]),
        ),
      }
    : asset.content;
  const hash =
    asset.hash ||
    sha256(asset.kind === "asset" ? readAsset(asset, directory) : packArchive(asset, directory));
  return new Asset(asset.kind, hash, content);
}

function sha256(content: Buffer): string {
  return createHash("sha256").update(content).digest("hex");
}

function readAsset({ content }: Asset, directory: string): Buffer {
  if (content.path !== undefined) return readFileSync(resolve(directory, content.path));
  if (content.uri !== undefined) return readUri(content.uri);
  return Buffer.from(content.text ?? "", "utf8");
}

function readUri(uri: string): Buffer {
  if (uri.startsWith("file://")) return readFileSync(new URL(uri));
  throw unsupported(`the remote asset ${uri}`, "use a FileAsset or StringAsset");
}

/** What the hash of an archive is taken over: an archive file as it is, anything else as a tar file. */
function packArchive(archive: Asset, directory: string): Buffer {
  const { path, uri } = archive.content;
  if (uri !== undefined) return readUri(uri);
  if (path !== undefined && isArchiveFile(path)) return readFileSync(resolve(directory, path));
  const blocks: Buffer[] = [],
    seen = new Set<string>();
  for (const [name, content] of filesOf(archive, directory)) {
    if (seen.has(name)) continue;
    seen.add(name);
    blocks.push(
      tarHeader(name, content.length),
      content,
      Buffer.alloc((BLOCK_BYTES - (content.length % BLOCK_BYTES)) % BLOCK_BYTES),
    );
  }
  return Buffer.concat([...blocks, Buffer.alloc(2 * BLOCK_BYTES)]);
}

function isArchiveFile(path: string): boolean {
  return ARCHIVE_ENDINGS.some((ending) => path.endsWith(ending));
}

function* filesOf(archive: Asset, directory: string): Generator<[string, Buffer]> {
  const { assets, path } = archive.content;
  if (assets) {
    for (const name of Object.keys(assets).sort()) {
      const inner = assets[name] as Asset;
      if (inner.kind === "asset") yield [name, readAsset(inner, directory)];
      else
        for (const [file, content] of filesOf(inner, directory))
          yield [posix.join(name, file), content];
    }
  } else if (path !== undefined) {
    const root = resolve(directory, path);
    if (isArchiveFile(path))
      throw unsupported(`the archive file ${path} inside another archive`, "unpack it first");
    for (const file of walk(root))
      yield [relative(root, file).split(sep).join("/"), readFileSync(file)];
  }
}

/** Files below a directory, in lexical order of their names at each level; links to files count as files. */
function* walk(directory: string): Generator<string> {
  for (const entry of readdirSync(directory, { withFileTypes: true }).sort((a, b) =>
    a.name < b.name ? -1 : 1,
  )) {
    const path = join(directory, entry.name);
    if (entry.name === BOOKKEEPING_DIRECTORY) continue;
    if (entry.isDirectory()) yield* walk(path);
    else if (!entry.isSymbolicLink() || (existsSync(path) && !statSync(path).isDirectory()))
      yield path;
  }
}

/** A USTAR header: mode 0600, owner and time zero. https://pubs.opengroup.org/onlinepubs/9699919799/utilities/pax.html */
function tarHeader(name: string, size: number): Buffer {
  const header = Buffer.alloc(BLOCK_BYTES);
  const { prefix, base } = splitName(name);
  const octal = (value: number, at: number, length: number): void =>
    void header.write(`${value.toString(8).padStart(length - 1, "0")}\0`, at, "ascii");
  header.write(base, 0, "utf8");
  octal(0o600, 100, 8);
  octal(0, 108, 8);
  octal(0, 116, 8);
  octal(size, 124, 12);
  octal(0, 136, 12);
  header.write("        ", 148, "ascii");
  header.write("0", 156, "ascii");
  header.write("ustar\0", 257, "ascii");
  header.write("00", 263, "ascii");
  octal(0, 329, 8);
  octal(0, 337, 8);
  header.write(prefix, 345, "utf8");
  const sum = header.reduce((total, byte) => total + byte, 0);
  header.write(`${sum.toString(8).padStart(6, "0")}\0 `, 148, "ascii");
  return header;
}

function splitName(name: string): { prefix: string; base: string } {
  if (Buffer.byteLength(name) <= 100) return { prefix: "", base: name };
  const cut = name.indexOf("/", Math.max(0, name.length - 101));
  if (cut <= 0 || cut > 155 || Buffer.byteLength(name) !== name.length)
    throw unsupported(`the path ${name} in an archive`, "use shorter ASCII paths");
  return { prefix: name.slice(0, cut), base: name.slice(cut + 1) };
}
