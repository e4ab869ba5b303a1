/**
 * Proves: what is durable comes back byte for byte; damage is refused; when a validator that lost
 * its journal is silent, for how long, and that a small set refuses instead; evidence verifies.
 * Does not prove: that the journal's storage keeps its word (test/node/storage).
 */
import assert from "node:assert/strict";
import { suite, test } from "node:test";
import { conflictOf, encodeEvidence, verifyEvidence } from "../../../node/consensus/evidence.ts";
import { finalize, notarize, nullify } from "../../../node/consensus/messages.ts";
import { decodeFact, type DurableFact, encodeFact } from "../../../node/consensus/records.ts";
import {
  checkRecoverable,
  journalIsStale,
  JournalLostError,
  Recovery,
} from "../../../node/consensus/recovery.ts";
import { replaySimplex } from "../../../node/consensus/replay.ts";
import { SimulatedApplication } from "../../simulation/application.ts";
import { Disk, SimulatedJournal } from "../../simulation/disk.ts";
import { fakeScheme, fakeSigner } from "../../simulation/scheme.ts";
import {
  certificateOf,
  four,
  genesisHash,
  notarization,
  nullification,
  payload,
  proposal,
  timing,
  validatorsOf,
  voteOf,
} from "./support.ts";

const block = proposal(3, 2);
const facts: DurableFact[] = [
  { type: "own-vote", vote: voteOf(notarize(block), 1) },
  { type: "own-vote", vote: voteOf(nullify(0, 4), 1) },
  { type: "certificate", certificate: notarization(block) },
  { type: "certified", view: 3, payload: payload("x"), valid: true },
  { type: "certified", view: 3, payload: payload("x"), valid: false },
  { type: "silent" },
  { type: "vote-above", view: 9 },
];

function journalOn(disk: Disk) {
  return new SimulatedJournal(disk, { appended: () => undefined });
}

function replay(disk: Disk, validators = four) {
  const host = {
    disk,
    salt: 0,
    wait: () => Promise.resolve(),
    delay: () => 0,
    shape: <T>(shaped: T) => shaped,
    verified: () => undefined,
    certified: () => undefined,
    applied: () => undefined,
  };
  return replaySimplex({
    validators,
    scheme: fakeScheme,
    timing,
    application: new SimulatedApplication(host),
    journal: journalOn(disk),
    self: { index: 1 % validators.size, sign: fakeSigner(1 % validators.size) },
    now: 0,
  });
}

suite("records", () => {
  test("every fact comes back", () => {
    for (const fact of facts) assert.deepEqual(decodeFact(encodeFact(fact).bytes, 4), fact);
  });

  test("own votes are marked with their kind, and what must last is never pruned", () => {
    const [vote, , , , , silent, above] = facts.map(encodeFact);
    assert.equal(vote?.signed, "notarize");
    assert.equal(vote?.view, 3);
    assert.equal(silent?.view, Number.MAX_SAFE_INTEGER);
    assert.equal(above?.view, Number.MAX_SAFE_INTEGER);
  });

  test("damaged records are refused, so the node does not start", () => {
    for (const fact of facts) {
      const { bytes } = encodeFact(fact);
      assert.throws(() => decodeFact(bytes.subarray(0, bytes.length - 1), 4));
      assert.throws(() => decodeFact(Buffer.concat([bytes, Buffer.of(1)]), 4));
    }
    const disk = new Disk();
    disk.commit([{ view: 1, bytes: Uint8Array.of(9) }]);
    assert.throws(() => replay(disk), /record type 9/);
  });
});

