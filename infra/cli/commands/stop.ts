import type { Command } from "../command.ts";
import { clearStaleLocks } from "../locks.ts";
import { requireStack } from "../project.ts";
import { chooseSession } from "../session.ts";
import { stopNodes } from "../stop-nodes.ts";

export const stop: Command = {
  name: "stop",
  summary: "stop the nodes; keys, data and state stay, and start goes on with the same chain",
  details: [
    "Ends the processes and nothing else, so it works without an engine and without a network.",
    "The state goes on to say that the nodes should run: the next up or start brings them back.",
  ],
  options: {},
  examples: [
    ["npm stop", "stop the nodes of the stack `local`"],
    ["guts stop staging", "of another stack on this machine"],
  ],
  async run(call) {
    const { project, stack, terminal } = call;
    requireStack(project, stack);
    const { backend } = chooseSession(call);
    await clearStaleLocks(project, backend, stack, terminal.note);
    const { stopped, killed } = await stopNodes(project, stack);
    for (const id of killed) terminal.note(`${id} did not stop in time and was killed`);
    terminal.line(
      stopped.length === 0
        ? `no node of stack "${stack}" was running`
        : `stopped ${stopped.length} nodes of stack "${stack}"; keys and data are kept, go on with: guts start ${stack}`,
    );
    return 0;
  },
};
