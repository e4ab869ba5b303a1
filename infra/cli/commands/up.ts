import { join } from "node:path";
import { agreed } from "../agree.ts";
import { EventTimes } from "../event-times.ts";
import { type Call, type Command, type ExitCode, shared } from "../command.ts";
import { reportNetwork } from "../report.ts";
import { readPlan } from "../network.ts";
import { requirePorts } from "../preflight.ts";
import { nodesOf, recordedResources } from "../recorded.ts";
import { engineArguments, runEngine } from "../run-engine.ts";
import { chooseSession, openSession, type Session } from "../session.ts";
import { Stopwatch } from "../stopwatch.ts";

const options = { yes: shared.yes, json: shared.json, engine: shared.engine };

export const up: Command = {
  name: "up",
  summary: "bring the network up, or bring it to what the stack describes",
  details: [
    "Checks the description, then the ports, then makes what is missing: keys, genesis, release,",
    "nodes. Ends when the same finalized block was seen on every node, or says why not.",
    "A run that was interrupted is taken up again.",
  ],
  options,
  examples: [
    ["guts up", "preview, ask, bring up the stack `local`"],
    ["guts up local --yes", "without asking"],
    ["guts up local --yes --engine embedded", "with the engine of this checkout"],
  ],
  run: (call) => bringUp(call, call.options.flag("yes")),
};

export const start: Command = {
  ...up,
  name: "start",
  summary: "the same as up --yes",
  options: { json: shared.json, engine: shared.engine },
  examples: [
    ["npm start", "bring up the stack `local`"],
    ["guts start staging", "bring up another stack"],
  ],
  run: (call) => bringUp(call, true),
};

async function bringUp(call: Call, decided: boolean): Promise<ExitCode> {
  const { project, stack, terminal } = call;
  const watch = new Stopwatch(project.root);
  const plan = readPlan(project, stack, terminal.note);
  const session = chooseSession(call);
  announce(call, session);
  await openSession(session, terminal.note);
  await requirePorts(plan.nodes, nodesOf(project, await recordedResources(session)));
  if (!decided && !call.options.flag("yes")) {
    if (terminal.interactive) {
      const { code } = await runEngine(session, engineArguments("preview", session));
      if (code !== 0) return 1;
    }
    if (!(await agreed(call, "go ahead?"))) return 1;
  }
  watch.lap("preparation");
  const json = call.options.flag("json");
  const events = new EventTimes(join(project.home, `.events-${stack}.jsonl`));
  const { code } = await runEngine(
    session,
    // The outputs are in the report that follows, in a form for people.
    [...engineArguments("up", session), "--suppress-outputs"],
    { output: json ? "stderr" : "terminal", eventLog: events.file },
  ).finally(() => watch.lapWith("engine", events.stop()));
  if (code !== 0) {
    terminal.note(
      `stack "${stack}" is not up: see above; what was made is kept, and the next run goes on from there`,
    );
    terminal.note(
      `look closer with: guts status ${stack}, guts logs ${stack}, guts doctor ${stack}`,
    );
    return 1;
  }
  return reportNetwork(call, session, watch);
}

function announce({ terminal }: Call, { project, stack, backend, engine }: Session): void {
  terminal.note(`stack    ${stack}`);
  terminal.note(`engine   ${engine.name} (${engine.reason})`);
  terminal.note(`state    ${backend.directory ?? backend.url}`);
  terminal.note(`home     ${project.home}`);
}
