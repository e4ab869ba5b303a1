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
import { nodesOf, recordedResources } from "../recorded.ts";
import { chooseSession } from "../session.ts";
import { runningNodes, takenPorts } from "../preflight.ts";
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
  async run(call) {
    const { stack, options, project, terminal } = call;
    const plan = readPlan(project, stack, terminal.note);
    const nodes = nodesOf(project, await recordedResources(chooseSession(call)));
    const running = await runningNodes(nodes);
    const findings = [
      checkNode(process.versions.node),
      await checkPorts(plan, running),
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

/** A running node of this stack holds its own ports, so only those of the others are tried. */
async function checkPorts(plan: NetworkPlan, running: ReadonlySet<string>): Promise<Finding> {
  const subject = "ports";
  const waiting = plan.nodes.filter(({ id }) => !running.has(id));
  const taken = await takenPorts(waiting);
  if (taken !== undefined) return { subject, state: "fail", ...taken };
  const own = running.size > 0 ? `, ${running.size} nodes run and hold theirs` : "";
  return { subject, state: "ok", detail: `free for ${waiting.length} nodes${own}` };
}
