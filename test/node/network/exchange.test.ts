/**
 * Proves: which peer records are signed, believed, kept and passed on, and what the address book
 * saves. Does not prove: that nodes then connect; network.test.ts does.
 */
import assert from "node:assert/strict";
import test from "node:test";
import { DecodeError } from "../../../node/formats/binary.ts";
import { AddressBook } from "../../../node/network/address-book.ts";
import { Exchange } from "../../../node/network/exchange.ts";
import type { StoredPeer } from "../../../node/network/options.ts";
import {
  decodePeerRecord,
  decodePeers,
  encodePeers,
  signPeerRecord,
  verifyPeerRecord,
} from "../../../node/network/peer-record.ts";
import {
  genesisHash,
  keyOf,
  type LogLine,
  publicKeyOf,
  recordingLogger,
  seededRandom,
} from "./support/nodes.ts";

const local = "/ip4/127.0.0.1/tcp/9000";
const inside = "/ip4/10.0.0.1/tcp/9000";
const outside = "/ip4/203.0.113.7/tcp/9000";
const otherChain = "cd".repeat(32);

function record(n: number, sequence: number, addresses = [outside], chain = genesisHash) {
  return signPeerRecord(keyOf(n), chain, { sequence, addresses });
}

/** Node 0 with validators 0 to 4; the peers 1 and 2 are connected. */
function setUp() {
  const log: LogLine[] = [];
  const isValidator = (publicKey: string) =>
    [0, 1, 2, 3, 4].some((n) => publicKeyOf(n) === publicKey);
  let saved: readonly StoredPeer[] = [];
  const book = new AddressBook({
    store: { load: () => saved, save: (peers) => (saved = peers) },
    logger: recordingLogger(log),
    maxFullNodes: 2,
    isValidator,
  });
  const sent: [string, Uint8Array][] = [];
  const bad: string[] = [];
  const exchange = new Exchange({
    key: keyOf(0),
    genesisHash,
    book,
    intervalMs: 1_000,
    random: seededRandom(1),
    isValidator,
    peers: () => [publicKeyOf(1), publicKeyOf(2)],
    send: (peer, message) => sent.push([peer, message]),
    badRecord: (_, detail) => bad.push(detail),
    learned: () => undefined,
  });
  exchange.announce([outside], 1_000);
  const receive = (from: number, records: Uint8Array[], host = "203.0.113.9") =>
    exchange.receive(publicKeyOf(from), host, encodePeers({ kind: "records", records }), 0);
  const recordsSent = () =>
    sent.splice(0).flatMap(([to, bytes]) => {
      const message = decodePeers(bytes);
      const records = message.kind === "records" ? message.records : [];
      return records.map((one) => [to, decodePeerRecord(one)] as const);
    });
  return { book, exchange, bad, receive, recordsSent, sent, saved: () => saved };
}

test("a record carries key, sequence and addresses, and is signed for one chain", () => {
  const bytes = record(1, 42, [local, outside]);
  const expected = { publicKey: publicKeyOf(1), sequence: 42, addresses: [local, outside] };
  assert.deepEqual(decodePeerRecord(bytes), expected);
  assert.equal(verifyPeerRecord(bytes, genesisHash), true);
  assert.equal(verifyPeerRecord(bytes, otherChain), false);
  for (let i = 0; i < bytes.length; i += 7) {
    const changed = bytes.slice();
    changed[i] = (changed[i] as number) ^ 1;
    assert.equal(verifyPeerRecord(changed, genesisHash), false, `byte ${i}`);
  }
});

test("records and lists that are no encoding are refused", () => {
  assert.throws(() => decodePeerRecord(record(1, 1).subarray(0, -1)), DecodeError);
  const unreadable = signPeerRecord(keyOf(1), genesisHash, { sequence: 1, addresses: ["/tcp/1"] });
  assert.throws(() => decodePeerRecord(unreadable), DecodeError);
  for (const bytes of [[], [7], [1, 1], [2, 1], [2, 33]])
    assert.throws(() => decodePeers(Uint8Array.from(bytes)), DecodeError, bytes.join());
  const { receive } = setUp();
  assert.throws(() => receive(1, [record(1, 1, [])]), /without addresses/);
});

