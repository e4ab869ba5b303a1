import { mkdtempSync, rmSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { type Chain, type ChainOptions, openChain } from "../../../../node/chain/chain.ts";
import type { Clock } from "../../../../node/chain/clock.ts";
import {
  newBody,
  type Payload,
  signTransaction,
  type Transaction,
} from "../../../../node/chain/transaction.ts";
import type { BlockContext } from "../../../../node/consensus/ports.ts";
import { fromHex, sha256, toHex } from "../../../../node/formats/bytes.ts";
import { SigningKey } from "../../../../node/formats/ed25519.ts";
import { type Genesis, genesisHash, parseGenesis } from "../../../../node/formats/genesis.ts";
import { openStorage, type Storage } from "../../../../node/storage/open.ts";

/** A key that is the same in every run. */
export function keyOf(label: string): SigningKey {
  return new SigningKey(sha256(`test key ${label}`));
}

export const keys = {
  devnet: keyOf("devnet"),
  alice: keyOf("alice"),
  bob: keyOf("bob"),
  stranger: keyOf("stranger"),
};

export function testGenesis(changes: Partial<Genesis["consensus"]> = {}): Genesis {
  return parseGenesis({
    format: 1,
    chainId: "test-chain",
    purpose: "devnet",
    protocolVersion: 0,
    consensus: {
      blockIntervalMs: 50,
      leaderTimeoutMs: 1000,
      certificationTimeoutMs: 2000,
      nullifyRetryMs: 1000,
      maxBlockBytes: 1_048_576,
      maxBlockTransactions: 4096,
      ...changes,
    },
    validators: [
      { name: "validator-1", publicKey: toHex(keyOf("validator").publicKey), weight: 1 },
    ],
    accounts: [
      { name: "devnet", publicKeys: [toHex(keys.devnet.publicKey)], role: "devnet" },
      { name: "alice", publicKeys: [toHex(keys.alice.publicKey)], role: "user" },
      { name: "bob", publicKeys: [toHex(keys.bob.publicKey)], role: "user" },
    ],
  });
}

/** A clock that stands still until it is moved; who sleeps is woken when its time comes. */
export class ManualClock implements Clock {
  #now: number;
  readonly #sleepers = new Set<{ readonly until: number; readonly wake: () => void }>();

  constructor(now = 1_800_000_000_000) {
    this.#now = now;
  }

  now(): number {
    return this.#now;
  }

  get sleepers(): number {
    return this.#sleepers.size;
  }

  advance(ms: number): void {
    this.#now += ms;
    for (const sleeper of [...this.#sleepers])
      if (sleeper.until <= this.#now) {
        this.#sleepers.delete(sleeper);
        sleeper.wake();
      }
  }

  sleep(ms: number, signal: AbortSignal): Promise<void> {
    return new Promise((resolve, reject) => {
      const sleeper = { until: this.#now + ms, wake: resolve };
      this.#sleepers.add(sleeper);
      signal.addEventListener("abort", () => {
        this.#sleepers.delete(sleeper);
        reject(signal.reason as Error);
      });
    });
  }
}

/** A clock that jumps to the time for which somebody sleeps. */
export class JumpingClock implements Clock {
  #now = 1_800_000_000_000;

  now(): number {
    return this.#now;
  }

  sleep(ms: number): Promise<void> {
    this.#now += ms;
    return Promise.resolve();
  }
}

export function temporaryDirectory(): Disposable & { readonly path: string } {
  const path = mkdtempSync(join(tmpdir(), "guts-test-"));
  return { path, [Symbol.dispose]: () => rmSync(path, { recursive: true, force: true }) };
}

/** A chain on disk with what a test does with it. */
export class TestChain {
  readonly genesis: Genesis;
  readonly genesisHash: Uint8Array;
  readonly directory: string;
  storage: Storage;
  chain: Chain;
  readonly #options: Omit<ChainOptions, "genesis" | "store">;
  view = 0;

  constructor(
    directory: string,
    genesis: Genesis = testGenesis(),
    options: Omit<ChainOptions, "genesis" | "store"> = {},
  ) {
    this.directory = directory;
    this.genesis = genesis;
    this.genesisHash = fromHex(genesisHash(genesis), 32);
    this.#options = { clock: new JumpingClock(), ...options };
    ({ storage: this.storage, chain: this.chain } = this.#open());
  }

  #open() {
    const storage = openStorage(this.directory, {
      genesisHash: genesisHash(this.genesis),
      publicKey: toHex(keyOf("validator").publicKey),
    });
    try {
      const chain = openChain({ genesis: this.genesis, store: storage.chain, ...this.#options });
      return { storage, chain };
    } catch (error) {
      storage.close();
      throw error;
    }
  }

  /** Ends this one without its clean-up in the chain, and opens the directory anew. */
  reopen(): void {
    this.storage.close();
    ({ storage: this.storage, chain: this.chain } = this.#open());
  }

  /** The context of the next view on top of a block; of the finalized one by default. */
  context(parentDigest = this.chain.applied.digest): BlockContext {
    this.view += 1;
    const parentView = this.chain.header(parentDigest)?.view ?? 0;
    return { epoch: 0, view: this.view, leader: 0, parentView, parentDigest };
  }

  async propose(parentDigest?: Uint8Array) {
    const context = this.context(parentDigest);
    const proposal = await this.chain.propose(context, AbortSignal.timeout(30_000));
    if (proposal === undefined) throw new Error("the chain declined to propose");
    return { context, ...proposal };
  }

  async finalize({ digest, bytes }: { digest: Uint8Array; bytes: Uint8Array }): Promise<void> {
    const certificate = Uint8Array.of(1, 2, 3);
    await this.chain.finalize({ digest, bytes, certificate, certifies: digest });
  }

  /** Proposes, certifies and finalizes one block. */
  async advance() {
    const proposal = await this.propose();
    await this.chain.certify(proposal.context, proposal.digest);
    await this.finalize(proposal);
    return proposal;
  }

  sign(account: string, key: SigningKey, payload: Payload, lifetimeBlocks = 100): Transaction {
    const height = this.chain.tip().height;
    const body = newBody(account, key.publicKey, payload, { height, lifetimeBlocks });
    return signTransaction(body, key, this.genesisHash);
  }

  [Symbol.dispose](): void {
    this.storage.close();
  }
}

export function createRepository(owner: string, name: string): Payload {
  return {
    kind: "create-repository",
    owner,
    name,
    description: "a repository of a test",
    private: false,
    objectFormat: "sha1",
    defaultBranch: "main",
  };
}
