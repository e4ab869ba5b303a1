/** The embedded engine: `node infra/engine/main.ts up|preview|refresh|destroy|stack|cancel ...`. README.md says what it is. */
import { enableCompileCache, getCompileCacheDir } from "node:module";

// Half of a short run is compiling the same modules again, here, in the program and in the plugins: they share one cache.
if (!process.env.NODE_DISABLE_COMPILE_CACHE) {
  enableCompileCache();
  process.env.NODE_COMPILE_CACHE ??= getCompileCacheDir();
}

const { main } = await import("./cli/main.ts");
process.exitCode = await main(process.argv.slice(2));
