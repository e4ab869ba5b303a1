// Plain JavaScript, so that a Node.js too old to read TypeScript can still say so.
import module from "node:module";
import { join } from "node:path";

const oldest = 24;
if (Number.parseInt(process.versions.node, 10) < oldest) {
  console.error(
    `guts needs Node.js ${oldest} or later, got ${process.version}: run "npm install" in the checkout, which brings one`,
  );
  process.exit(1);
}
// Every run of an engine starts a plugin or two: compiled code from the last run saves a third of the time.
module.enableCompileCache(join(import.meta.dirname, "..", "..", "node_modules", ".cache", "guts"));
await import("./main.ts");
