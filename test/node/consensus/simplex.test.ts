/**
 * Proves: each rule of the state machine by itself, with four validators and the cheap signature
 * scheme: proposing, verifying, voting, certificates, views, timers, restart.
 * Does not prove: that the rules together are safe and live (test/simulation), nor the shell.
 */
import assert from "node:assert/strict";
import { suite, test } from "node:test";
import { finalize, notarize, nullify } from "../../../node/consensus/messages.ts";
import {
  Driver,
  finalization,
  follower,
  four,
  genesisDigest,
  leaderOf,
  notarization,
  nullification,
  payload,
  proposal,
  validatorsOf,
  voteOf,
} from "./support.ts";

const block1 = proposal(1, 0);
const others = (self: number) => [0, 1, 2, 3].filter((index) => index !== self);

suite("entering a view", () => {
  test("a finalization or a nullification leads on at once, from any distance", () => {
    assert.equal(
      new Driver(follower(1)).certificate(finalization(proposal(40, 39))).core.current,
      41,
    );
    assert.equal(new Driver(follower(1)).certificate(nullification(40)).core.current, 41);
  });

  test("a notarization leads on only once the block is certified here", () => {
    const node = new Driver(follower(1)).certificate(notarization(block1));
    assert.equal(node.core.current, 1);
    node.event({ type: "certified", proposal: block1, valid: true });
    assert.equal(node.core.current, 2);
  });

  test("a lower certificate never leads back", () => {
    const node = new Driver(follower(1))
      .certificate(nullification(40))
      .certificate(nullification(3));
    assert.equal(node.core.current, 41);
  });
});

suite("R1 propose", () => {
  test("the leader asks for one block, on the best parent", () => {
    const node = new Driver(leaderOf(1));
    assert.equal(node.of("propose").length, 1);
    assert.deepEqual(node.of("propose")[0]?.context, {
      epoch: 0,
      view: 1,
      leader: leaderOf(1),
      parentView: 0,
      parentDigest: genesisDigest,
    });
    node.event({ type: "proposed", view: 1, payload: payload("mine") });
    assert.deepEqual(node.votes, ["notarize 1"]);
    node.event({ type: "proposed", view: 1, payload: payload("another") });
    assert.deepEqual(node.votes, ["notarize 1"]);
  });

  test("nobody else proposes", () => {
    assert.equal(new Driver(follower(1)).of("propose").length, 0);
  });

  test("a declined build is an immediate nullify", () => {
    const node = new Driver(leaderOf(1)).event({ type: "proposed", view: 1, payload: undefined });
    assert.deepEqual(node.votes, ["nullify 1"]);
    assert.equal(node.of("timed-out")[0]?.reason, "build-failed");
  });

  test("a missing nullification holds the leader back until it arrives", () => {
    const node = new Driver(leaderOf(3)).certificate(nullification(2)).clear();
    assert.equal(node.core.current, 3);
    assert.equal(node.of("propose").length, 0);
    node.certificate(nullification(1));
    assert.equal(node.of("propose")[0]?.context.parentView, 0);
  });

  test("a block that comes after the view was left is not proposed", () => {
    const node = new Driver(leaderOf(1)).certificate(nullification(1));
    node.event({ type: "proposed", view: 1, payload: payload("late") });
    assert.ok(!node.votes.includes("notarize 1"));
  });
});

