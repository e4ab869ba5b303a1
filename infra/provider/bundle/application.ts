import { readFile } from "node:fs/promises";
import { join } from "node:path";
import { build, type BuildFailure, type Plugin } from "esbuild";
import { ProviderError } from "../errors.ts";
import type { Platform } from "./source.ts";

/** Where a native addon lies in a checkout, and its name in a release. */
interface Addon {
  readonly file: string;
  readonly name: string;
}

export interface Application {
  /** The node as one ES module. */
  readonly script: Uint8Array;
  readonly addons: readonly { readonly name: string; readonly content: Uint8Array }[];
}

/** Names of the addons, from which the loaders below make file names. */
const SQLITE = "better_sqlite3.node";
const QUIC = "libp2p_quic.node";

function addonsOf(platform: Platform): readonly Addon[] {
  const quic = platform.startsWith("linux") ? `${platform}-gnu` : platform;
  const packages = join("node_modules", "@chainsafe");
  return [
    { name: SQLITE, file: join("node_modules", "better-sqlite3", "prebuilds", `${platform}.node`) },
    { name: QUIC, file: join(packages, `libp2p-quic-${quic}`, `libp2p-quic.${quic}.node`) },
  ];
}

/**
 * Bundles `node/main.ts` with everything it imports. Nothing of the place where it is built gets into
 * the output: names of modules in it are relative to the checkout, and there is no source map.
 */
export async function buildApplication(checkout: string, platform: Platform): Promise<Application> {
  const [script, ...contents] = await Promise.all([
    bundle(checkout),
    ...addonsOf(platform).map(({ file }) => readAddon(checkout, file)),
  ]);
  return {
    script,
    addons: addonsOf(platform).map(({ name }, i) => ({
      name,
      content: contents[i] as Uint8Array,
    })),
  };
}

async function bundle(checkout: string): Promise<Uint8Array> {
  try {
    const { outputFiles } = await build({
      absWorkingDir: checkout,
      entryPoints: ["node/main.ts"],
      outfile: "app/guts-node.mjs",
      write: false,
      bundle: true,
      platform: "node",
      format: "esm",
      target: "node24",
      // Symbolic links would let the real place of a shared node_modules into the output.
      preserveSymlinks: true,
      minifySyntax: true,
      legalComments: "eof",
      logLevel: "silent",
      // CommonJS modules inside an ES module look for these.
      banner: { js: prelude },
      plugins: [nativeAddons],
    });
    return (outputFiles[0] as { contents: Uint8Array }).contents;
  } catch (error) {
    const [first] = (error as Partial<BuildFailure>).errors ?? [];
    if (!first) throw error;
    const at = first.location ? `${first.location.file}:${first.location.line}: ` : "";
    throw new ProviderError(`the node cannot be bundled: ${at}${first.text}`);
  }
}

const prelude = [
  'import { createRequire as __createRequire } from "node:module";',
  "const require = __createRequire(import.meta.url);",
  "const __filename = import.meta.filename;",
  "const __dirname = import.meta.dirname;",
].join("\n");

/** Both packages search for their addon in places a release does not have. */
const nativeAddons: Plugin = {
  name: "native-addons",
  setup({ onLoad, onResolve }) {
    onResolve({ filter: /\.node$/ }, ({ path }) => ({ path, external: true }));
    onLoad({ filter: /[\\/]better-sqlite3[\\/]lib[\\/]binding\.js$/ }, () => ({
      contents: `exports.getBinding = () => require("../native/${SQLITE}");`,
      loader: "js",
    }));
    onLoad({ filter: /[\\/]libp2p-quic[\\/]dist[\\/]src[\\/]napi\.js$/ }, async ({ path }) => ({
      contents: quicLoader(await readFile(path, "utf8")),
      loader: "js",
    }));
  },
};

/** The same exports as the generated loader, from the addon at its known place. */
function quicLoader(generated: string): string {
  const names = [...generated.matchAll(/^export \{ (\w+) \};$/gm)].map(([, name]) => name);
  if (names.length === 0)
    throw new Error("the loader of libp2p-quic has another form than expected");
  return [
    'import { createRequire } from "node:module";',
    `const addon = createRequire(import.meta.url)("../native/${QUIC}");`,
    `export const { ${names.join(", ")} } = addon;`,
  ].join("\n");
}

async function readAddon(checkout: string, file: string): Promise<Uint8Array> {
  try {
    return await readFile(join(checkout, file));
  } catch {
    throw new ProviderError(`${file} is missing in ${checkout}: run "npm ci" there`);
  }
}