suite("a lost journal", () => {
  test("is noticed by the mark, and by votes that the records lack", () => {
    const disk = new Disk();
    disk.commit([encodeFact(facts[0]!)]);
    assert.equal(replay(disk).silent, false);
    assert.equal(journalIsStale(journalOn(disk), [facts[0]!]), false);
    disk.highestSigned.finalize = 2;
    assert.equal(journalIsStale(journalOn(disk), [facts[0]!]), true);
    assert.equal(replay(disk).silent, true);
    disk.wipeJournal();
    assert.equal(replay(disk).silent, true);
  });

  test("silence is durable until the view above which votes are safe is", () => {
    const disk = new Disk();
    disk.intact = false;
    replay(disk);
    assert.equal(disk.intact, true, "the journal exists now");
    assert.equal(replay(disk).silent, true);
    disk.commit([encodeFact({ type: "vote-above", view: 20 })]);
    assert.equal(replay(disk).silent, false);
  });

  test("votes below a floor were pruned, not lost", () => {
    const disk = new Disk();
    disk.highestSigned = { notarize: 5, nullify: 0, finalize: 5 };
    disk.prune(6);
    assert.equal(replay(disk).silent, false);
  });

  test("fewer than four validators refuse to start", () => {
    const disk = new Disk();
    disk.intact = false;
    assert.throws(() => replay(disk, validatorsOf(1)), JournalLostError);
    assert.throws(() => checkRecoverable(validatorsOf(3)), JournalLostError);
  });

  test("voting starts above a certificate two views past what a quorum of others showed", () => {
    const recovery = new Recovery(four, 1);
    recovery.toldLatest(1, nullification(10));
    recovery.toldLatest(0, nullification(10));
    recovery.toldLatest(0, nullification(10));
    recovery.toldLatest(2, nullification(10));
    assert.equal(recovery.asking, true);
    assert.equal(recovery.safeAbove(nullification(99)), undefined);
    recovery.toldLatest(3, nullification(11));
    assert.equal(recovery.asking, false);
    assert.equal(recovery.safeAbove(nullification(12)), undefined);
    assert.equal(recovery.safeAbove(nullification(13)), 13);
  });
});

suite("evidence", () => {
  test("three contradictions, and no other", () => {
    const other = proposal(3, 1);
    assert.equal(conflictOf(notarize(block), notarize(other)), "conflicting-notarize");
    assert.equal(conflictOf(finalize(block), finalize(other)), "conflicting-finalize");
    assert.equal(conflictOf(nullify(0, 3), finalize(block)), "nullify-finalize");
    assert.equal(conflictOf(finalize(block), nullify(0, 3)), "nullify-finalize");
    assert.equal(conflictOf(nullify(0, 3), notarize(block)), undefined);
    assert.equal(conflictOf(notarize(block), finalize(other)), undefined);
    assert.equal(conflictOf(notarize(block), notarize(block)), undefined);
    assert.equal(conflictOf(nullify(0, 4), finalize(block)), undefined);
  });

  test("holds for a third party, and only with both signatures of one signer", () => {
    const first = voteOf(nullify(0, 3), 2);
    const second = voteOf(finalize(block), 2);
    const verify = (a: typeof first, b: typeof first) => {
      const encoded = encodeEvidence({
        kind: "nullify-finalize",
        signer: 2,
        view: 3,
        first: a,
        second: b,
      });
      return verifyEvidence(encoded, genesisHash, fakeScheme);
    };
    assert.equal(verify(first, second)?.signer, 2);
    assert.equal(verify(first, voteOf(finalize(block), 1)), undefined);
    assert.equal(verify(first, first), undefined);
    assert.equal(verify(first, { ...second, signature: new Uint8Array(64) }), undefined);
  });
});

test("a certificate of the applied chain leads past an older journal", () => {
  const disk = new Disk();
  const finalized = certificateOf(finalize(proposal(30, 29)));
  disk.finalized.push({
    digest: payload("block 30"),
    bytes: new Uint8Array(),
    certificate: finalized.bytes,
    certifies: payload("block 30"),
  });
  const simplex = replay(disk);
  simplex.start(0);
  assert.equal(simplex.rounds.lastFinalized, 30);
  assert.equal(simplex.current, 31);
});
