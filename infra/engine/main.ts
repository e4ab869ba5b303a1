/** The embedded engine: `node infra/engine/main.ts up|preview|refresh|destroy|stack|cancel ...`. README.md says what it is. */
import { main } from "./cli/main.ts";

process.exitCode = await main(process.argv.slice(2));
