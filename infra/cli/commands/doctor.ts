import { join } from "node:path";
import { localPorts } from "../../topology/local-ports.ts";
import { listNodes } from "../../topology/nodes.ts";
import type { Network } from "../../topology/schema.ts";
import { type Command, shared } from "../command.ts";
import { findPulumi } from "../engines.ts";
import {
  checkClock,
  checkDisk,
  checkFsync,
  checkGit,
  checkMemory,
  checkNode,
  checkPulumi,
  type Finding,
} from "../machine.ts";
import { readNetwork } from "../network.ts";
import { isFree, type Listener } from "../ports.ts";
import type { Style } from "../terminal.ts";

export const doctor: Command = {
  name: "doctor",
  summary: "check this machine for what the network needs",
  details: [
    "Looks at Node.js, the ports of the stack, disk space and latency, memory, the clock, git and the",
    "pulumi command. Exit code 1 when something will not work.",
  ],
  options: { json: shared.json },
  examples: [
    ["guts doctor", "check for the stack `local`"],
    ["guts doctor local --json", "the same for machines"],
  ],
  async run({ stack, options, project, terminal }) {
    const network = readNetwork(project, stack, terminal.note);
    const nodes = listNodes(network).filter(({ site }) => site.kind === "local").length;
    const findings = [
      checkNode(process.versions.node),
      await checkPorts(network, []),
      checkMemory(process.availableMemory(), nodes),
      checkDisk(project.home),
      checkFsync(project.home),
      await checkClock(join(project.root, "package-lock.json"), new Date()),
      await checkGit(),
      await checkPulumi(findPulumi(process.env)),
    ];
    if (options.flag("json")) terminal.line(JSON.stringify(findings, null, 2));
    else show(findings, terminal.line, terminal.style);
    return findings.some(({ state }) => state === "fail") ? 1 : 0;
  },
};

const styles = { ok: "green", warn: "yellow", fail: "red" } as const satisfies Record<
  Finding["state"],
  Style
>;

function show(
  findings: readonly Finding[],
  line: (text: string) => void,
  style: (style: Style, text: string) => string,
): void {
  const width = Math.max(...findings.map(({ subject }) => subject.length));
  for (const { subject, state, detail, remedy } of findings) {
    line(`${style(styles[state], state.padEnd(4))}  ${subject.padEnd(width)}  ${detail}`);
    if (remedy !== undefined) line(`${" ".repeat(width + 8)}-> ${remedy}`);
  }
}

/** The ports of the nodes that do not run; a running node holds its own. */
async function checkPorts(network: Network, running: readonly string[]): Promise<Finding> {
  const subject = "ports";
  const listeners = listenersOf(network).filter(({ node }) => !running.includes(node));
  const free = await Promise.all(listeners.map(isFree));
  const taken = listeners.filter((_, index) => !free[index]);
  if (taken.length === 0) {
    const own = running.length > 0 ? `, those of ${running.length} running nodes are theirs` : "";
    return { subject, state: "ok", detail: `${listeners.length} free${own}` };
  }
  const list = taken.map(
    ({ node, purpose, transport, port }) => `${port}/${transport} (${purpose} of ${node})`,
  );
  return {
    subject,
    state: "fail",
    detail: `in use by other programs: ${list.join(", ")}`,
    remedy: "end those programs, or set other ports under sites[].ports in the stack file",
  };
}

function listenersOf(network: Network): Listener[] {
  return listNodes(network).flatMap(({ id, site, index }) => {
    if (site.kind !== "local") return [];
    const { api, p2p, internal } = localPorts(site, index);
    const at = (purpose: string, transport: "tcp" | "udp", port: number): Listener => ({
      node: id,
      purpose,
      transport,
      host: "127.0.0.1",
      port,
    });
    return [
      at("API", "tcp", api),
      at("P2P", "tcp", p2p),
      at("P2P", "udp", p2p),
      at("metrics", "tcp", internal),
    ];
  });
}
