import type { Call, ExitCode } from "./command.ts";
import { lookAtNetwork } from "./look.ts";
import { genesisHashOf, nodesOf, recordedResources } from "./recorded.ts";
import { networkJson, nodeTable } from "./render.ts";
import type { Session } from "./session.ts";
import type { Stopwatch } from "./stopwatch.ts";

/** The end of a successful `up`: what there is now, how long it took and what to try next. */
export async function reportNetwork(
  { terminal, options }: Call,
  session: Session,
  watch: Stopwatch,
): Promise<ExitCode> {
  const { project, stack, engine } = session;
  const resources = await recordedResources(session);
  const genesisHash = genesisHashOf(resources);
  const view = await lookAtNetwork(nodesOf(project, resources), genesisHash);
  watch.lap("report");
  const healthy = view.problems.length === 0;
  if (options.flag("json")) {
    const laps = Object.fromEntries(watch.laps.map(({ name, ms }) => [name, Math.round(ms)]));
    const network = networkJson(stack, genesisHash, view);
    const result = { ...network, engine: engine.name, elapsedMs: Math.round(watch.totalMs), laps };
    terminal.line(JSON.stringify(result, null, 2));
    return healthy ? 0 : 1;
  }
  terminal.line();
  nodeTable(view, terminal).forEach(terminal.line);
  terminal.line();
  terminal.line(`genesis    ${genesisHash ?? "none"}`);
  if (view.common !== undefined)
    terminal.line(
      `finalized  ${view.common.blockId} at height ${view.common.height}, on all nodes`,
    );
  const parts = watch.laps.map(({ name, ms }) => `${name} ${seconds(ms)}`);
  terminal.line(`elapsed    ${seconds(watch.totalMs)} (${parts.join(", ")})`);
  for (const problem of view.problems) terminal.line(terminal.style("red", problem));
  terminal.line();
  const apiUrl = view.nodes[0]?.node.apiUrl ?? "";
  const next: readonly (readonly [command: string, meaning: string])[] = [
    [`curl ${apiUrl}/api/consensus/status`, "what one node knows"],
    [`npm run guts -- logs ${stack} --follow`, "what the nodes say"],
    [`npm run guts -- down ${stack}`, "end it, and keep keys and data"],
  ];
  const width = Math.max(...next.map(([command]) => command.length));
  terminal.line("next:");
  for (const [command, meaning] of next)
    terminal.line(`  ${command.padEnd(width)}  ${terminal.style("dim", meaning)}`);
  return healthy ? 0 : 1;
}

function seconds(ms: number): string {
  return `${(ms / 1000).toFixed(1)} s`;
}
