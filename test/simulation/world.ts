import { Engine } from "../../node/consensus/engine.ts";
import { decodeCertificate, decodeVote } from "../../node/consensus/messages.ts";
import type { ConsensusChannel } from "../../node/consensus/ports.ts";
import type { SignatureScheme, Signer } from "../../node/consensus/scheme.ts";
import type { ConsensusObserver } from "../../node/consensus/status.ts";
import type { Timing } from "../../node/consensus/timers.ts";
import { SigningKey } from "../../node/formats/ed25519.ts";
import { type Genesis, genesisHash } from "../../node/formats/genesis.ts";
import { ed25519Scheme, ValidatorSet } from "../../node/consensus/validators.ts";
import { fromHex, sha256, toHex } from "../../node/formats/bytes.ts";
import { Adversary, type Behaviour } from "./adversary.ts";
import { SimulatedApplication } from "./application.ts";
import { type ArmedCrash, CrashSignal, Disk, SimulatedJournal } from "./disk.ts";
import { type Endpoint, SimulatedNetwork } from "./network.ts";
import { hold, InvariantError, Oracle, Watch } from "./oracle.ts";
import { Random } from "./random.ts";
import { fakeScheme, fakeSigner } from "./scheme.ts";
import { Scheduler } from "./scheduler.ts";

export interface WorldOptions {
  readonly seed: number;
  readonly validators: number;
  /** Nodes that only follow, behind the validators. */
  readonly followers?: number;
  readonly byzantine?: { readonly index: number; readonly behaviour: Behaviour };
  /** Whether a node that others block is really cut off from them. */
  readonly bansWork?: boolean;
  readonly timing?: Partial<Timing>;
  /** Real Ed25519 instead of the cheap scheme. */
  readonly realSignatures?: boolean;
  /** Application delays of a call, in milliseconds; @default 1 to 3, and 20 to propose */
  readonly delay?: (node: number, call: "propose" | "verify" | "certify" | "finalize") => number;
}

const baseTiming: Timing = {
  leaderMs: 100,
  certificationMs: 200,
  nullifyRetryMs: 100,
  inactiveMs: 600,
  retentionViews: 16,
  forwardMs: 25,
};

/** One simulated node: what lives on its disk, and its present incarnation, if it is up. */
export interface SimulatedNode {
  readonly index: number;
  readonly key: string;
  readonly disk: Disk;
  readonly honest: boolean;
  run: Incarnation | undefined;
  /** Crash after this many more messages. */
  crashAfterSends: number | undefined;
}

interface Incarnation {
  readonly engine: Engine;
  readonly endpoint: Endpoint;
  readonly journal: SimulatedJournal;
  readonly application: SimulatedApplication;
  readonly watch: Watch;
}

interface Identity {
  readonly publicKey: string;
  readonly sign: Signer;
}

/** Everything that one schedule simulates: nodes, network, disks, time, and the watcher of promises. */
export class World {
  readonly options: WorldOptions;
  readonly random: Random;
  readonly scheduler = new Scheduler();
  readonly network: SimulatedNetwork;
  readonly oracle: Oracle;
  readonly nodes: SimulatedNode[] = [];
  readonly evidence: { kind: string; signer: string }[] = [];
  readonly blocked: { by: string; peer: string; reason: string }[] = [];
  /** Hash chain over all deliveries and crashes: equal for equal seeds. */
  trace = "";
  readonly timing: Timing;
  readonly #identities: readonly Identity[];
  readonly #genesis: Genesis;
  readonly #genesisHash: Uint8Array;
  readonly #scheme: SignatureScheme;
  #failure: unknown;
  #tracing = false;

