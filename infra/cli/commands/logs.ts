import { type Call, type Command, UsageError } from "../command.ts";
import { followLogs, lastLines, type LogSource, type LogLine } from "../log-files.ts";
import { requireStack } from "../project.ts";
import { nodesOf, recordedResources } from "../recorded.ts";
import { chooseSession } from "../session.ts";
import { renderLogLine } from "../log-lines.ts";

const DEFAULT_LINES = 20;

export const logs: Command = {
  name: "logs",
  summary: "print what the nodes have logged",
  rest: "[node]",
  details: ["All nodes when none is named, in the order of time."],
  options: {
    lines: {
      type: "string",
      short: "n",
      value: "COUNT",
      help: `the last lines of each node (default: ${DEFAULT_LINES})`,
    },
    follow: { type: "boolean", short: "f", help: "go on with what is logged from now on" },
    json: { type: "boolean", help: "print the lines as the nodes wrote them" },
  },
  examples: [
    ["guts logs local", "the last lines of all nodes"],
    ["guts logs local local-validator-2 -n 100", "of one node"],
    ["guts logs local --follow", "until Ctrl-C"],
  ],
  async run(call) {
    const count = lineCount(call.options.text("lines"));
    const sources = await sourcesOf(call);
    const json = call.options.flag("json");
    const width = Math.max(...sources.map(({ name }) => name.length));
    const print = ({ source, text }: LogLine) =>
      call.terminal.line(
        json
          ? text
          : renderLogLine(text, sources.length > 1 ? source.padEnd(width) : "", call.terminal),
      );
    const { lines, offsets } = lastLines(sources, count);
    lines.forEach(print);
    if (call.options.flag("follow")) await followLogs(sources, offsets, print);
    return 0;
  },
};

async function sourcesOf(call: Call): Promise<LogSource[]> {
  const { project, stack, rest } = call;
  requireStack(project, stack);
  const nodes = nodesOf(project, await recordedResources(chooseSession(call)));
  const [name, ...more] = rest;
  if (more.length > 0)
    throw new UsageError(`got "${more[0]}" after the node, allowed: options only`);
  const chosen = nodes.filter(({ id }) => name === undefined || id === name);
  if (chosen.length === 0)
    throw new UsageError(
      nodes.length === 0
        ? `stack "${stack}" has no nodes; bring it up with: guts up ${stack}`
        : `unknown node "${name}", allowed: ${nodes.map(({ id }) => id).join(", ")}`,
    );
  return chosen.map(({ id, logFile }) => ({ name: id, file: logFile }));
}

function lineCount(text: string | undefined): number {
  if (text === undefined) return DEFAULT_LINES;
  const count = Number(text);
  if (!/^\d+$/.test(text) || !Number.isSafeInteger(count))
    throw new UsageError(`got "${text}" for --lines, allowed: an integer of 0 or more`);
  return count;
}
