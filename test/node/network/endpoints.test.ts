/**
 * Proves: addresses and bootstrap settings are read, written and classified, and mistakes are named.
 * Does not prove: that the addresses answer.
 */
import assert from "node:assert/strict";
import test from "node:test";
import { peerIdOf } from "../../../node/formats/keys.ts";
import {
  formatEndpoint,
  parseBootstrap,
  parseEndpoint,
  peerIdOfHex,
  reachOf,
} from "../../../node/network/endpoints.ts";
import { keyOf, publicKeyOf } from "./support/nodes.ts";

test("reads multiaddrs of TCP and QUIC, with and without peer id, and writes them again", () => {
  for (const address of [
    "/ip4/203.0.113.7/tcp/9000",
    "/ip6/2001:db8::1/udp/9000/quic-v1",
    "/dns4/v.example/tcp/1",
    "/dns/v.example/udp/65535/quic-v1",
  ]) {
    assert.equal(formatEndpoint(parseEndpoint(address)), address);
    const withPeer = `${address}/p2p/${peerIdOfHex(publicKeyOf(1))}`;
    assert.equal(formatEndpoint(parseEndpoint(withPeer)), address);
  }
});

test("refuses other addresses and names them", () => {
  for (const address of [
    "",
    "127.0.0.1:9000",
    "/ip4/1.2.3.4",
    "/ip4/1.2.3.4/udp/9000",
    "/ip4/1.2.3.4/tcp/9000/ws",
    "/ip4/1.2.3.4/tcp/99999",
    "/unix/tmp",
    `/dns4/${"a".repeat(300)}/tcp/1`,
  ])
    assert.throws(() => parseEndpoint(address), /got the address .*allowed: \/ip4/, address);
});

test("reads bootstrap peers by public key or peer id, host or multiaddr", () => {
  const publicKey = publicKeyOf(1);
  const peerId = peerIdOf(keyOf(1).publicKey);
  const expected = (address: string) => ({
    publicKey,
    endpoints: [parseEndpoint(`${address}/tcp/9000`), parseEndpoint(`${address}/udp/9000/quic-v1`)],
  });
  assert.deepEqual(parseBootstrap(`${publicKey}@127.0.0.1:9000`), expected("/ip4/127.0.0.1"));
  assert.deepEqual(parseBootstrap(`${peerId}@seed.example:9000`), expected("/dns4/seed.example"));
  assert.deepEqual(parseBootstrap(`${peerId}@[::1]:9000`), expected("/ip6/::1"));
  assert.deepEqual(
    parseBootstrap(`/ip4/10.0.0.1/udp/9000/quic-v1/p2p/${peerId}`),
    expected("/ip4/10.0.0.1"),
  );
});

test("refuses other bootstrap settings and says what is wrong", () => {
  for (const [setting, problem] of [
    ["/ip4/10.0.0.1/tcp/9000", /no \/p2p/],
    ["127.0.0.1:9000", /not <public key/],
    [`${publicKeyOf(1)}@host`, /not <public key/],
    [`${publicKeyOf(1)}@host:0`, /the port/],
    ["QmbWqxBEKC3P8tqsKc98xmWNzrzDtRLMiMPL8wBuTGsMnR@host:1", /no Ed25519/],
  ] as const)
    assert.throws(() => parseBootstrap(setting), problem, setting);
});

test("knows how far an address reaches", () => {
  assert.equal(reachOf("127.0.0.53"), "loopback");
  assert.equal(reachOf("::1"), "loopback");
  assert.equal(reachOf("192.168.1.1"), "private");
  assert.equal(reachOf("fd00::1"), "private");
  assert.equal(reachOf("203.0.113.7"), "public");
  assert.equal(reachOf("v.example"), "public");
});
