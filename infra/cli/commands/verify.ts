import { describeFinding, observeFinality } from "../../provider/observe/network.ts";
import { type Command, shared, UsageError } from "../command.ts";
import { requireStack } from "../project.ts";
import { genesisHashOf, nodesOf, recordedResources } from "../recorded.ts";
import { chooseSession } from "../session.ts";

const DEFAULT_SECONDS = 30;

export const verify: Command = {
  name: "verify",
  summary: "watch until the same new block is final on every node, as the verdict of up does",
  details: [
    "Every node is on the same chain, every validator is connected to every other, all have the same",
    "block at the same height, and the height moves. Exit code 1 when that is not so in time.",
  ],
  options: {
    timeout: { type: "string", value: "SECONDS", help: `how long (default: ${DEFAULT_SECONDS})` },
    json: shared.json,
  },
  examples: [
    ["guts verify local", "the verdict on the stack `local` now"],
    ["guts verify local --timeout 120 --json", "wait longer, for machines"],
  ],
  async run(call) {
    const { project, stack, options, terminal } = call;
    requireStack(project, stack);
    const limitMs = limitOf(options.text("timeout")) * 1000;
    const resources = await recordedResources(chooseSession(call));
    const genesisHash = genesisHashOf(resources);
    const nodes = nodesOf(project, resources);
    if (genesisHash === undefined || nodes.length === 0)
      throw new UsageError(`stack "${stack}" has no nodes; bring it up with: guts up ${stack}`);
    const { finding, reached, durationMs } = await observeFinality(
      nodes.map(({ id, role, apiUrl }) => ({
        name: id,
        role: role === "validator" ? ("validator" as const) : ("full" as const),
        apiUrl,
      })),
      { genesisHash, limitMs, signal: new AbortController().signal },
    );
    if (options.flag("json"))
      terminal.line(
        JSON.stringify({ stack, genesisHash, reached, durationMs, ...finding }, null, 2),
      );
    else {
      describeFinding(finding).forEach(terminal.line);
      terminal.line(
        reached
          ? `block ${finding.blockId} is final at height ${finding.height} on all ${nodes.length} nodes, and the height moves`
          : `the network did not finalize a new block on every node within ${limitMs / 1000} s`,
      );
    }
    return reached ? 0 : 1;
  },
};

function limitOf(text: string | undefined): number {
  if (text === undefined) return DEFAULT_SECONDS;
  const seconds = Number(text);
  if (!/^\d+$/.test(text) || seconds < 1)
    throw new UsageError(`got "${text}" for --timeout, allowed: an integer of 1 or more seconds`);
  return seconds;
}