suite("R2, R3, R4 the leader's proposal", () => {
  test("it clears the leader's deadline only, is verified once, and then voted for", () => {
    const node = new Driver(follower(1));
    assert.equal(node.core.deadline, 100);
    node.vote(notarize(block1), leaderOf(1));
    assert.equal(node.core.deadline, 200);
    node.vote(notarize(block1), leaderOf(1));
    assert.equal(node.of("verify").length, 1);
    assert.deepEqual(node.votes, []);
    node.event({ type: "verified", proposal: block1, parentPayload: genesisDigest, valid: true });
    assert.deepEqual(node.votes, ["notarize 1"]);
  });

  test("an invalid block is an immediate nullify", () => {
    const node = new Driver(follower(1)).vote(notarize(block1), leaderOf(1));
    node.event({ type: "verified", proposal: block1, parentPayload: genesisDigest, valid: false });
    assert.deepEqual(node.votes, ["nullify 1"]);
  });

  test("a second proposal blocks the leader, is evidence, and withholds our votes for good", () => {
    const node = new Driver(follower(1)).vote(notarize(block1), leaderOf(1));
    node.vote(notarize(proposal(1, 0, "other")), leaderOf(1));
    assert.equal(node.of("evidence")[0]?.evidence.kind, "conflicting-notarize");
    assert.equal(node.of("block")[0]?.peer, four.keyAt(leaderOf(1)));
    node.event({ type: "verified", proposal: block1, parentPayload: genesisDigest, valid: true });
    node.certify(block1);
    assert.deepEqual(node.votes, []);
    assert.equal(node.core.current, 2);
  });

  test("a verdict on a proposal that a certificate replaced is stale", () => {
    const other = proposal(1, 0, "other");
    const node = new Driver(follower(1)).vote(notarize(block1), leaderOf(1));
    node.certificate(notarization(other));
    node.event({ type: "verified", proposal: block1, parentPayload: genesisDigest, valid: false });
    assert.deepEqual(node.votes, []);
  });

  test("a parent that is not below the view is an immediate nullify", () => {
    const node = new Driver(follower(1)).vote(notarize(proposal(1, 1)), leaderOf(1));
    assert.deepEqual(node.votes, ["nullify 1"]);
  });

  test("a parent below the last finalized view is an immediate nullify", () => {
    const node = new Driver(follower(6)).certificate(finalization(proposal(5, 4)));
    node.vote(notarize(proposal(6, 4)), leaderOf(6));
    assert.deepEqual(node.votes, ["nullify 6"]);
  });

  test("missing ancestry is no failure: the proposal is verified when it arrives", () => {
    const node = new Driver(follower(3)).certificate(nullification(2));
    node.vote(notarize(proposal(3, 0)), leaderOf(3));
    assert.equal(node.of("verify").length, 0);
    assert.deepEqual(node.votes, []);
    node.certificate(nullification(1));
    assert.equal(node.of("verify").length, 1);
  });

  test("holding a notarization of a skipped view is no reason to refuse", () => {
    const node = new Driver(follower(2)).certificate(notarization(block1));
    node.certificate(nullification(1));
    node.vote(notarize(proposal(2, 0)), leaderOf(2));
    assert.equal(node.of("verify").at(-1)?.proposal.view, 2);
  });

  test("holding a nullification of the parent's view is no reason to refuse", () => {
    const node = new Driver(follower(2)).certificate(nullification(1)).certify(block1);
    node.vote(notarize(proposal(2, 1)), leaderOf(2));
    assert.equal(node.of("verify").at(-1)?.proposal.view, 2);
  });

  test("no notarize after nullify", () => {
    const node = new Driver(follower(1)).vote(notarize(block1), leaderOf(1)).until(250);
    node.event({ type: "verified", proposal: block1, parentPayload: genesisDigest, valid: true });
    assert.ok(!node.votes.includes("notarize 1"));
  });
});

suite("R5 certificates", () => {
  test("a quorum with the own vote forms one, and it is sent once", () => {
    const self = follower(1);
    const node = new Driver(self).accept(block1);
    const [third] = others(self).filter((index) => index !== leaderOf(1)) as [number];
    node.vote(notarize(block1), third);
    assert.deepEqual(node.certificates, ["notarize 1"]);
    assert.equal(node.of("certify").length, 1);
    node.certificate(notarization(block1));
    assert.deepEqual(node.certificates, ["notarize 1"]);
  });

  test("a received certificate is passed on once", () => {
    const node = new Driver(follower(1))
      .certificate(nullification(1))
      .certificate(nullification(1));
    assert.deepEqual(node.certificates, ["nullify 1"]);
  });

  test("votes for another proposal than the leader's do not count", () => {
    const self = follower(1);
    const node = new Driver(self).vote(notarize(block1), leaderOf(1));
    for (const signer of others(self).filter((index) => index !== leaderOf(1)))
      node.vote(notarize(proposal(1, 0, "other")), signer);
    assert.deepEqual(node.certificates, []);
  });

  test("a bad signature is found at the quorum, and its signer blocked", () => {
    const self = follower(1);
    const node = new Driver(self).accept(block1);
    const [bad, good] = others(self).filter((index) => index !== leaderOf(1)) as [number, number];
    const vote = { ...voteOf(notarize(block1), bad), signature: new Uint8Array(64) };
    node.event({ type: "vote", from: bad, vote });
    assert.deepEqual(node.certificates, []);
    assert.equal(node.of("block")[0]?.peer, four.keyAt(bad));
    node.vote(notarize(block1), good);
    assert.deepEqual(node.certificates, ["notarize 1"]);
  });

  test("a certificate that contradicts the proposal replaces it and blocks the leader", () => {
    const other = proposal(1, 0, "other");
    const node = new Driver(follower(1)).vote(notarize(block1), leaderOf(1));
    node.certify(other);
    assert.equal(node.of("block")[0]?.peer, four.keyAt(leaderOf(1)));
    assert.deepEqual(node.votes, []);
    assert.equal(node.core.current, 2);
  });

  test("an invalid certificate blocks whoever sent it", () => {
    const false1 = {
      ...nullification(1),
      signers: [0, 1],
      signatures: [new Uint8Array(64), new Uint8Array(64)],
    };
    const node = new Driver(follower(1)).certificate(false1, 2);
    assert.equal(node.of("block")[0]?.peer, four.keyAt(2));
    assert.equal(node.core.current, 1);
  });
});

