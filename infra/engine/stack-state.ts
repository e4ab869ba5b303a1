/** Reading a stack without running anything: outputs and resources of its checkpoint. */
import { decodeSnapshot, holdsSecrets, parseCheckpoint, saltOf } from "./backend/checkpoint.ts";
import { ORGANIZATION, type StackFiles, type StackName } from "./backend/stack-files.ts";
import { EngineError } from "./errors.ts";
import { openCrypter } from "./secrets.ts";
import { ROOT_STACK_TYPE } from "./urn.ts";
import type { ResourceState } from "./steps/state.ts";
import { encodeStored, type Json } from "./values/stored.ts";
import { containsSecret, EMPTY, mapValues, unwrap, type ValueMap } from "./values/value.ts";

export interface StackState {
  readonly resources: readonly ResourceState[];
  /** Outputs of the root stack. */
  readonly outputs: ValueMap;
  /** Operations that a killed run may have left unfinished. */
  readonly pendingOperations: readonly { readonly urn: string; readonly type: string }[];
}

/**
 * Reads the checkpoint of a stack.
 *
 * @param passphrase opens the secrets; undefined leaves them as secrets that hold null
 * @returns undefined when there is no such stack
 * @throws EngineError when the file is damaged or the passphrase is wrong
 */
export async function readStackState(
  files: StackFiles,
  name: StackName,
  passphrase?: string,
): Promise<StackState | undefined> {
  const text = files.read(name);
  if (text === undefined) return undefined;
  const file = parseCheckpoint(text, files.stackFile(name)),
    salt = saltOf(file);
  const crypter =
    passphrase !== undefined && salt && holdsSecrets(text)
      ? await openCrypter(passphrase, salt)
      : undefined;
  const { resources, pendingOperations } = decodeSnapshot(file, crypter);
  const outputs = resources.find((r) => r.type === ROOT_STACK_TYPE && !r.delete)?.outputs ?? EMPTY;
  return {
    resources,
    outputs,
    pendingOperations: pendingOperations.map(({ resource, type }) => ({ urn: resource.urn, type })),
  };
}

/** Outputs as plain JSON: secrets as they are when `showSecrets`, as `[secret]` otherwise. */
export function plainOutputs(outputs: ValueMap, showSecrets: boolean): Record<string, Json> {
  return encodeStored(
    mapValues(outputs, (value) =>
      showSecrets ? unwrap(value) : containsSecret(value) ? "[secret]" : value,
    ),
    "hidden",
  ) as Record<string, Json>;
}

/** The outputs a stack reference sees. Names are `<organization>/<project>/<stack>`. */
export async function stackOutputs(
  files: StackFiles,
  reference: string,
  passphrase: string,
): Promise<ValueMap | undefined> {
  const [organization, project, stack, ...rest] = reference.split("/");
  if (!organization || !project || !stack || rest.length || organization !== ORGANIZATION)
    throw new EngineError(
      `got the stack reference ${JSON.stringify(reference)}, expected ${ORGANIZATION}/<project>/<stack>`,
    );
  return (await readStackState(files, { project, stack }, passphrase))?.outputs;
}
