/**
 * Proves: whom the planner asks and when; which certificates are needed and served; that questions
 * and answers are encoded exactly and bounded; that blocks are delivered in order, and by height
 * when far behind, and that unproven or unlinked blocks are refused.
 * Does not prove: the network under it.
 */
import assert from "node:assert/strict";
import { suite, test } from "node:test";
import { Delivery } from "../../../node/consensus/delivery.ts";
import {
  decodeCertificate,
  finalize,
  notarize,
  type Proposal,
  proposalOf,
} from "../../../node/consensus/messages.ts";
import { neededCertificates } from "../../../node/consensus/needs.ts";
import { RequestPlanner } from "../../../node/consensus/planner.ts";
import {
  type ConsensusRequest,
  decodeCertificates,
  decodeRange,
  decodeRequest,
  encodeCertificates,
  encodeRequest,
} from "../../../node/consensus/requests.ts";
import { sha256, toHex } from "../../../node/formats/bytes.ts";
import { SimulatedApplication } from "../../simulation/application.ts";
import { encodeBlock, genesisDigest as simulatedGenesis } from "../../simulation/blocks.ts";
import { Disk } from "../../simulation/disk.ts";
import {
  certificateOf,
  Driver,
  finalization,
  follower,
  leaderOf,
  notarization,
  nullification,
  payload,
  proposal,
} from "./support.ts";

suite("planner", () => {
  const peers = ["a", "b", "c"];
  const options = { parallel: 4, delayMs: 10, retryMs: 100 };

  test("waits for what may be on its way, then asks the preferred peer and one more", () => {
    const planner = new RequestPlanner(options);
    const need = [{ key: "x", prefer: "c" }];
    assert.deepEqual(planner.plan(0, need, peers), []);
    assert.equal(planner.nextAt(0), 10);
    assert.deepEqual(planner.plan(10, need, peers), [
      { key: "x", peer: "c" },
      { key: "x", peer: "a" },
    ]);
    assert.deepEqual(planner.plan(11, need, peers), []);
  });

  test("a useless answer leads to the next peer; after all of them, a rest", () => {
    const planner = new RequestPlanner({ ...options, delayMs: 0 });
    const need = [{ key: "x", prefer: undefined }];
    for (const peer of peers) {
      assert.deepEqual(planner.plan(0, need, peers), [{ key: "x", peer }]);
      planner.ended({ key: "x", peer });
    }
    assert.deepEqual(planner.plan(0, need, peers), []);
    assert.deepEqual(planner.plan(99, need, peers), []);
    assert.equal(planner.plan(100, need, peers).length, 1);
  });

  test("never more at once than allowed, and nothing for what is settled", () => {
    const planner = new RequestPlanner({ ...options, delayMs: 0 });
    const needs = Array.from({ length: 9 }, (_, i) => ({ key: `${i}`, prefer: undefined }));
    assert.equal(planner.plan(0, needs, peers).length, 4);
    assert.equal(planner.plan(0, needs, peers).length, 0);
    assert.deepEqual(planner.plan(0, [], peers), []);
    assert.equal(planner.nextAt(0), undefined);
  });
});

suite("certificates that are needed and served", () => {
  test("nullifications up to the current view, lowest first", () => {
    const node = new Driver(follower(1)).certificate(finalization(proposal(3, 2)));
    node.certificate(nullification(6));
    assert.deepEqual(
      neededCertificates(node.core).map(({ view }) => view),
      [4, 5],
    );
    node.certificate(nullification(4));
    assert.deepEqual(
      neededCertificates(node.core).map(({ view }) => view),
      [5],
    );
  });

  test("the ancestry of a proposal, from its leader", () => {
    const node = new Driver(follower(3)).certificate(nullification(2));
    node.vote(notarize(proposal(3, 1)), leaderOf(3));
    assert.deepEqual(neededCertificates(node.core), [{ view: 1, leader: leaderOf(3) }]);
  });

  test("a way out of a view whose block failed certification, asked until it is nullified", () => {
    const node = new Driver(follower(1)).certify(proposal(1, 0), false);
    assert.deepEqual(
      neededCertificates(node.core).map(({ view }) => view),
      [1],
    );
    node.certificate(nullification(1));
    assert.deepEqual(neededCertificates(node.core), []);
  });

  test("a notarization is served once certified here, never before and never when it failed", () => {
    const block = proposal(1, 0);
    const node = new Driver(follower(1)).certificate(notarization(block));
    assert.deepEqual(node.core.rounds.serve(1), []);
    node.event({ type: "certified", proposal: block, valid: true });
    assert.equal(node.core.rounds.serve(1)[0]?.statement.kind, "notarize");
    const failed = new Driver(follower(1)).certify(block, false);
    assert.deepEqual(failed.core.rounds.serve(1), []);
  });

  test("a finalization at or above the view settles it", () => {
    const node = new Driver(follower(1)).certificate(finalization(proposal(9, 8)));
    assert.equal(node.core.rounds.serve(5)[0]?.statement.view, 9);
    assert.deepEqual(node.core.rounds.serve(10), []);
  });
});

suite("questions and answers", () => {
  test("come back as they were, and nothing else is accepted", () => {
    const requests: ConsensusRequest[] = [
      { type: "certificates", view: 7 },
      { type: "latest" },
      { type: "block", digest: payload("b") },
      { type: "range", from: 9 },
    ];
    for (const request of requests) {
      const bytes = encodeRequest(request);
      assert.deepEqual(decodeRequest(bytes), request);
      assert.throws(() => decodeRequest(Buffer.concat([bytes, Buffer.of(0)])));
    }
    assert.throws(() => decodeRequest(Uint8Array.of(4)));
    const answer = encodeCertificates([Uint8Array.of(1), Uint8Array.of(2, 3)]);
    assert.deepEqual(decodeCertificates(answer, 10), [Uint8Array.of(1), Uint8Array.of(2, 3)]);
    assert.throws(() => decodeCertificates(answer, 1));
    assert.throws(() => decodeCertificates(Uint8Array.of(5), 10));
    assert.throws(() => decodeRange(Uint8Array.of(65), 10, 10));
  });
});