suite("R6, R7, R8 certification and finalize", () => {
  test("certified: the next view and finalize, also without an own notarize", () => {
    const node = new Driver(follower(1)).certify(block1);
    assert.equal(node.core.current, 2);
    assert.deepEqual(node.votes, ["finalize 1"]);
  });

  test("not certified: nullify, and never a parent", () => {
    const node = new Driver(follower(1)).certify(block1, false);
    assert.deepEqual(node.votes, ["nullify 1"]);
    assert.equal(node.core.rounds.certifiedPayload(1), undefined);
  });

  test("a nullified view is certified all the same, and never finalized by us", () => {
    const node = new Driver(follower(1)).until(150);
    node.certificate(nullification(1)).certify(block1);
    assert.ok(node.core.rounds.certifiedPayload(1));
    assert.deepEqual(node.votes, ["nullify 1"]);
  });

  test("a finalization ends certification: its verdict is not heard any more", () => {
    const node = new Driver(follower(1)).certificate(notarization(block1));
    node.certificate(finalization(proposal(2, 1)));
    node.event({ type: "certified", proposal: block1, valid: true });
    assert.deepEqual(node.votes, []);
  });
});

suite("R9, R12 nullify", () => {
  test("a silent leader: nullify after its deadline, again after each retry", () => {
    const node = new Driver(follower(1)).until(100);
    assert.deepEqual(node.votes, ["nullify 1"]);
    node.until(400);
    assert.deepEqual(node.votes, ["nullify 1", "nullify 1", "nullify 1"]);
    assert.equal(node.facts.filter(({ type }) => type === "own-vote").length, 1);
  });

  test("with the retry goes the certificate that opens the view", () => {
    const node = new Driver(follower(2)).certificate(nullification(1)).clear().until(300);
    assert.deepEqual(node.certificates, ["nullify 1"]);
  });

  test("a proposal that is never certified: nullify after the second deadline, also after notarize", () => {
    const node = new Driver(follower(1)).accept(block1).until(199);
    assert.deepEqual(node.votes, ["notarize 1"]);
    node.until(200);
    assert.deepEqual(node.votes, ["notarize 1", "nullify 1"]);
  });

  test("the leader's own nullify is an immediate timeout, now or when the view comes", () => {
    const now = new Driver(follower(1)).vote(nullify(0, 1), leaderOf(1));
    assert.deepEqual(now.votes, ["nullify 1"]);
    const later = new Driver(follower(2)).vote(nullify(0, 2), leaderOf(2));
    assert.deepEqual(later.votes, []);
    later.certificate(nullification(1));
    assert.deepEqual(later.votes, ["nullify 2"]);
  });

  test("a leader that was not heard for long is skipped, unless the others are not heard either", () => {
    const self = follower(2);
    const alone = new Driver(self).until(5000).clear();
    alone.now = 5000;
    alone.certificate(nullification(1), leaderOf(2) === 3 ? self : 3);
    assert.ok(!alone.of("timed-out").some(({ reason }) => reason === "leader-inactive"));
    const heard = new Driver(self).until(5000).clear();
    for (const signer of others(self).filter((index) => index !== leaderOf(2)))
      heard.vote(nullify(0, 1), signer);
    assert.equal(heard.core.current, 2);
    assert.equal(heard.of("timed-out").at(-1)?.reason, "leader-inactive");
  });

  test("timers grow without finalizations, and shrink when one turns out to exist", () => {
    const node = new Driver(follower(12)).certificate(nullification(11));
    assert.equal(node.core.deadline, 800);
    node.certificate(finalization(proposal(10, 9)));
    assert.equal(node.core.deadline, 100);
  });
});

suite("R10, R11 finality and nullity", () => {
  test("a finalization is announced once, and only when it is the newest", () => {
    const node = new Driver(follower(1)).certificate(finalization(proposal(5, 4)));
    node.certificate(finalization(proposal(3, 2)));
    assert.deepEqual(
      node.of("finalized").map(({ proposal: { view } }) => view),
      [5],
    );
    assert.equal(node.core.rounds.lastFinalized, 5);
  });

  test("old views are forgotten, and votes for them not looked at", () => {
    const node = new Driver(follower(1)).certificate(finalization(proposal(50, 49)));
    node.vote(nullify(0, 39), 2);
    assert.equal(node.core.rounds.get(39), undefined);
    node.vote(nullify(0, 40), 2);
    assert.ok(node.core.rounds.get(40));
  });

  test("votes for views beyond the next are not looked at", () => {
    const node = new Driver(follower(1)).vote(nullify(0, 3), 2).vote(nullify(0, 2), 2);
    assert.equal(node.core.rounds.get(3), undefined);
    assert.ok(node.core.rounds.get(2));
  });
});

