/**
 * Proves: peer ids are those of libp2p, in both directions, and key files refuse what they should.
 * Does not prove: how a key file is protected on disk.
 */
import assert from "node:assert/strict";
import { test } from "node:test";
import fc from "fast-check";
import { fromHex, toHex } from "../../../node/formats/bytes.ts";
import { SigningKey } from "../../../node/formats/ed25519.ts";
import {
  decodeKeyFile,
  encodeKeyFile,
  peerIdOf,
  publicKeyOfPeerId,
} from "../../../node/formats/keys.ts";

/** The first two keys are of RFC 8032, the third of the peer id specification; ids by js-libp2p. */
const peerIds = {
  d75a980182b10ab7d54bfed3c964073a0ee172f3daa62325af021a68f707511a:
    "12D3KooWQK1wnefoLrcVHbbnf5tLzbopUd3K3bFAoJpA7YJgL5pV",
  "3d4017c3e843895a92b70aa74d1b7ebc9c982ccf2ec4968cc0cd55f12af4660c":
    "12D3KooWDwTirQce1RRKnasT5fPVFgzXCy6SiRgSwrwPGLC7zE91",
  "1ed1e8fae2c4a144b8be8fd4b47bf3d3b34b871c3cacf6010f0e42d474fce27e":
    "12D3KooWBtg3aaRMjxwedh83aGiUkwSxDwUZkzuJcfaqUmo7R3pq",
};

test("peer ids are those of libp2p", () => {
  for (const [publicKey, peerId] of Object.entries(peerIds)) {
    assert.equal(peerIdOf(fromHex(publicKey, 32)), peerId);
    assert.equal(toHex(publicKeyOfPeerId(peerId) ?? new Uint8Array()), publicKey);
  }
});

test("every key comes back from its peer id", () => {
  fc.assert(
    fc.property(fc.uint8Array({ minLength: 32, maxLength: 32 }), (publicKey) => {
      assert.deepEqual(publicKeyOfPeerId(peerIdOf(publicKey)), publicKey);
    }),
  );
});

test("other texts are no peer id of an Ed25519 key", () => {
  const good = Object.values(peerIds)[0] as string;
  const others = [
    "",
    "1",
    "0".repeat(52), // not base58
    good.slice(1),
    `1${good}`,
    `${good}1`,
    good.toLowerCase(),
    "QmYyQSo1c1Ym7orWxLYvCrM2EmxFTANf8wXmmE7DWjhx5N", // an RSA key's
  ];
  for (const text of others) assert.equal(publicKeyOfPeerId(text), undefined, text);
});

test("a public key of another length has no peer id", () => {
  assert.throws(() => peerIdOf(new Uint8Array(31)), RangeError);
});

test("a key file gives the key back, with or without white space around", () => {
  const key = SigningKey.generate();
  const text = encodeKeyFile(key);
  assert.match(text, /^[0-9a-f]{64}\n$/);
  for (const variant of [text, text.trim(), ` ${text}\n`])
    assert.equal(toHex(decodeKeyFile(variant).publicKey), toHex(key.publicKey));
});

test("what is no key file is refused without repeating it", () => {
  const secret = "AB".repeat(32);
  for (const text of ["", "ab", secret, `${"ab".repeat(32)}00`, "zz".repeat(32)])
    assert.throws(
      () => decodeKeyFile(text),
      (error: Error) =>
        error instanceof RangeError && (text === "" || !error.message.includes(text)),
    );
});
