import { startPlugin } from "./plugin.ts";

await startPlugin(process.argv.slice(2));
