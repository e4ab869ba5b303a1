/**
 * Proves: the shell refuses what is no message, answers questions within its budget, ends the node
 * when a vote cannot be made durable, stops cleanly, and four of them with real keys and the real
 * clock finalize a chain of which everybody can verify the certificates.
 * Does not prove: the node's network, journal or chain, which are stand-ins here.
 */
import assert from "node:assert/strict";
import { suite, test } from "node:test";
import { FinalizationVerifier } from "../../../node/consensus/certificates.ts";
import { Engine } from "../../../node/consensus/engine.ts";
import { encodeVote, nullify, signBytes } from "../../../node/consensus/messages.ts";
import type { ConsensusTransport, FinalizedBlock } from "../../../node/consensus/ports.ts";
import { decodeCertificates, encodeRequest } from "../../../node/consensus/requests.ts";
import type { ConsensusObserver } from "../../../node/consensus/status.ts";
import { fromHex, toHex } from "../../../node/formats/bytes.ts";
import { SigningKey } from "../../../node/formats/ed25519.ts";
import { type Genesis, genesisHash } from "../../../node/formats/genesis.ts";
import { SimulatedApplication } from "../../simulation/application.ts";
import { Disk, SimulatedJournal } from "../../simulation/disk.ts";

const keys = [1, 2, 3, 4].map((byte) => new SigningKey(new Uint8Array(32).fill(byte)));
const stranger = toHex(new SigningKey(new Uint8Array(32).fill(9)).publicKey);

function genesisOf(count: number): Genesis {
  return {
    format: 1,
    chainId: "engine-test",
    purpose: "devnet",
    protocolVersion: 0,
    consensus: {
      blockIntervalMs: 50,
      leaderTimeoutMs: 2_000,
      certificationTimeoutMs: 4_000,
      nullifyRetryMs: 500,
      maxBlockBytes: 65_536,
      maxBlockTransactions: 1,
    },
    validators: keys.slice(0, count).map(({ publicKey }, index) => ({
      name: `v${index}`,
      publicKey: toHex(publicKey),
      weight: 1 as const,
    })),
    accounts: [],
  };
}

interface Made {
  readonly engine: Engine;
  readonly disk: Disk;
  readonly blocked: { peer: string; reason: string }[];
  readonly fatal: Error[];
  readonly journal: SimulatedJournal;
}

/** A started engine; what it sends goes to `deliver`. */
async function make(options: {
  readonly key: SigningKey;
  readonly count?: number;
  readonly deliver?: ConsensusTransport["broadcast"];
  readonly connected?: () => readonly string[];
  readonly observer?: ConsensusObserver;
  readonly armed?: boolean;
}): Promise<Made> {
  const disk = new Disk();
  const blocked: Made["blocked"] = [];
  const fatal: Error[] = [];
  const journal = new SimulatedJournal(disk, { appended: () => undefined });
  if (options.armed) journal.armed = "before-commit";
  const application = new SimulatedApplication({
    disk,
    salt: 0,
    wait: () => Promise.resolve(),
    delay: () => 0,
    shape: (block) => block,
    verified: () => undefined,
    certified: () => undefined,
    applied: () => undefined,
  });
  const engine = new Engine({
    genesis: genesisOf(options.count ?? 4),
    key: options.key,
    application,
    journal,
    evidence: { record: () => undefined },
    onFatal: (error) => fatal.push(error),
    ...(options.observer && { observer: options.observer }),
    transport: {
      broadcast: options.deliver ?? (() => undefined),
      send: () => true,
      request: () => Promise.reject(new Error("nobody answers here")),
      connected: options.connected ?? (() => []),
      block: (peer, reason) => blocked.push({ peer, reason }),
    },
  });
  await engine.start(new AbortController().signal);
  return { engine, disk, blocked, fatal, journal };
}