test("newer records replace older ones; forged ones are reported and not kept", () => {
  const { book, bad, receive } = setUp();
  receive(1, [record(3, 5), record(4, 5, [outside], otherChain)]);
  receive(1, [record(3, 4, ["/ip4/203.0.113.8/tcp/1"])]);
  assert.equal(book.sequence(publicKeyOf(3)), 5);
  assert.equal(book.sequence(publicKeyOf(4)), 0);
  assert.deepEqual(bad, [`forged record of ${publicKeyOf(4)}`]);
  receive(1, [record(3, 6, ["/ip4/203.0.113.8/tcp/1"])]);
  assert.deepEqual(
    book.endpoints(publicKeyOf(3)).map(({ host, transport }) => `${host} ${transport}`),
    ["203.0.113.8 tcp", "203.0.113.8 quic"],
  );
});

test("addresses nearer than the one who tells of them are not believed", () => {
  const { book, receive } = setUp();
  const hosts = (n: number) => [...new Set(book.endpoints(publicKeyOf(n)).map((one) => one.host))];
  receive(1, [record(3, 1, [local, inside, outside])], "203.0.113.9");
  assert.deepEqual(hosts(3), ["203.0.113.7"]);
  receive(1, [record(4, 1, [local, inside])], "203.0.113.9");
  assert.deepEqual(hosts(4), []);
  receive(1, [record(4, 2, [local, inside])], "10.0.0.2");
  assert.deepEqual(hosts(4), ["10.0.0.1"]);
  receive(1, [record(4, 3, [local])], "127.0.0.1");
  assert.deepEqual(hosts(4), ["127.0.0.1"]);
});

test("news of a validator that tells it itself is passed on once, to the others", () => {
  const { exchange, receive, recordsSent } = setUp();
  receive(1, [record(1, 5), record(3, 5), record(70, 5)]);
  exchange.tick(0);
  assert.deepEqual(
    recordsSent().map(([to, { publicKey }]) => [to, publicKey]),
    [[publicKeyOf(2), publicKeyOf(1)]],
  );
  exchange.tick(1);
  assert.deepEqual(recordsSent(), []);
});

test("a question is answered with what is known but of the asker, and not more often than allowed", () => {
  const { exchange, receive, recordsSent } = setUp();
  receive(1, [record(1, 5), record(3, 5), record(70, 5)]);
  const ask = (now: number) =>
    exchange.receive(publicKeyOf(1), "203.0.113.9", encodePeers({ kind: "ask" }), now);
  ask(5_000);
  assert.deepEqual(
    recordsSent().map(([, { publicKey }]) => publicKey),
    [publicKeyOf(3), publicKeyOf(70)],
  );
  ask(5_100);
  assert.deepEqual(recordsSent(), []);
  ask(6_100);
  assert.equal(recordsSent().length, 2);
});

test("an own record from the future is topped, so that a clock set back does no harm", () => {
  const { receive, recordsSent } = setUp();
  receive(1, [record(0, 9_000, [inside])], "10.0.0.1");
  const told = recordsSent().map(([, { sequence, addresses }]) => ({ sequence, addresses }));
  assert.deepEqual(told, Array(2).fill({ sequence: 9_001, addresses: [outside] }));
});

test("strangers are kept up to a number, and one that never answers makes room", () => {
  const { book, receive } = setUp();
  for (const n of [70, 71, 72]) receive(1, [record(n, 1)]);
  assert.equal(book.sequence(publicKeyOf(72)), 0);
  for (let i = 0; i < 8; i += 1) book.failed(publicKeyOf(70));
  receive(1, [record(72, 1)]);
  assert.equal(book.sequence(publicKeyOf(72)), 1);
  assert.equal(book.sequence(publicKeyOf(70)), 0);
});

test("the book saves what changed, with signed records, and reads it again", () => {
  const { book, receive, saved } = setUp();
  receive(1, [record(3, 5)]);
  book.seen(publicKeyOf(3));
  book.failed(publicKeyOf(3));
  book.save();
  assert.equal(saved().length, 1);
  assert.equal(saved()[0]?.failures, 1);
  const lines: LogLine[] = [];
  const again = new AddressBook({
    store: {
      load: () => [...saved(), { ...(saved()[0] as StoredPeer), addresses: ["nonsense"] }],
      save: () => assert.fail("nothing changed"),
    },
    logger: recordingLogger(lines),
    maxFullNodes: 2,
    isValidator: () => true,
  });
  again.load();
  again.save();
  assert.equal(lines.length, 1);
  assert.deepEqual(again.record(publicKeyOf(3)), record(3, 5));
});
