import { setTimeout as delay } from "node:timers/promises";
import { verdictContract, type VerdictInputs, type VerdictState } from "../contracts/verdict.ts";
import { type Change, changesBetween } from "../differences.ts";
import { ProviderError } from "../errors.ts";
import type { Context, Handler, Recorded } from "../handler.ts";
import {
  describeFinding,
  type NetworkFinding,
  observeFinality,
  observeNetwork,
} from "../observe/network.ts";

type Old = Recorded<VerdictInputs, VerdictState>;

/** Looks of a refresh before it calls a network unwell: one answer may be late on a busy machine. */
const LOOKS = 3;
const BETWEEN_LOOKS_MS = 500;

export const verdictHandler: Handler<typeof verdictContract> = {
  contract: verdictContract,
  diff,
  planCreate: async () => ({}),
  create: async (inputs, context) => ({ id: "verdict", state: await observe(inputs, context) }),
  read,
  planUpdate: async () => ({}),
  update: (_old, inputs, context) => observe(inputs, context),
  delete: () => Promise.resolve(),
};

function diff({ inputs: old, state }: Old, inputs: VerdictInputs) {
  // A longer limit says nothing new about a network that has passed.
  const changes: Change[] = changesBetween(old, inputs).filter(
    ({ path }) => path !== "limitSeconds",
  );
  if (!state.healthy) changes.push({ path: "healthy", kind: "update", input: false });
  return { changes };
}

async function observe(inputs: VerdictInputs, context: Context): Promise<VerdictState> {
  const { nodes, genesisHash, limitSeconds } = inputs;
  const { finding, reached, durationMs } = await observeFinality(nodes, {
    genesisHash,
    signal: context.signal,
    limitMs: limitSeconds * 1000,
    onFinding: (seen) => context.progress(inProgress(seen)),
  });
  const { height, blockId } = finding;
  if (!reached || height === undefined || blockId === undefined)
    throw new ProviderError(
      [
        `the network did not finalize within ${limitSeconds} s`,
        ...describeFinding(finding).map((line) => `  ${line}`),
        ...(finding.healthy ? [`  the height did not move from ${height}`] : []),
      ].join("\n"),
    );
  const seen = finding.nodes.map((node) => ({
    name: node.name,
    height: node.height ?? 0,
    peers: node.peers ?? 0,
  }));
  return { ...inputs, height, blockId, seen, durationMs, healthy: true, findings: [] };
}

function inProgress(finding: NetworkFinding): string {
  const bad = finding.nodes.filter(({ problems }) => problems.length > 0);
  const [first] = bad;
  if (first === undefined) return `all at height ${finding.height}, waiting for the next block`;
  const good = finding.nodes.length - bad.length;
  return `${good} of ${finding.nodes.length} nodes good; ${first.name} ${first.problems[0]}`;
}

/** A well network shows what was recorded, not how far it has got: that is no change. */
async function read({ state }: Old, context: Context) {
  let finding: NetworkFinding | undefined;
  for (let look = 0; look < LOOKS && finding?.healthy !== true; look += 1) {
    if (look > 0) await delay(BETWEEN_LOOKS_MS, undefined, { signal: context.signal });
    finding = await observeNetwork(state.nodes, {
      genesisHash: state.genesisHash,
      signal: context.signal,
    });
  }
  const healthy = finding?.healthy === true;
  const findings = healthy || !finding ? [] : describeFinding(finding);
  return { state: { ...state, healthy, findings } };
}
