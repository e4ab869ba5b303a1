import { describePlan } from "../../plan/describe.ts";
import { type Command, shared, UsageError } from "../command.ts";
import { readPlan } from "../network.ts";

export const plan: Command = {
  name: "plan",
  summary: "print the network a stack describes, before anything is made",
  details: [
    "The plan follows from the description alone: the same description gives the same plan, byte for",
    "byte, on every machine.",
  ],
  options: {
    mermaid: { type: "boolean", help: "print a picture in the Mermaid language" },
    json: shared.json,
  },
  examples: [
    ["guts plan local", "a table of nodes, and what else will be"],
    ["guts plan local --mermaid", "a picture, for https://mermaid.live or a Markdown file"],
    ["guts plan local --json", "everything, for machines"],
  ],
  run({ stack, options, project, terminal }) {
    if (options.flag("mermaid") && options.flag("json"))
      throw new UsageError("got both --mermaid and --json, allowed: one of them");
    const network = readPlan(project, stack);
    const text = options.flag("json")
      ? `${JSON.stringify(network, null, 2)}\n`
      : describePlan(network, options.flag("mermaid") ? "mermaid" : "table", {
          width: terminal.width,
          unicode: terminal.unicode,
        });
    terminal.line(text.trimEnd());
    return Promise.resolve(0);
  },
};
