import { type Command, shared } from "../command.ts";
import { lookAtNetwork, type NetworkView } from "../look.ts";
import { requireStack } from "../project.ts";
import { genesisHashOf, nodesOf, recordedResources } from "../recorded.ts";
import { networkJson, nodeTable } from "../render.ts";
import { chooseSession } from "../session.ts";
import type { Terminal } from "../terminal.ts";

export const status: Command = {
  name: "status",
  summary: "show every node: running or down, height, view, peers",
  details: [
    "Asks the nodes themselves. Exit code 0 when every node runs and the network finalizes, else 1.",
  ],
  options: { json: shared.json },
  examples: [
    ["guts status", "the nodes of the stack `local`"],
    ["guts status local --json", "the same for machines"],
  ],
  async run(call) {
    const { project, stack, terminal, options } = call;
    requireStack(project, stack);
    const resources = await recordedResources(chooseSession(call));
    const genesisHash = genesisHashOf(resources);
    const view = await lookAtNetwork(nodesOf(project, resources), genesisHash);
    const healthy = view.nodes.length > 0 && view.problems.length === 0;
    if (options.flag("json"))
      terminal.line(JSON.stringify(networkJson(stack, genesisHash, view), null, 2));
    else show(stack, view, terminal);
    return healthy ? 0 : 1;
  },
};

function show(stack: string, view: NetworkView, terminal: Terminal): void {
  const down = view.nodes.filter(({ state }) => state === "down").length;
  if (view.nodes.length === 0) {
    terminal.line(`stack "${stack}" has no nodes; bring it up with: guts up ${stack}`);
    return;
  }
  nodeTable(view, terminal).forEach(terminal.line);
  terminal.line();
  if (down === view.nodes.length) {
    terminal.line(`no node runs; the network goes on with: guts start ${stack}`);
    return;
  }
  if (view.common !== undefined) {
    const { height, blockId } = view.common;
    terminal.line(`block ${blockId} at height ${height} is final on every node that answers`);
  }
  for (const problem of view.problems) terminal.line(terminal.style("red", problem));
  if (down > 0) terminal.line(`bring back what is down with: guts up ${stack}`);
}
