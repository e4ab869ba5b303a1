import { type Command, shared } from "../command.ts";
import { engineArguments, runEngine } from "../run-engine.ts";
import { requireStack } from "../project.ts";
import { chooseSession, openSession } from "../session.ts";
import { agreed } from "../agree.ts";

export const refresh: Command = {
  name: "refresh",
  summary: "compare the state with what really runs, and record what has changed",
  details: ["Changes the state only: nodes are neither started nor stopped."],
  options: { yes: shared.yes, json: shared.json, engine: shared.engine },
  examples: [["guts refresh local --yes", "look at every resource of the stack again"]],
  async run(call) {
    requireStack(call.project, call.stack);
    const session = chooseSession(call);
    if (!(await agreed(call, "look at every resource and record what has changed?"))) return 1;
    await openSession(session, call.terminal.note);
    const json = call.options.flag("json") ? ["--json"] : [];
    const { code } = await runEngine(session, [...engineArguments("refresh", session), ...json]);
    return code === 0 ? 0 : 1;
  },
};
