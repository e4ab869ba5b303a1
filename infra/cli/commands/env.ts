import { chooseBackend, engineVariables, toolDirectory } from "../backend.ts";
import type { Command } from "../command.ts";
import { requireStack } from "../project.ts";
import { ensureStack } from "../stack.ts";

export const env: Command = {
  name: "env",
  summary: "print the variables for using the pulumi command by hand",
  details: [
    "Prints lines that a shell can evaluate, and makes sure that the stack exists, so that pulumi",
    "and guts work on the same state, in either order.",
  ],
  options: {},
  examples: [
    ['eval "$(npm run -s guts -- env local)"', "set the variables in this shell"],
    ["pulumi up -s local", "then the same as: guts up local"],
  ],
  async run({ stack, project, terminal }) {
    requireStack(project, stack);
    const backend = chooseBackend(project, process.env);
    await ensureStack(project, backend, stack, process.env);
    const variables = engineVariables(project, backend, process.env);
    for (const [name, value] of Object.entries(variables))
      terminal.line(`export ${name}=${quote(value)}`);
    // The shell's own PATH, not that of npm, which may have started this command.
    terminal.line(`export PATH=${quote(toolDirectory(project))}:"$PATH"`);
    return 0;
  },
};

/** The value as one word of a POSIX shell. */
function quote(value: string): string {
  return /^[\w@%+=:,./-]+$/.test(value) ? value : `'${value.replaceAll("'", `'\\''`)}'`;
}
