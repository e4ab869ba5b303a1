/**
 * Stands in for `node/main.ts` where the provider is tested without consensus: it takes the same command
 * line and configuration, serves the health and consensus paths, and "finalizes" one block per interval
 * of the wall clock, the same on every double of one genesis. NODE_DOUBLE in its directory changes it:
 * `exit` ends at once, `deaf` never answers, `stubborn` ignores SIGTERM, `fork` has other block ids,
 * `frozen` makes no blocks.
 */
import { createHash } from "node:crypto";
import { existsSync, readFileSync, writeFileSync, mkdirSync } from "node:fs";
import { createServer } from "node:http";
import { createSocket } from "node:dgram";
import { createServer as createTcp } from "node:net";
import { join } from "node:path";

const [command, flag, path = ""] = process.argv.slice(2);
if (command === "version") {
  console.log(JSON.stringify({ node: "0.1.0" }));
  process.exit(0);
}
if (command !== "run" || flag !== "--config") throw new Error(`got ${process.argv.join(" ")}`);

const directory = process.cwd();
const behaviour = existsSync("NODE_DOUBLE") ? readFileSync("NODE_DOUBLE", "utf8").trim() : "";
if (behaviour === "exit") {
  console.log("the double was told to exit");
  process.exit(7);
}
// Without a library or another file of ours: a copy of this one is bundled as the node of a checkout.
const settings: Record<string, string> = Object.fromEntries(
  [...readFileSync(path, "utf8").matchAll(/^([a-z0-9-]+): (.+)$/gm)].map(([, name, value]) => [
    name,
    value,
  ]),
);
const genesisText = readFileSync(settings["genesis-file"] ?? "genesis.json", "utf8");
const genesis = JSON.parse(genesisText) as {
  chainId: string;
  consensus: { blockIntervalMs: number };
  validators: { name: string; publicKey: string }[];
};
const genesisHash = createHash("sha256").update(genesisText).digest("hex");
const interval = genesis.consensus.blockIntervalMs;
mkdirSync(settings["data-dir"] ?? "data", { recursive: true });
writeFileSync(join(settings["data-dir"] ?? "data", "chain"), genesisHash);

const DAY_MS = 86_400_000;
const frozenAt = Date.now();
const now = () => (behaviour === "frozen" ? frozenAt - DAY_MS : Date.now());
const height = () => Math.floor((now() % DAY_MS) / interval) + 1;
const blockId = (at: number) =>
  createHash("sha256")
    .update(`${genesisHash} ${at} ${behaviour === "fork" ? directory : ""}`)
    .digest("hex");

const answer = (url: string): unknown => {
  if (url === "/health/startup") return { status: "up" };
  if (url === "/api/consensus/status")
    return {
      finalized_height: height(),
      view: height(),
      last_block_time: new Date(now()).toISOString(),
      block_interval_ms: interval,
      peers_count: genesis.validators.length - 1,
      chain_id: genesis.chainId,
      genesis_hash: genesisHash,
      role: "validator",
      public_key: genesis.validators[0]?.publicKey,
      node_version: "0.1.0",
    };
  if (url === "/api/consensus/validators")
    return {
      validators: genesis.validators.map(({ name, publicKey }) => ({
        name,
        pubkey: publicKey,
        active: true,
      })),
    };
  const at = /^\/api\/consensus\/blocks\/(\d+)$/.exec(url)?.[1];
  return at === undefined ? undefined : { height: Number(at), block_id: blockId(Number(at)) };
};

const listen = (address: string | undefined) => {
  const [host, port] = (address ?? "").split(":");
  const server = createServer(({ url = "" }, response) => {
    const body = answer(url);
    response.writeHead(body === undefined ? 404 : 200, { "content-type": "application/json" });
    response.end(JSON.stringify(body ?? {}));
  });
  server.listen(Number(port), host);
};
if (behaviour !== "deaf") {
  const [host = "", port] = (settings["p2p-addr"] ?? "").split(":");
  createTcp().listen(Number(port), host);
  createSocket("udp4").bind(Number(port), host);
  listen(settings["api-addr"]);
  listen(settings["internal-addr"]);
} else setInterval(() => undefined, 1000);
console.log(`double of ${genesis.chainId} runs`);
process.on("SIGTERM", () => {
  console.log("SIGTERM");
  if (behaviour !== "stubborn") process.exit(0);
});