suite("admission", () => {
  test("a vote in another's name, and one of another epoch, block the sender", () => {
    const stolen = voteOf(nullify(0, 1), 2);
    const node = new Driver(0).event({ type: "vote", from: 3, vote: stolen });
    assert.equal(node.of("block")[0]?.peer, four.keyAt(3));
    const foreign = new Driver(0).vote(nullify(1, 1), 3);
    assert.equal(foreign.of("block")[0]?.peer, four.keyAt(3));
  });

  test("nullify and finalize of one signer are evidence; notarize and nullify are not", () => {
    const node = new Driver(0).vote(nullify(0, 1), 3).vote(notarize(block1), 3);
    assert.equal(node.of("evidence").length, 0);
    node.vote(finalize(block1), 3);
    assert.equal(node.of("evidence")[0]?.evidence.kind, "nullify-finalize");
  });

  test("a signer of a certificate whose vote says otherwise is found out", () => {
    const node = new Driver(3).vote(nullify(0, 1), 0).certificate(finalization(block1));
    assert.equal(node.of("evidence")[0]?.evidence.signer, 0);
  });
});

suite("restart", () => {
  test("own votes are not sent again, and bind: no second proposal, no finalize after nullify", () => {
    const before = new Driver(leaderOf(1));
    before.event({ type: "proposed", view: 1, payload: payload("mine") }).until(200);
    assert.deepEqual(before.votes, ["notarize 1", "nullify 1"]);
    const after = new Driver(leaderOf(1), {}, before.facts);
    assert.equal(after.of("propose").length, 0);
    assert.deepEqual(after.votes, []);
    after.certify({ ...block1, payload: payload("mine") });
    assert.equal(after.votes.filter((vote) => vote === "finalize 1").length, 0);
  });

  test("a nullify from before counts here and is sent again: all may have died with it", () => {
    const before = new Driver(follower(1)).until(100);
    const after = new Driver(follower(1), {}, before.facts);
    for (const signer of others(follower(1)).slice(0, 2)) after.vote(nullify(0, 1), signer);
    assert.equal(after.core.current, 2);
    const alone = new Driver(follower(1), {}, before.facts).until(160);
    assert.deepEqual(alone.votes, ["nullify 1"]);
  });

  test("certificates and verdicts lead back to the view, without sending them again", () => {
    const before = new Driver(follower(1)).certify(block1);
    const after = new Driver(follower(1), {}, before.facts);
    assert.equal(after.core.current, 2);
    assert.deepEqual(after.certificates, []);
    assert.deepEqual(after.votes, []);
  });

  test("a notarization without a verdict is certified again, and restored ones are served", () => {
    const before = new Driver(follower(1)).certificate(notarization(block1));
    const after = new Driver(follower(1), {}, before.facts);
    assert.equal(after.of("certify").length, 1);
    const nullified = new Driver(0, {}, new Driver(0).certificate(nullification(1)).facts);
    assert.equal(nullified.core.rounds.serve(1)[0]?.statement.kind, "nullify");
  });

  test("below the floors nothing new is signed; a silent validator signs nothing until it recovers", () => {
    const floors = { notarize: 1, nullify: 1, finalize: 1 };
    const node = new Driver(follower(1), { floors }).accept(block1).until(500);
    assert.deepEqual(node.votes, []);
    const silent = new Driver(follower(1), {}, [{ type: "silent" }]).accept(block1).until(500);
    assert.deepEqual(silent.votes, []);
    silent.event({ type: "recovered", view: 1 }).certificate(nullification(1)).until(1000);
    assert.deepEqual([...new Set(silent.votes)], ["nullify 2"]);
  });
});

suite("a validator alone, and a follower", () => {
  test("the only validator finalizes by its own votes", () => {
    const node = new Driver(0, { validators: validatorsOf(1) });
    const mine = { ...block1, payload: payload("mine") };
    node.event({ type: "proposed", view: 1, payload: mine.payload });
    node.event({ type: "certified", proposal: mine, valid: true });
    assert.equal(node.core.rounds.lastFinalized, 1);
    assert.deepEqual(node.votes, ["notarize 1", "finalize 1"]);
  });

  test("a follower follows and never votes", () => {
    const node = new Driver(0, { self: undefined }).certify(block1).until(5000);
    node.certificate(finalization(proposal(7, 6)));
    assert.equal(node.core.current, 8);
    assert.deepEqual(node.votes, []);
  });

  test("the certified block goes to those whose vote was not seen", () => {
    const self = follower(1);
    const node = new Driver(self).accept(block1).certify(block1).until(25);
    const silent = others(self).filter((index) => index !== leaderOf(1));
    assert.deepEqual(node.of("forward")[0]?.to, silent);
  });
});
