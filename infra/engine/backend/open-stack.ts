/** The state of one stack during an operation: read, and written again, with its secrets opened and sealed. */
import { EngineError } from "../errors.ts";
import { openCrypter, type Crypter } from "../secrets.ts";
import type { ResourceState } from "../steps/state.ts";
import {
  decodeSnapshot,
  encodeCheckpoint,
  holdsSecrets,
  parseCheckpoint,
  saltOf,
  type CheckpointFile,
  type PendingOperation,
  type Snapshot,
} from "./checkpoint.ts";
import { verifyIntegrity } from "./integrity.ts";
import { ORGANIZATION, type StackFiles, type StackName } from "./stack-files.ts";

export class OpenStack {
  readonly #files: StackFiles;
  readonly #name: StackName;
  readonly #passphrase: string;
  readonly #settingsCrypter: Promise<Crypter>;
  /** Of the state, once it is read. */
  #crypter: Crypter | undefined;

  /**
   * Begins to derive the key, which takes a third of a second; whoever needs it waits for it.
   *
   * @param salt of the settings; the state's own is used where the settings have none
   */
  constructor(files: StackFiles, name: StackName, passphrase: string, salt: string | undefined) {
    this.#files = files;
    this.#name = name;
    this.#passphrase = passphrase;
    const known = salt ?? saltOf(this.#read().file);
    if (!known)
      throw new EngineError(
        `the stack ${name.stack} has no encryptionsalt, neither in its settings nor in its state: make it with \`stack init\``,
      );
    this.#settingsCrypter = openCrypter(passphrase, known);
    this.#settingsCrypter.catch(() => undefined);
  }

  /** Opens the secrets of the settings. @throws EngineError when the passphrase is wrong */
  crypter(): Promise<Crypter> {
    return this.#settingsCrypter;
  }

  /** The state, with the passphrase proved and the integrity rules checked. */
  async snapshot(): Promise<Snapshot> {
    const { file, text } = this.#read(),
      salt = saltOf(file),
      settings = await this.#settingsCrypter;
    // The state may have another salt than the settings.
    this.#crypter =
      !salt || salt === settings.salt ? settings : await openCrypter(this.#passphrase, salt);
    const snapshot = decodeSnapshot(file, holdsSecrets(text) ? this.#crypter : undefined);
    verifyIntegrity(snapshot.resources, `in ${this.#files.stackFile(this.#name)}`);
    return snapshot;
  }

  save(resources: readonly ResourceState[], pendingOperations: readonly PendingOperation[]): void {
    if (!this.#crypter) throw new Error("the state is written before it is read");
    const { project, stack } = this.#name;
    this.#files.write(
      this.#name,
      encodeCheckpoint({
        stack: `${ORGANIZATION}/${project}/${stack}`,
        resources,
        pendingOperations,
        crypter: this.#crypter,
      }),
    );
  }

  #read(): { file: CheckpointFile; text: string } {
    const text = this.#files.read(this.#name);
    if (text === undefined)
      throw new EngineError(
        `no stack named '${this.#name.stack}' found: make it with \`stack init\`, or with \`up --create\``,
      );
    return { file: parseCheckpoint(text, this.#files.stackFile(this.#name)), text };
  }
}
