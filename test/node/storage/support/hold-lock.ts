/** Opens a data directory, says so on the standard output, and holds it until it is killed. */
import { openStorage } from "../../../../node/storage/open.ts";

const [directory = "", genesisHash = "", publicKey = ""] = process.argv.slice(2);
const storage = openStorage(directory, { genesisHash, publicKey });
let view = 0;
const append = () => {
  view += 1;
  storage.journal.append([{ view, bytes: Buffer.alloc(200, view), signed: "notarize" }]);
  // Written after the commit: what the parent process has read is durable.
  process.stdout.write(`${view}\n`);
  setImmediate(append);
};
if (process.argv[5] === "append") append();
else {
  process.stdout.write("open\n");
  setInterval(() => undefined, 60_000);
}
