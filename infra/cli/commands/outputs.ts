import { type Command, shared } from "../command.ts";
import { requireStack } from "../project.ts";
import { runEngine } from "../run-engine.ts";
import { chooseSession } from "../session.ts";
import { ensureStack } from "../stack.ts";

export const outputs: Command = {
  name: "outputs",
  summary: "print the outputs of the stack: endpoints, genesis hash, the block the verdict saw",
  details: [],
  options: {
    json: shared.json,
    "show-secrets": { type: "boolean", help: "print secret outputs in plain text" },
    engine: shared.engine,
  },
  examples: [
    ["guts outputs local", "all outputs"],
    ["guts outputs local --json", "the same for machines"],
  ],
  async run(call) {
    const { project, stack, options } = call;
    requireStack(project, stack);
    const session = chooseSession(call);
    await ensureStack(project, session.backend, stack, session.environment);
    const { code } = await runEngine(session, [
      ...["stack", "output", "--cwd", project.root, "--stack", stack],
      ...(options.flag("json") ? ["--json"] : []),
      ...(options.flag("show-secrets") ? ["--show-secrets"] : []),
    ]);
    return code === 0 ? 0 : 1;
  },
};
