import { rename, rm, stat } from "node:fs/promises";
import { dirname, join } from "node:path";
import { isDeepStrictEqual } from "node:util";
import { parseAddress } from "../../../node/formats/configuration.ts";
import { sha256, toHex } from "../../../node/formats/bytes.ts";
import {
  localNodeContract,
  type LocalNodeInputs,
  type LocalNodeState,
} from "../contracts/local-node.ts";
import { type Change, changesBetween } from "../differences.ts";
import { type InputProblem, ProviderError, storageError } from "../errors.ts";
import { inHome, makeDirectory, readText, writeAtomically } from "../files.ts";
import type { Context, Handler, Recorded } from "../handler.ts";
import { launch, LOG_FILE } from "../local/launch.ts";
import { requireFreePorts } from "../local/ports.ts";
import { type ProcessIdentity, stopProcess } from "../local/processes.ts";
import {
  CONFIGURATION_FILE,
  findProcess,
  type NodeRecord,
  readRecord,
  writeRecord,
} from "../local/record.ts";
import { ensureRelease } from "../local/releases.ts";
import { finalizingStatus, RestartQueue, waitForFinality } from "../local/restarts.ts";
import { hasUnknown } from "../wire.ts";

type Inputs = LocalNodeInputs;
type Old = Recorded<Inputs, LocalNodeState>;

const restarts = new RestartQueue();

export const localNodeHandler: Handler<typeof localNodeContract> = {
  contract: localNodeContract,
  check,
  diff,
  planCreate: async (inputs) => endpoints(inputs),
  create: async (inputs, context) => {
    const state = await ensureRunning(inputs, context);
    return { id: inputs.directory, state };
  },
  read,
  planUpdate: async ({ state }, inputs) => ({
    ...endpoints(inputs),
    ...(needsRestart(state, inputs) ? {} : pick(state)),
  }),
  update: (_old, inputs, context) => ensureRunning(inputs, context),
  delete: remove,
};

function check(inputs: Inputs, old: Inputs | undefined): InputProblem[] {
  const problems: InputProblem[] = [];
  if (old !== undefined && old.directory !== inputs.directory)
    problems.push({
      property: "directory",
      reason: `got "${inputs.directory}" where the node lives in "${old.directory}": it cannot move; give the resource another name to make another node`,
    });
  for (const property of ["apiAddr", "internalAddr", "p2pAddr"] as const)
    if (!hasUnknown(inputs[property]) && parseAddress(inputs[property]) === undefined)
      problems.push({
        property,
        reason: `got "${inputs[property]}", allowed: host:port such as 127.0.0.1:8080`,
      });
  if (!inputs.files.some(({ path }) => path === CONFIGURATION_FILE))
    problems.push({ property: "files", reason: `got no file ${CONFIGURATION_FILE}` });
  return problems;
}

function diff({ inputs: old, state }: Old, inputs: Inputs) {
  const changes: Change[] = changesBetween(old, inputs).map((change) =>
    change.path === "directory" ? { ...change, replace: true } : change,
  );
  const drift = (path: keyof LocalNodeState) =>
    changes.push({ path, kind: "update", input: false });
  if (state.status !== "running") drift("status");
  if (state.runningRelease !== old.release) drift("runningRelease");
  if (state.filesHash !== hashOf(old.files)) drift("filesHash");
  return { changes, deleteBeforeReplace: true };
}

function needsRestart(state: LocalNodeState, inputs: Inputs): boolean {
  if (hasUnknown(inputs)) return true;
  const { status, runningRelease, filesHash, genesisHash } = state;
  return (
    status !== "running" ||
    runningRelease !== inputs.release ||
    genesisHash !== inputs.genesisHash ||
    filesHash !== hashOf(inputs.files)
  );
}

function pick({ pid, incarnation, status, runningRelease, filesHash }: LocalNodeState) {
  return { pid, incarnation, status, runningRelease, filesHash };
}

function endpoints(inputs: Inputs) {
  const { apiAddr, internalAddr, p2pAddr, directory } = inputs;
  const at = parseAddress(p2pAddr);
  return {
    apiUrl: `http://${apiAddr}`,
    internalUrl: `http://${internalAddr}`,
    p2pAddress: at && `/${at.host.includes(":") ? "ip6" : "ip4"}/${at.host}/tcp/${at.port}`,
    logFile: `${directory}/${LOG_FILE}`,
  };
}

/** One path for making, adopting, changing and reviving: look, and do what is missing. */
async function ensureRunning(inputs: Inputs, context: Context): Promise<LocalNodeState> {
  const directory = inHome(context.home, inputs.directory);
  const running = await findProcess(directory);
  const record = await readRecord(directory);
  if (running !== undefined && record !== undefined && (await fits(directory, record, inputs))) {
    if (!isDeepStrictEqual(record.process, running))
      await writeRecord(directory, { ...record, process: running });
    return stateOf(inputs, running);
  }
  context.progress("unpacking the release");
  const release = await ensureRelease(context.home, inputs.release);
  const sameChain = record?.genesisHash === inputs.genesisHash;
  const restart = () => replaceProcess({ inputs, context, directory, release, running, record });
  if (running === undefined || !sameChain) return stateOf(inputs, await restart());
  // A node that works is taken out only while the others can do without it.
  const identity = await restarts.run(dirname(directory), context.name, async () => {
    const apiUrl = `http://${inputs.apiAddr}`;
    const before = await finalizingStatus(apiUrl, context.signal);
    const restarted = await restart();
    if (before === undefined) return restarted;
    context.progress(`waiting for a block after height ${before.height}`);
    await waitForFinality(context.name, apiUrl, before, context.signal);
    context.progress(`runs as process ${restarted.pid} and finalizes`);
    return restarted;
  });
  return stateOf(inputs, identity);
}

