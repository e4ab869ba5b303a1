/**
 * Proves: the table of what a key may still sign in a view, row by row; floors after a restart;
 * quorum sizes, leader turns, backoff and the rules about durations.
 * Does not prove: that the state machine asks the table (simplex.test.ts).
 */
import assert from "node:assert/strict";
import { suite, test } from "node:test";
import { notarize, nullify } from "../../../node/consensus/messages.ts";
import {
  floorsAfterRestart,
  mayFinalize,
  mayNotarize,
  mayNullify,
  raiseFloors,
} from "../../../node/consensus/permissions.ts";
import { createRound, type Round } from "../../../node/consensus/round.ts";
import type { VoteName } from "../../../node/consensus/status.ts";
import { backoff, checkTiming, timingOf } from "../../../node/consensus/timers.ts";
import { maximumFaults, quorumSize, ValidatorSet } from "../../../node/consensus/validators.ts";
import { VoteCollector } from "../../../node/consensus/votes.ts";
import { fakeScheme } from "../../simulation/scheme.ts";
import { four, notarization, proposal, timing, validatorsOf, voteOf } from "./support.ts";

/** A round of view 5 in which everything but history allows every vote. */
function roundAfter(history: readonly VoteName[]): Round {
  const round = createRound(5, 0, new VoteCollector(four, fakeScheme));
  const block = proposal(5, 4);
  round.proposal = block;
  round.status = "verified";
  round.certify = "true";
  round.certificates.notarization = notarization(block);
  for (const kind of history)
    round.own[kind] = voteOf(kind === "nullify" ? nullify(0, 5) : notarize(block), 1);
  return round;
}

suite("vote permission table", () => {
  const table: [readonly VoteName[], boolean, boolean, boolean][] = [
    [[], true, true, true],
    [["notarize"], false, true, true],
    [["nullify"], false, false, false],
    [["finalize"], true, false, false],
    [["notarize", "nullify"], false, false, false],
    [["notarize", "finalize"], false, false, false],
  ];
  for (const [history, notarizes, nullifies, finalizes] of table)
    test(`after ${history.join(" and ") || "nothing"}`, () => {
      const round = roundAfter(history);
      assert.equal(mayNotarize(round, 5), notarizes, "notarize");
      assert.equal(mayNullify(round, 5), nullifies, "nullify");
      assert.equal(mayFinalize(round, 4), finalizes, "finalize");
    });

  test("notarize: verified, and at most one view ahead", () => {
    assert.equal(mayNotarize(roundAfter([]), 4), true);
    assert.equal(mayNotarize(roundAfter([]), 3), false);
    for (const status of ["none", "unverified", "equivocated"] as const)
      assert.equal(mayNotarize({ ...roundAfter([]), status }, 5), false);
  });

  test("nullify: in the current view only", () => {
    assert.equal(mayNullify(roundAfter([]), 6), false);
    assert.equal(mayNullify(roundAfter([]), 4), false);
  });

  test("finalize: notarized, certified, unequivocated, above the last final view", () => {
    assert.equal(mayFinalize(roundAfter([]), 5), false);
    assert.equal(mayFinalize({ ...roundAfter([]), certificates: {} }, 4), false);
    assert.equal(mayFinalize({ ...roundAfter([]), status: "equivocated" }, 4), false);
    assert.equal(mayFinalize({ ...roundAfter([]), status: "unverified" }, 4), true);
    for (const certify of ["idle", "outstanding", "false", "aborted"] as const)
      assert.equal(mayFinalize({ ...roundAfter([]), certify }, 4), false);
  });

  test("floors keep nullify and finalize apart whatever a restart forgot", () => {
    const floors = floorsAfterRestart({ notarize: 9, nullify: 3, finalize: 7 });
    assert.deepEqual(floors, { notarize: 9, nullify: 7, finalize: 7 });
    assert.deepEqual(raiseFloors(floors, 8), { notarize: 9, nullify: 8, finalize: 8 });
  });
});

suite("sizes", () => {
  test("faults and quorum: known values, and overlap for every size", () => {
    const known = {
      1: 1,
      2: 2,
      3: 3,
      4: 3,
      5: 4,
      6: 5,
      7: 5,
      8: 6,
      9: 7,
      10: 7,
      13: 9,
      16: 11,
      22: 15,
      31: 21,
    };
    for (const [n, quorum] of Object.entries(known)) assert.equal(quorumSize(Number(n)), quorum);
    for (let n = 1; n <= 100; n++) {
      assert.ok(2 * quorumSize(n) - n > maximumFaults(n), `${n}`);
      assert.equal(quorumSize(n), Math.floor((2 * n) / 3) + 1);
    }
    for (const wrong of [0, -1, 1.5, Number.NaN])
      assert.throws(() => quorumSize(wrong), RangeError);
  });

  test("validators are sorted by key; each leads once in n views; no key twice", () => {
    const set = new ValidatorSet([...four.keys].reverse(), four.genesisHash);
    assert.deepEqual(set.keys, four.keys);
    for (let view = 1; view <= 8; view++) assert.equal(set.leader(view), set.leader(view + 4));
    assert.equal(new Set([1, 2, 3, 4].map((view) => set.leader(view))).size, 4);
    const orders = new Set(
      Array.from({ length: 20 }, (_, i) => {
        const other = new ValidatorSet(four.keys, new Uint8Array(32).fill(i));
        return [1, 2, 3, 4].map((view) => other.leader(view)).join();
      }),
    );
    assert.ok(orders.size > 5, "the genesis decides the order");
    assert.throws(() => new ValidatorSet([four.keyAt(0), four.keyAt(0)], four.genesisHash));
    assert.throws(() => validatorsOf(4).keyAt(4), RangeError);
  });
});

suite("durations", () => {
  test("backoff grows by half per view beyond f + 1, up to eightfold", () => {
    assert.deepEqual(
      [1, 2, 3, 4, 5].map((view) => backoff(view, 0, 1)),
      [1, 1, 1.5, 2.25, 3.375],
    );
    assert.equal(backoff(1000, 0, 1), 8);
    assert.equal(backoff(1000, 999, 1), 1);
  });

  test("durations that do not fit together are refused", () => {
    checkTiming(timing);
    for (const wrong of [
      { leaderMs: 0 },
      { leaderMs: timing.certificationMs },
      { inactiveMs: timing.certificationMs },
      { nullifyRetryMs: 0 },
      { nullifyRetryMs: timing.inactiveMs },
      { retentionViews: 0 },
    ])
      assert.throws(() => checkTiming({ ...timing, ...wrong }), /allowed/);
  });

  test("a validator is inactive after ten certification timeouts", () => {
    const genesis = { leaderTimeoutMs: 2500, certificationTimeoutMs: 3000, nullifyRetryMs: 1000 };
    assert.equal(timingOf(genesis).inactiveMs, 30_000);
  });
});
