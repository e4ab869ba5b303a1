import { spawn } from "node:child_process";
import { clearInterval, setInterval } from "node:timers";

/** Time between two signs of life while npm works, in milliseconds. */
const PROGRESS_MS = 10_000;
const QUIET = ["--ignore-scripts", "--no-audit", "--no-fund", "--loglevel=error"];
const NETWORK_CODES =
  /\b(ENOTFOUND|EAI_AGAIN|ECONNREFUSED|ECONNRESET|ETIMEDOUT|EHOSTUNREACH|ENETUNREACH|ERR_SOCKET_TIMEOUT|FETCH_ERROR|ENOTCACHED)\b/;

/** Installs exactly what package-lock.json names; no package's own script runs. */
export async function installLibraries(root, say) {
  say("installs the libraries in package-lock.json (once; about half a minute)");
  await npm(root, ["ci", ...QUIET], say);
}

/** Installs one package, by itself, in a folder that is not part of the project's own tree. */
export async function installAside(root, folder, spec, say) {
  say(`installs ${spec}`);
  await npm(
    root,
    ["install", "--prefix", folder, "--no-save", "--no-package-lock", ...QUIET, spec],
    say,
  );
}

async function npm(root, args, say) {
  const { command, prefix } = npmCommand();
  const started = Date.now();
  const child = spawn(command, [...prefix, ...args], {
    cwd: root,
    stdio: ["ignore", "pipe", "pipe"],
    shell: process.platform === "win32",
  });
  let output = "";
  const keep = (chunk) => (output = (output + chunk).slice(-8000));
  child.stdout.on("data", keep);
  child.stderr.on("data", keep);
  const progress = setInterval(
    () => say(`still installing after ${Math.round((Date.now() - started) / 1000)} s`),
    PROGRESS_MS,
  );
  try {
    const code = await new Promise((resolve, reject) => {
      child.once("error", reject);
      child.once("close", (status, signal) => resolve(status ?? signal));
    });
    if (code !== 0) throw new Error(explain(args[0], code, output));
  } catch (error) {
    if (error.code !== "ENOENT") throw error;
    throw new Error("npm was not found: install npm (it comes with Node.js) and run this again", {
      cause: error,
    });
  } finally {
    clearInterval(progress);
  }
}

/** The npm that started this script if there is one, run by the Node that runs this script. */
function npmCommand() {
  const script = process.env.npm_execpath;
  return script && /\.c?js$/.test(script)
    ? { command: process.execPath, prefix: [script] }
    : { command: "npm", prefix: [] };
}

/** What went wrong in one line, with what to do; npm's own words below it. */
function explain(step, code, output) {
  const words = output.trim().split("\n").slice(-12).join("\n");
  const network = NETWORK_CODES.exec(output);
  const head = network
    ? `npm could not reach its registry (${network[1]}): check the network or proxy (npm config get registry), then run this again`
    : `npm ${step} ended with ${code}: if the text below does not help, remove node_modules and run this again`;
  return network || !words ? head : `${head}\n${words}`;
}