suite("delivery", () => {
  const chain = makeChain(120);

  test("blocks are applied in order once the last missing one is here", async () => {
    const { delivery, application, heights } = deliver();
    for (const { bytes } of [chain[2]!, chain[0]!]) application.receive(bytes);
    delivery.finalized(chain[2]!.certificate, chain[2]!.proposal);
    await idle();
    assert.deepEqual(heights, []);
    assert.equal(toHex(delivery.missing!), toHex(chain[1]!.proposal.payload));
    application.receive(chain[1]!.bytes);
    delivery.pump();
    await idle();
    assert.deepEqual(heights, [1, 2, 3]);
  });

  test("far behind it asks by height, and applies what a finalization proves", async () => {
    const { delivery, application, heights } = deliver();
    application.receive(chain[99]!.bytes);
    delivery.finalized(chain[99]!.certificate, chain[99]!.proposal);
    await idle();
    assert.equal(delivery.missingFrom, 1);
    assert.equal(delivery.missing, undefined);
    assert.equal(await delivery.takeRange(entries(0, 64, 63)), undefined);
    await idle();
    assert.equal(heights.length, 64);
    assert.equal(delivery.missingFrom, 65);
    assert.equal(await delivery.takeRange(entries(64, 80, 90)), undefined);
    await idle();
    assert.equal(heights.length, 64, "unproven blocks wait");
    assert.equal(delivery.missingFrom, 81);
    assert.equal(await delivery.takeRange(entries(80, 100, 90)), undefined);
    await idle();
    assert.equal(heights.length, 100);
    assert.equal(delivery.catchingUp, false);
  });

  test("a range with a gap, a broken link or a false certificate is refused", async () => {
    const far = async () => {
      const made = deliver();
      made.application.receive(chain[99]!.bytes);
      made.delivery.finalized(chain[99]!.certificate, chain[99]!.proposal);
      await idle();
      return made;
    };
    const { delivery } = await far();
    assert.match((await delivery.takeRange(entries(1, 5, 4)))!, /gap/);
    const forged = entries(0, 3, 2);
    forged[2] = { ...forged[2]!, certificate: chain[5]!.certificate };
    const second = await far();
    assert.match((await second.delivery.takeRange(forged))!, /not valid/);
    assert.deepEqual(second.heights, []);
    const other = makeChain(3, 7);
    const spliced = [entries(0, 1, 0)[0]!, { ...entries(1, 2, 1)[0]!, bytes: other[1]!.bytes }];
    assert.match((await (await far()).delivery.takeRange(spliced))!, /does not extend/);
  });

  test("a finalized block beside the applied chain ends the node", async () => {
    const { delivery, application, fatal } = deliver();
    application.receive(chain[0]!.bytes);
    delivery.finalized(chain[0]!.certificate, chain[0]!.proposal);
    await idle();
    const other = makeChain(2, 7);
    for (const { bytes } of other) application.receive(bytes);
    delivery.finalized(other[1]!.certificate, other[1]!.proposal);
    await idle();
    assert.match(fatal[0]!.message, /does not extend the applied chain/);
  });

  /** Entries for `from` up to `to`; those before `anchor` carry its finalization. */
  function entries(from: number, to: number, anchor: number) {
    return chain.slice(from, to).map(({ bytes, certificate, proposal: { payload } }, i) => {
      const proven = chain[anchor]!;
      return from + i < anchor
        ? { bytes, certificate: proven.certificate, certifies: proven.proposal.payload }
        : { bytes, certificate, certifies: payload };
    });
  }
});

interface ChainLink {
  readonly bytes: Uint8Array;
  readonly proposal: Proposal;
  readonly certificate: Uint8Array;
}

function makeChain(length: number, salt = 0): ChainLink[] {
  const links: ChainLink[] = [];
  let parentDigest = simulatedGenesis;
  for (let height = 1; height <= length; height++) {
    const placed = { height, view: height, parentView: height - 1, timestamp: height };
    const bytes = encodeBlock({ ...placed, parentDigest, epoch: 0, leader: 0, salt, flaw: "none" });
    parentDigest = sha256(bytes);
    const block = { epoch: 0, view: height, parentView: height - 1, payload: parentDigest };
    links.push({ bytes, proposal: block, certificate: certificateOf(finalize(block)).bytes });
  }
  return links;
}

function deliver() {
  const heights: number[] = [];
  const fatal: Error[] = [];
  const application = new SimulatedApplication({
    disk: new Disk(),
    salt: 0,
    wait: () => Promise.resolve(),
    delay: () => 0,
    shape: (block) => block,
    verified: () => undefined,
    certified: () => undefined,
    applied: (_block, { height }) => heights.push(height),
  });
  const delivery = new Delivery({
    application,
    finalizedBy: (bytes) => proposalOf(decodeCertificate(bytes, 4).statement),
    delivered: () => undefined,
    changed: () => undefined,
    fatal: (error) => fatal.push(error),
  });
  return { delivery, application, heights, fatal };
}

/** All promises that are ready have run. */
function idle(): Promise<void> {
  return new Promise((resolve) => setImmediate(resolve));
}
