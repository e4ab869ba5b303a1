import { join } from "node:path";
import type { NetworkPlan } from "../../plan/types.ts";
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
import { readPlan } from "../network.ts";
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
    const plan = readPlan(project, stack, terminal.note);
    const findings = [
      checkNode(process.versions.node),
      await checkPorts(plan, []),
      checkMemory(process.availableMemory(), plan.nodes.length),
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
async function checkPorts(plan: NetworkPlan, running: readonly string[]): Promise<Finding> {
  const subject = "ports";
  const listeners = listenersOf(plan).filter(({ node }) => !running.includes(node));
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

function listenersOf({ nodes }: NetworkPlan): Listener[] {
  return nodes.flatMap(({ id: node, api, p2p, internal }) => [
    { node, purpose: "API", transport: "tcp", ...api },
    { node, purpose: "P2P", transport: "tcp", ...p2p },
    { node, purpose: "P2P", transport: "udp", ...p2p },
    { node, purpose: "metrics", transport: "tcp", ...internal },
  ]);
}