  constructor(options: WorldOptions) {
    this.options = options;
    this.random = new Random(options.seed);
    this.timing = { ...baseTiming, ...options.timing };
    this.network = new SimulatedNetwork(this.scheduler, this.random);
    this.#identities = identitiesOf(options);
    this.#genesis = genesisOf(this.#identities.slice(0, options.validators));
    this.#genesisHash = fromHex(genesisHash(this.#genesis), 32);
    const keys = this.#genesis.validators.map(({ publicKey }) => publicKey);
    this.#scheme = options.realSignatures
      ? ed25519Scheme(new ValidatorSet(keys, this.#genesisHash))
      : fakeScheme;
    this.oracle = new Oracle({
      validators: options.validators,
      genesisHash: this.#genesisHash,
      scheme: this.#scheme,
      retention: this.timing.retentionViews,
    });
    for (const [index, { publicKey }] of this.#identities.entries()) {
      const honest = options.byzantine?.index !== index;
      const disk = new Disk();
      this.nodes.push({
        index,
        key: publicKey,
        disk,
        honest,
        run: undefined,
        crashAfterSends: undefined,
      });
    }
  }

  get honest(): SimulatedNode[] {
    return this.nodes.filter(({ honest }) => honest);
  }

  /** Records a hash chain over everything that happens. */
  startTrace(): void {
    this.#tracing = true;
    this.network.onDelivery = (from, to, channel, message) =>
      this.#note(`${from} ${to} ${channel} ${toHex(message)}`);
  }

  startAll(): void {
    for (const node of this.nodes) this.start(node);
  }

  start(node: SimulatedNode): void {
    if (node.run !== undefined) return;
    this.#note(`start ${node.index}`);
    this.#launch(node);
    if (!node.honest && this.options.byzantine?.behaviour === "twins") this.#launchTwin(node);
  }

  /** A crash between two events: memory is gone, the disk stays. */
  crash(node: SimulatedNode): void {
    const { run } = node;
    if (run === undefined) return;
    this.#note(`crash ${node.index}`);
    node.run = undefined;
    node.crashAfterSends = undefined;
    run.journal.dead = true;
    this.network.detach(run.endpoint);
    void run.engine.stop();
  }

  /** The node dies at its next commit, before or after it. */
  arm(node: SimulatedNode, when: ArmedCrash): void {
    if (node.run !== undefined) node.run.journal.armed = when;
  }

  greetAll(): void {
    this.network.greetAll();
  }

  /** @throws the first broken promise */
  async run(untilMs: number, done: () => boolean = () => false): Promise<void> {
    const stop = () => this.#failure !== undefined || done();
    await this.scheduler.run(untilMs, () => this.#check(), stop);
    if (this.#failure !== undefined) throw this.#failure;
  }

  /** Lowest delivered height among honest nodes that are up. */
  lowestHeight(): number {
    return Math.min(...this.honest.map(({ disk }) => disk.finalized.length));
  }

  highestHeight(): number {
    return Math.max(...this.honest.map(({ disk }) => disk.finalized.length));
  }

  #note(text: string): void {
    if (this.#tracing) this.trace = toHex(sha256(`${this.trace} ${this.scheduler.now} ${text}`));
  }

  #fail(error: unknown): void {
    this.#failure ??= error;
  }

  #check(): void {
    for (const { run, honest } of this.nodes) {
      if (run === undefined || !honest) continue;
      const { view, lastFinalizedView, deliveredHeight } = run.engine.position;
      const { trackedViews } = run.engine;
      const found = { view, lastFinalizedView, deliveredHeight, trackedViews };
      try {
        run.watch.check(found, this.timing.retentionViews);
      } catch (error) {
        this.#fail(error);
      }
    }
  }

  #launch(node: SimulatedNode, twin?: { disk: Disk; hears: (peer: string) => boolean }): void {
    const disk = twin?.disk ?? node.disk;
    const journal = new SimulatedJournal(disk, {
      appended: (records) => this.#guarded(() => node.honest && this.oracle.appended(records)),
    });
    const identity = this.#identities[node.index]!;
    const adversary = node.honest ? undefined : this.#adversary(node.index, identity);
    const alive = () => !journal.dead;
    const application = this.#application(node, disk, alive, adversary);
    const transport = this.network.transport(node.key, {
      alive,
      ...(adversary && {
        intercept: (to, channel, message) =>
          twin?.hears(to) === false ? [] : adversary.intercept(to, channel, message),
      }),
      sending: (channel, message) => this.#sending(node, channel, message),
      blocked: (peer, reason) => this.#blocked(node, peer, reason),
    });
    const observer: ConsensusObserver = {};
    const engine: Engine = new Engine({
      genesis: this.#genesis,
      application,
      transport,
      journal,
      evidence: { record: ({ kind, signer }) => this.#evidence(node, kind, signer) },
      observer,
      onFatal: (error) => this.#fatal(node, journal, error),
      environment: {
        clock: this.scheduler.clock(this.random.integer(0, 100_000)),
        scheme: this.#scheme,
        identity,
        timing: this.timing,
      },
    });
    const endpoint: Endpoint = {
      key: node.key,
      receive: (channel, from, message) => {
        if (alive()) this.#guarded(() => engine.receive(channel, from, message));
      },
      answer: (from, message) => engine.answer(from, message),
      connected: (peer) => {
        if (!alive()) return;
        try {
          engine.peerConnected(peer);
        } catch (error) {
          this.#fatal(node, journal, error as Error);
        }
      },
    };
    const run = { engine, endpoint, journal, application, watch: new Watch() };
    if (twin === undefined) node.run = run;
    this.network.attach(endpoint);
    void engine.start(new AbortController().signal);
  }

  /** A second engine with the same key and a disk of its own, heard by the other half. */
  #launchTwin(node: SimulatedNode): void {
    const disk = new Disk();
    this.#launch(node, { disk, hears: (peer) => sha256(peer)[1]! % 2 === 0 });
  }

  #adversary(index: number, { sign }: Identity): Adversary {
    return new Adversary({
      behaviour: this.options.byzantine!.behaviour,
      random: this.random,
      index,
      sign,
      genesisHash: this.#genesisHash,
      validators: this.options.validators,
    });
  }

