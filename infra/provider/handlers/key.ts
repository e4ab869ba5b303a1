import { toHex } from "../../../node/formats/bytes.ts";
import { peerIdOf } from "../../../node/formats/keys.ts";
import {
  accountKeyContract,
  FILE_VAULT,
  type KeyInputs,
  type KeyState,
  validatorKeyContract,
} from "../contracts/key.ts";
import { type Change, changesBetween } from "../differences.ts";
import { type InputProblem, ProviderError } from "../errors.ts";
import { inHome } from "../files.ts";
import type { Context, Handler, Recorded } from "../handler.ts";
import { UNKNOWN } from "../wire.ts";
import { FileVault, lostKey } from "./file-vault.ts";

type Old = Recorded<KeyInputs, KeyState>;

export const validatorKeyHandler = keyHandler(validatorKeyContract);
export const accountKeyHandler = keyHandler(accountKeyContract);

/** Properties that make a key what it is. */
const identity = ["network", "keyId", "vault"] as const;

function keyHandler(contract: typeof validatorKeyContract): Handler<typeof validatorKeyContract> {
  return {
    contract,
    check: (inputs, old) => refusedChanges(inputs, old),
    diff: (old, inputs) => ({ changes: changes(old, inputs) }),
    planCreate: async ({ vault, keyId }) => ({
      reference: [vault, keyId].includes(UNKNOWN) ? UNKNOWN : `${vault}/${keyId}.key`,
      status: "present",
    }),
    create,
    read,
    planUpdate: async (old, inputs, context) => {
      refuseUpdate(old, inputs, context);
      return { ...old.state, ...inputs };
    },
    update: async (old, inputs, context) => {
      refuseUpdate(old, inputs, context);
      return outputs(inputs, Buffer.from(old.state.publicKey, "hex"));
    },
    delete: remove,
  };
}

function refusedChanges(inputs: KeyInputs, old: KeyInputs | undefined): InputProblem[] {
  return identity
    .filter((key) => old !== undefined && inputs[key] !== UNKNOWN && old[key] !== inputs[key])
    .map((property) => ({
      property,
      reason: `got "${inputs[property]}" where the key was made with "${old?.[property]}": it cannot change, a key made anew would be another validator; give the resource another name to make one`,
    }));
}

/** Also asked by refresh, where a thrown error would stop even a destroy: so a lost key is a change. */
function changes({ inputs: old, state }: Old, inputs: KeyInputs): Change[] {
  const found: Change[] = changesBetween(old.forget ?? false, inputs.forget ?? false, "forget");
  for (const { property } of refusedChanges(inputs, old))
    found.push({ path: property, kind: "update" });
  if (state.status !== "present") found.push({ path: "status", kind: "update", input: false });
  return found;
}

/** Nothing here can bring a lost key back; the run stops before a node starts without it. */
function refuseUpdate({ inputs: old, state }: Old, inputs: KeyInputs, { home }: Context): void {
  const [refused] = refusedChanges(inputs, old);
  if (refused) throw new ProviderError(`${refused.property}: ${refused.reason}`);
  const path = vaultAt(home, state.vault).pathOf(state.keyId);
  if (state.status === "missing") throw new ProviderError(lostKey(path, state.publicKey));
  if (state.status === "changed")
    throw new ProviderError(
      `${path} holds another key than ${state.publicKey}, which was made there: put the right file back; with the other key this node would be another validator`,
    );
}

async function create(inputs: KeyInputs, context: Context) {
  const { publicKey, made } = await vaultAt(context.home, inputs.vault).ensure(
    inputs.keyId,
    inputs.network,
  );
  if (!made) context.progress(`adopted the key that ${inputs.vault} holds already`);
  const state = outputs(inputs, publicKey);
  return { id: state.reference, state };
}

async function read({ state }: Old, { home }: Context) {
  const found = await vaultAt(home, state.vault).find(state.keyId);
  const same = found.status === "present" && toHex(found.publicKey) === state.publicKey;
  const status = same ? "present" : found.status === "missing" ? "missing" : "changed";
  return { state: { ...state, status } satisfies KeyState };
}

async function remove({ state }: Old, context: Context): Promise<void> {
  const vault = vaultAt(context.home, state.vault);
  if (state.forget) await vault.forget(state.keyId);
  else context.progress(`kept the private key in ${state.reference}`);
}

function outputs(inputs: KeyInputs, publicKey: Uint8Array): KeyState {
  return {
    ...inputs,
    publicKey: toHex(publicKey),
    peerId: peerIdOf(publicKey),
    reference: `${inputs.vault}/${inputs.keyId}.key`,
    status: "present",
  };
}

function vaultAt(home: string, vault: string): FileVault {
  return new FileVault(inHome(home, vault.slice(FILE_VAULT.length)));
}