suite("intake", () => {
  test("noise, a stranger's vote and another chain's vote cost their sender the connection", async () => {
    const { engine, blocked } = await make({ key: keys[0]! });
    const peer = toHex(keys[1]!.publicKey);
    for (const channel of ["votes", "certificates", "blocks"] as const)
      engine.receive(channel, peer, Uint8Array.of(1, 2, 3));
    assert.equal(blocked.length, 3);
    assert.ok(blocked.every((entry) => entry.peer === peer));
    const vote = encodeVote({
      statement: nullify(0, 1),
      signer: 0,
      signature: keys[0]!.sign(signBytes(fromHex(genesisHash(genesisOf(4)), 32), nullify(0, 1))),
    });
    engine.receive("votes", stranger, vote);
    assert.equal(blocked.at(-1)?.peer, stranger);
    engine.receive("blocks", stranger, Uint8Array.of(1));
    assert.equal(blocked.length, 4, "a block nobody asked for is only ignored");
    await engine.stop();
  });

  test("questions: noise is an offence, too many get no answer", async () => {
    const { engine, blocked } = await make({ key: keys[0]! });
    assert.equal(engine.answer(stranger, Uint8Array.of(200)).length, 0);
    assert.equal(blocked.length, 1);
    const latest = encodeRequest({ type: "latest" });
    assert.deepEqual(decodeCertificates(engine.answer(stranger, latest), 1000), []);
    const answers = Array.from({ length: 400 }, () => engine.answer(stranger, latest).length);
    assert.ok(answers.includes(0));
    assert.ok(engine.answer(toHex(keys[1]!.publicKey), latest).length > 0, "others are served");
    await engine.stop();
  });

  test("before the start and after the end nothing happens", async () => {
    const { engine, disk } = await make({ key: keys[0]! });
    await engine.stop();
    const before = disk.records.length;
    engine.receive("certificates", stranger, Uint8Array.of(1));
    engine.peerConnected(stranger);
    assert.equal(disk.records.length, before);
    await assert.rejects(engine.start(new AbortController().signal), /before/);
  });
});

test("a vote that cannot be made durable is never sent, and ends the node", async () => {
  const sent: string[] = [];
  const { engine, fatal } = await make({
    key: keys[0]!,
    count: 1,
    armed: true,
    deliver: (channel) => void sent.push(channel),
  });
  await until(() => fatal.length > 0);
  assert.equal(sent.includes("votes"), false);
  assert.equal(fatal.length, 1);
  await engine.stop();
});

test("four engines finalize, and anybody can verify what they finalized", async () => {
  const engines = new Map<string, Engine>();
  const disks: Disk[] = [];
  const latencies: number[] = [];
  const made: Made[] = [];
  for (const key of keys) {
    const me = toHex(key.publicKey);
    const node = await make({
      key,
      connected: () => [...engines.keys()].filter((peer) => peer !== me),
      deliver: (channel, message) => {
        for (const [peer, engine] of engines)
          if (peer !== me) setImmediate(() => engine.receive(channel, me, message));
      },
      observer: {
        viewFinalized: ({ latencyMs }) => {
          if (latencyMs !== undefined) latencies.push(latencyMs);
        },
      },
    });
    engines.set(me, node.engine);
    disks.push(node.disk);
    made.push(node);
  }
  await until(() => disks.every(({ finalized }) => finalized.length >= 10));
  await Promise.all([...engines.values()].map((engine) => engine.stop()));
  const genesis = genesisOf(4);
  const verifier = new FinalizationVerifier([...engines.keys()], genesisHash(genesis));
  for (const { finalized } of disks)
    for (const [index, block] of finalized.slice(0, 10).entries())
      checkProof(verifier, block, index);
  assert.deepEqual(
    made.flatMap(({ blocked, fatal }) => [...blocked, ...fatal]),
    [],
  );
  assert.ok(latencies.length >= 30);

  function checkProof(proof: FinalizationVerifier, block: FinalizedBlock, index: number): void {
    assert.equal(toHex(block.digest), toHex(disks[0]!.finalized[index]!.digest));
    assert.equal(toHex(proof.verify(block.certificate).payload), toHex(block.certifies));
  }
});

/** Waits without a fixed time; the test runner's own limit ends a test that never gets there. */
async function until(condition: () => boolean): Promise<void> {
  while (!condition()) await new Promise((resolve) => setImmediate(resolve));
}