  #application(
    node: SimulatedNode,
    disk: Disk,
    alive: () => boolean,
    adversary: Adversary | undefined,
  ): SimulatedApplication {
    const { random } = this;
    const usual = (call: string) =>
      call === "propose" ? random.between(10, 30) : random.between(0.5, 3);
    const application: SimulatedApplication = new SimulatedApplication({
      disk,
      salt: random.integer(0, 500_000),
      wait: (milliseconds) =>
        new Promise((resolve) => {
          this.scheduler.after(milliseconds, () => {
            if (alive()) resolve();
          });
        }),
      delay: (call) => this.options.delay?.(node.index, call) ?? usual(call),
      shape: (block) => adversary?.shape(block) ?? block,
      verified: (context, digest) => this.oracle.verified(node.index, context, digest),
      certified: (view, digest) => this.oracle.certified(node.index, view, digest),
      applied: (block, header) =>
        this.#guarded(
          () => node.honest && this.oracle.applied(disk.finalized.length + 1, block, header),
        ),
    });
    return application;
  }

  /** A broken promise ends the schedule, wherever the code that noticed it was called from. */
  #guarded(check: () => unknown): void {
    try {
      check();
    } catch (error) {
      this.#fail(error);
    }
  }

  #sending(node: SimulatedNode, channel: ConsensusChannel, message: Uint8Array): void {
    const { run } = node;
    if (!node.honest || run === undefined) return;
    if (channel === "votes")
      this.#guarded(() =>
        this.oracle.voted(node.index, decodeVote(message), node.disk, {
          // A step may decide a vote and leave the view; it is judged by where the step began.
          from: run.watch.view,
          to: run.engine.position.view,
        }),
      );
    if (channel === "certificates")
      this.#guarded(() => this.oracle.gained(decodeCertificate(message, this.options.validators)));
    if (node.crashAfterSends === undefined || channel === "blocks") return;
    if (node.crashAfterSends-- <= 0) throw new CrashSignal("between two messages");
  }

  #blocked(node: SimulatedNode, peer: string, reason: string): void {
    if (!node.honest) return;
    this.blocked.push({ by: node.key, peer, reason });
    const culprit = this.nodes.find(({ key }) => key === peer);
    this.#guarded(() =>
      hold(
        culprit?.honest !== true,
        "S13",
        () => `${node.index} blocks honest ${culprit?.index}: ${reason}`,
      ),
    );
    if (this.options.bansWork) this.network.ban(node.key, peer);
  }

  #evidence(node: SimulatedNode, kind: string, signer: string): void {
    if (!node.honest) return;
    this.evidence.push({ kind, signer });
    const culprit = this.nodes.find(({ key }) => key === signer);
    this.#guarded(() =>
      hold(culprit?.honest !== true, "S13", () => `${kind} against honest ${culprit?.index}`),
    );
  }

  #fatal(node: SimulatedNode, journal: SimulatedJournal, error: Error): void {
    if (journal.dead) return;
    if (error instanceof CrashSignal) this.crash(node);
    else if (node.honest)
      this.#fail(
        error instanceof InvariantError ? error : new Error("a node ended", { cause: error }),
      );
  }
}

const identityCache = new Map<string, readonly Identity[]>();

function identitiesOf({ validators, followers = 0, realSignatures }: WorldOptions) {
  const name = `${validators} ${followers} ${realSignatures ?? false}`;
  const known = identityCache.get(name);
  if (known !== undefined) return known;
  const made = makeIdentities(validators, followers, realSignatures ?? false);
  identityCache.set(name, made);
  return made;
}

/** Sorted by public key, so that positions are indices; followers behind them. */
function makeIdentities(validators: number, followers: number, real: boolean): Identity[] {
  const keys = Array.from(
    { length: validators + followers },
    (_, i) => new SigningKey(sha256(`simulated key ${i}`)),
  );
  const named = keys.map((key) => ({ publicKey: toHex(key.publicKey), key }));
  const sorted = named
    .slice(0, validators)
    .sort((a, b) => (a.publicKey < b.publicKey ? -1 : 1))
    .concat(named.slice(validators));
  return sorted.map(({ publicKey, key }, index) => ({
    publicKey,
    sign: real ? (message: Uint8Array) => key.sign(message) : fakeSigner(index),
  }));
}

function genesisOf(identities: readonly Identity[]): Genesis {
  return {
    format: 1,
    chainId: "simulated",
    purpose: "devnet",
    protocolVersion: 0,
    consensus: {
      blockIntervalMs: 50,
      leaderTimeoutMs: 100,
      certificationTimeoutMs: 200,
      nullifyRetryMs: 100,
      maxBlockBytes: 65_536,
      maxBlockTransactions: 1,
    },
    validators: identities.map(({ publicKey }, index) => ({
      name: `v${index}`,
      publicKey,
      weight: 1 as const,
    })),
    accounts: [],
  };
}