async function fits(directory: string, record: NodeRecord, inputs: Inputs): Promise<boolean> {
  const wanted = hashOf(inputs.files);
  return (
    record.release === inputs.release &&
    record.genesisHash === inputs.genesisHash &&
    record.files === wanted &&
    (await hashOnDisk(directory, inputs)) === wanted
  );
}

interface Replacement {
  readonly inputs: Inputs;
  readonly context: Context;
  /** Absolute. */
  readonly directory: string;
  /** Absolute directory of the unpacked release. */
  readonly release: string;
  readonly running: ProcessIdentity | undefined;
  readonly record: NodeRecord | undefined;
}

async function replaceProcess(replacement: Replacement): Promise<ProcessIdentity> {
  const { inputs, context, directory, release, running, record } = replacement;
  if (running !== undefined) await stop(running, inputs.stopTimeoutSeconds, context);
  await requireFreePorts(portsOf(inputs, context.name));
  await makeDirectory(directory, 0o700);
  if (record !== undefined && record.genesisHash !== inputs.genesisHash)
    await moveAside(join(directory, inputs.dataDirectory), record.genesisHash, context);
  for (const { path, content, mode } of inputs.files) {
    const file = join(directory, path);
    if (dirname(file) !== directory) await makeDirectory(dirname(file));
    await writeAtomically(file, content, { mode: Number.parseInt(mode, 8) });
  }
  const started: NodeRecord = {
    format: 1,
    release: inputs.release,
    files: hashOf(inputs.files),
    genesisHash: inputs.genesisHash,
  };
  // Written before the start too: whoever finds the process later knows what it was started with.
  await writeRecord(directory, started);
  context.progress("starting");
  const identity = await launch({
    name: context.name,
    directory,
    release,
    healthUrl: `http://${inputs.internalAddr}/health/startup`,
    timeoutMs: inputs.startTimeoutSeconds * 1000,
    signal: context.signal,
    started: (process) => writeRecord(directory, { ...started, process }),
  });
  context.progress(`runs as process ${identity.pid}`);
  return identity;
}

async function stop(identity: ProcessIdentity, graceSeconds: number, context: Context) {
  context.progress(`stopping process ${identity.pid}`);
  const clean = await stopProcess(identity, graceSeconds * 1000);
  if (!clean)
    context.warn(`process ${identity.pid} did not stop within ${graceSeconds} s and was killed`);
}

async function moveAside(data: string, genesisHash: string, context: Context): Promise<void> {
  const kept = `${data}.${genesisHash.slice(0, 12)}`;
  try {
    await stat(data);
  } catch {
    return;
  }
  if (await stat(kept).catch(() => undefined))
    throw new ProviderError(`${kept} exists already: move it away, then run the command again`);
  await rename(data, kept).catch((error: unknown) => {
    throw storageError("move aside", data, error);
  });
  context.info(`the data of the old chain is kept in ${kept}`);
}

function portsOf({ apiAddr, internalAddr, p2pAddr }: Inputs, name: string) {
  const wanted = [
    [apiAddr, "API", "tcp"],
    [internalAddr, "metrics and health", "tcp"],
    [p2pAddr, "peers", "tcp"],
    [p2pAddr, "peers", "udp"],
  ] as const;
  return wanted.flatMap(([address, use, protocol]) => {
    const at = parseAddress(address);
    return at ? [{ ...at, use: `${use} of ${name}`, protocol }] : [];
  });
}

function hashOf(files: Inputs["files"]): string {
  const entries = files.map(({ path, content }) => [path, content]);
  return toHex(sha256(JSON.stringify(entries)));
}

async function hashOnDisk(directory: string, { files }: Pick<Inputs, "files">): Promise<string> {
  const found = await Promise.all(
    files.map(async (file) => ({
      ...file,
      content: (await readText(join(directory, file.path))) ?? "",
    })),
  );
  return hashOf(found);
}

function stateOf(inputs: Inputs, identity: ProcessIdentity): LocalNodeState {
  return {
    ...inputs,
    ...endpoints(inputs),
    p2pAddress: endpoints(inputs).p2pAddress ?? "",
    ...processState(identity),
    status: "running",
    runningRelease: inputs.release,
    filesHash: hashOf(inputs.files),
  };
}

function processState({ pid, startedAt }: ProcessIdentity) {
  return { pid, incarnation: `${pid}-${startedAt}` };
}

async function read({ state }: Old, { home }: Context) {
  const directory = inHome(home, state.directory);
  const running = await findProcess(directory);
  const record = await readRecord(directory);
  return {
    state: {
      ...state,
      ...(running && processState(running)),
      status: running === undefined ? ("stopped" as const) : ("running" as const),
      runningRelease: record?.release ?? state.runningRelease,
      filesHash: await hashOnDisk(directory, state),
    },
  };
}

async function remove({ state }: Old, context: Context): Promise<void> {
  const directory = inHome(context.home, state.directory);
  const running = await findProcess(directory);
  if (running !== undefined) await stop(running, state.stopTimeoutSeconds, context);
  if (state.purge) {
    await rm(directory, { recursive: true, force: true }).catch((error: unknown) => {
      throw storageError("delete", directory, error);
    });
    return;
  }
  // The rest of the record stays with the data: it says which chain that is of.
  const record = await readRecord(directory);
  if (record !== undefined) await writeRecord(directory, { ...record, process: undefined });
}
