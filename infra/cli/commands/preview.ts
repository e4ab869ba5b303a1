import { type Command, shared } from "../command.ts";
import { readPlan } from "../network.ts";
import { runEngine } from "../run-engine.ts";
import { chooseSession, openSession } from "../session.ts";
import { engineArguments } from "../run-engine.ts";

export const preview: Command = {
  name: "preview",
  summary: "show what up would change, and change nothing",
  details: [],
  options: { json: shared.json, engine: shared.engine },
  examples: [
    ["guts preview local", "what `guts up local` would do"],
    ["guts preview local --json", "the same for machines"],
  ],
  async run(call) {
    readPlan(call.project, call.stack, call.terminal.note);
    const session = chooseSession(call);
    await openSession(session, call.terminal.note);
    const { code } = await runEngine(session, [
      ...engineArguments("preview", session),
      ...(call.options.flag("json") ? ["--json"] : []),
    ]);
    return code === 0 ? 0 : 1;
  },
};
