import { rm } from "node:fs/promises";
import { dirname } from "node:path";
import {
  encodeGenesis,
  type Genesis,
  genesisHash,
  genesisProblems,
  parseGenesisText,
} from "../../../node/formats/genesis.ts";
import { genesisContract, type GenesisInputs, type GenesisState } from "../contracts/genesis.ts";
import { type Change, changesBetween, valueAt } from "../differences.ts";
import { type InputProblem, ProviderError, storageError } from "../errors.ts";
import { inHome, makeDirectory, readText, writeAtomically } from "../files.ts";
import type { Context, Handler, Recorded } from "../handler.ts";
import { propertyOf } from "../values.ts";
import { hasUnknown } from "../wire.ts";

type Old = Recorded<GenesisInputs, GenesisState>;

export const genesisHandler: Handler<typeof genesisContract> = {
  contract: genesisContract,
  check: (inputs, old) => [...meaningProblems(inputs), ...refusedChanges(inputs, old)],
  diff,
  planCreate: async (inputs, context) => {
    if (!hasUnknown(inputs)) await refuseOtherChain(inputs, context);
    return planned(inputs);
  },
  create: async (inputs, context) => {
    await refuseOtherChain(inputs, context);
    const state = await write(inputs, context);
    return { id: state.hash, state };
  },
  read,
  planUpdate: async (old, inputs) => {
    refuse(refusedChanges({ ...inputs, reset: false }, old.inputs));
    return planned(inputs);
  },
  update: async (old, inputs, context) => {
    refuse(refusedChanges({ ...inputs, reset: false }, old.inputs));
    const state = await write(inputs, context);
    if (old.state.file !== inputs.file) await removeFile(old, context);
    return state;
  },
  delete: remove,
};

function genesisOf({
  file: _file,
  reset: _reset,
  forget: _forget,
  ...fields
}: GenesisInputs): Genesis {
  return { format: 1, ...fields };
}

function meaningProblems(inputs: GenesisInputs): InputProblem[] {
  if (hasUnknown(inputs)) return [];
  return genesisProblems(genesisOf(inputs)).map(({ path, reason }) => ({
    property: propertyOf(path),
    reason,
  }));
}

/** Leaves of the genesis that would change; what is not known yet may turn out to be the same. */
function changedFields(inputs: GenesisInputs, old: GenesisInputs): Change[] {
  const wanted = genesisOf(inputs);
  return changesBetween(genesisOf(old), wanted).filter(
    ({ path }) => !hasUnknown(valueAt(wanted, path)) || valueAt(old, path) === undefined,
  );
}

function refusedChanges(inputs: GenesisInputs, old: GenesisInputs | undefined): InputProblem[] {
  if (old === undefined || inputs.reset === true) return [];
  return changedFields(inputs, old).map(({ path }) => ({
    property: path,
    reason: `got ${show(valueAt(inputs, path))} where the genesis has ${show(valueAt(old, path))}: this makes a new chain, and the nodes of the old one would refuse it; put the old value back, or set reset: true in the network description to start a new chain on purpose`,
  }));
}

function show(value: unknown): string {
  return value === undefined ? "nothing" : JSON.stringify(value).slice(0, 120);
}

function refuse(problems: readonly InputProblem[]): void {
  if (problems.length > 0)
    throw new ProviderError(
      problems.map(({ property, reason }) => `${property}: ${reason}`).join("\n"),
    );
}

function diff(old: Old, inputs: GenesisInputs) {
  const changes: Change[] = [
    // Without leave to start a new chain it must not even be planned as a replacement.
    ...changedFields(inputs, old.inputs).map((change) => ({
      ...change,
      replace: inputs.reset === true,
    })),
    ...changesBetween(old.inputs.file, inputs.file, "file"),
    ...changesBetween(old.inputs.forget ?? false, inputs.forget ?? false, "forget"),
  ];
  if (!old.state.intact) changes.push({ path: "intact", kind: "update", input: false });
  return { changes };
}

function planned(inputs: GenesisInputs): Partial<GenesisState> {
  if (hasUnknown(inputs)) return {};
  const genesis = genesisOf(inputs);
  return { hash: genesisHash(genesis), content: encodeGenesis(genesis), intact: true };
}

async function write(inputs: GenesisInputs, { home }: Context): Promise<GenesisState> {
  const genesis = genesisOf(inputs);
  const content = encodeGenesis(genesis);
  const path = inHome(home, inputs.file);
  await makeDirectory(dirname(path));
  await writeAtomically(path, content);
  return { ...inputs, hash: genesisHash(genesis), content, intact: true };
}

async function read({ state }: Old, { home }: Context) {
  const intact = (await readText(inHome(home, state.file))) === state.content;
  return { state: { ...state, intact } };
}

/** The chain goes on when the network is started again, so its genesis stays with its data. */
async function remove(old: Old, context: Context): Promise<void> {
  const { file, forget, content } = old.state;
  // After a reset the file is already that of the new chain.
  const own = (await readText(inHome(context.home, file))) === content;
  if (forget && own) await removeFile(old, context);
  else context.progress(`kept ${file}`);
}

async function removeFile({ state }: Old, { home }: Context): Promise<void> {
  const path = inHome(home, state.file);
  await rm(path, { force: true }).catch((error: unknown) => {
    throw storageError("delete", path, error);
  });
}

/** The genesis of a network that was stopped is still the one its nodes have. */
async function refuseOtherChain(inputs: GenesisInputs, { home }: Context): Promise<void> {
  const path = inHome(home, inputs.file);
  const text = await readText(path);
  if (text === undefined || inputs.reset === true || text === encodeGenesis(genesisOf(inputs)))
    return;
  let found: Genesis;
  try {
    found = parseGenesisText(text);
  } catch {
    throw new ProviderError(`${path} is not a genesis file: move it away, or restore it`);
  }
  const { format: _format, ...fields } = found;
  refuse(refusedChanges(inputs, { ...fields, file: inputs.file }));
}
