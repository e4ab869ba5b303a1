import { agreed } from "../agree.ts";
import { type Command, shared } from "../command.ts";
import { purge } from "../purge.ts";
import { requireStack } from "../project.ts";
import { recordedResources } from "../recorded.ts";
import { engineArguments, runEngine } from "../run-engine.ts";
import { chooseSession, openSession } from "../session.ts";
import { stopNodes } from "../stop-nodes.ts";

export const down: Command = {
  name: "down",
  summary: "stop the nodes and remove them from the state",
  details: [
    "Keys and data stay where they are, and the next up goes on with them: the same validators, the",
    "same chain. With --purge nothing stays, and the next up makes a new network.",
  ],
  options: {
    purge: { type: "boolean", help: "delete keys, data, state and what no other stack uses" },
    yes: { ...shared.yes, help: "do not ask first" },
    json: shared.json,
    engine: shared.engine,
  },
  examples: [
    ["guts down local", "ask, then take the network down and keep its keys and data"],
    ["guts down local --purge --yes", "leave nothing, without asking"],
  ],
  async run(call) {
    const { project, stack, options, terminal } = call;
    requireStack(project, stack);
    const session = chooseSession(call);
    const purging = options.flag("purge");
    const question = purging
      ? `delete the network of stack "${stack}" with its private keys and its chain for good?`
      : `take the network of stack "${stack}" down, and keep its keys and data?`;
    if (!(await agreed(call, question))) return 1;
    await openSession(session, terminal.note);
    if ((await recordedResources(session)).length > 0) {
      const json = options.flag("json") ? ["--json"] : [];
      const { code } = await runEngine(session, [
        ...engineArguments("destroy", session),
        "--suppress-outputs",
        ...json,
      ]);
      if (code !== 0) return 1;
    }
    // What a killed run has started and not recorded.
    await stopNodes(project, stack);
    if (purging) await purge(session);
    terminal.note(
      purging
        ? `nothing of stack "${stack}" is left but its description`
        : `stack "${stack}" is down; its keys and data stay in ${project.home}/${stack}`,
    );
    return 0;
  },
};
