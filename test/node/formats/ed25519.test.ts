/**
 * Proves: signatures are those of RFC 8032, and the acceptance rule refuses every malformed key and
 * signature in which implementations are known to differ.
 * Does not prove: that OpenSSL's arithmetic is right, or anything about timing.
 */
import assert from "node:assert/strict";
import { test } from "node:test";
import fc from "fast-check";
import { fromHex, toHex } from "../../../node/formats/bytes.ts";
import { publicKeyProblem, SigningKey, VerifyingKey } from "../../../node/formats/ed25519.ts";

/** RFC 8032 section 7.1: TEST 1, 2, 3 and TEST SHA(abc). */
const vectors = [
  {
    seed: "9d61b19deffd5a60ba844af492ec2cc44449c5697b326919703bac031cae7f60",
    publicKey: "d75a980182b10ab7d54bfed3c964073a0ee172f3daa62325af021a68f707511a",
    message: "",
    signature:
      "e5564300c360ac729086e2cc806e828a84877f1eb8e5d974d873e065224901555fb8821590a33bacc61e39701cf9b46bd25bf5f0595bbe24655141438e7a100b",
  },
  {
    seed: "4ccd089b28ff96da9db6c346ec114e0f5b8a319f35aba624da8cf6ed4fb8a6fb",
    publicKey: "3d4017c3e843895a92b70aa74d1b7ebc9c982ccf2ec4968cc0cd55f12af4660c",
    message: "72",
    signature:
      "92a009a9f0d4cab8720e820b5f642540a2b27b5416503f8fb3762223ebdb69da085ac1e43e15996e458f3613d0f11d8c387b2eaeb4302aeeb00d291612bb0c00",
  },
  {
    seed: "c5aa8df43f9f837bedb7442f31dcb7b166d38535076f094b85ce3a2e0b4458f7",
    publicKey: "fc51cd8e6218a1a38da47ed00230f0580816ed13ba3303ac5deb911548908025",
    message: "af82",
    signature:
      "6291d657deec24024827e69c3abe01a30ce548a284743a445e3680d7db5ac3ac18ff9b538d16f290ae67f760984dc6594a7c15e9716ed28dc027beceea1ec40a",
  },
  {
    seed: "833fe62409237b9d62ec77587520911e9a759cec1d19755b7da901b96dca3d42",
    publicKey: "ec172b93ad5e563bf4932c70e1245034c35467ef2efd4d64ebf819683467e2bf",
    message:
      "ddaf35a193617abacc417349ae20413112e6fa4e89a97ea20a9eeee64b55d39a2192992a274fc1a836ba3c23a3feebbd454d4423643ce80e2a9ac94fa54ca49f",
    signature:
      "dc2a4459e7369633a52b1bf277839a00201009a3efbf3ecb69bea2186c26b58909351fc9ac90b3ecfdfbc7c66431e0303dca179c138ac17ad9bef1177331a704",
  },
];

/** The encodings of the eight points of small order, with either sign bit and with y + p. */
const smallOrder = [
  "0000000000000000000000000000000000000000000000000000000000000000",
  "0100000000000000000000000000000000000000000000000000000000000000",
  "ecffffffffffffffffffffffffffffffffffffffffffffffffffffffffffff7f",
  "c7176a703d4dd84fba3c0b760d10670f2a2053fa2c39ccc64ec7fd7792ac037a",
  "26e8958fc2b227b045c3f489f2ef98f0d5dfac05d3c63339b13802886d53fc05",
  "edffffffffffffffffffffffffffffffffffffffffffffffffffffffffffff7f",
  "eeffffffffffffffffffffffffffffffffffffffffffffffffffffffffffff7f",
].flatMap((hex) => [hex, withSignBit(hex)]);

/** The public key of TEST 1 plus a point of order 8, 4 and 2. */
const mixedOrder = [
  "3b5b475c4b82dd1572799fc546f4c6c03e478c6654aa4c7f945b347ea32af60d",
  "40c7570f4dd54835b9131184410ed4a0cc93e7d9ad053cbc6d07a62426999582",
  "16a567fe7d4ef5482ab4012c369bf8c5f11e8d0c2559dcda50fde59708f8aee5",
];

/** The order of the base point, RFC 8032 section 5.1. */
const ORDER = 2n ** 252n + 27742317777372353535851937790883648493n;

const bytes = (hex: string) => fromHex(hex, hex.length / 2);

function withSignBit(hex: string): string {
  return hex.slice(0, 62) + (Number.parseInt(hex.slice(62), 16) | 0x80).toString(16);
}

function plusOrder(signature: Uint8Array): Uint8Array {
  const s = BigInt(`0x${Buffer.from(signature.subarray(32)).reverse().toString("hex")}`) + ORDER;
  const little = Buffer.from(s.toString(16).padStart(64, "0"), "hex").reverse();
  return new Uint8Array([...signature.subarray(0, 32), ...little]);
}

for (const [i, vector] of vectors.entries())
  test(`RFC 8032 vector ${i + 1}`, async () => {
    const key = new SigningKey(bytes(vector.seed));
    const [message, signature] = [bytes(vector.message), bytes(vector.signature)];
    assert.equal(toHex(key.publicKey), vector.publicKey);
    assert.equal(toHex(key.sign(message)), vector.signature);
    const verifying = new VerifyingKey(key.publicKey);
    assert.equal(verifying.verify(message, signature), true);
    assert.equal(await verifying.verifyAsync(message, signature), true);
  });

const [first] = vectors;
const key = new VerifyingKey(bytes(first?.publicKey ?? ""));
const message = Buffer.from("guts");

test("no change to a signature or its message passes, in either way of checking", async () => {
  const signing = new SigningKey(bytes(first?.seed ?? ""));
  await fc.assert(
    fc.asyncProperty(fc.uint8Array({ maxLength: 40 }), fc.nat(511), async (text, bit) => {
      const signature = signing.sign(text);
      assert.equal(key.verify(text, signature), true);
      const changed = signature.slice();
      changed[bit >> 3] = (changed[bit >> 3] as number) ^ (1 << (bit & 7));
      assert.equal(key.verify(text, changed), false);
      assert.equal(await key.verifyAsync(text, changed), false);
      assert.equal(key.verify(new Uint8Array([...text, 0]), signature), false);
    }),
    { numRuns: 50 },
  );
});

test("S + L is refused: a signature has one encoding", async () => {
  for (const { message: text, signature } of vectors) {
    const malleated = plusOrder(bytes(signature));
    assert.notEqual(toHex(malleated), signature);
    assert.equal(key.verify(bytes(text), malleated), false);
    assert.equal(await key.verifyAsync(bytes(text), malleated), false);
  }
});

test("S at and around the group order is refused", () => {
  const r = bytes(first?.signature ?? "").subarray(0, 32);
  for (const s of [ORDER, ORDER + 1n, 2n ** 253n, 2n ** 256n - 1n]) {
    const little = Buffer.from(s.toString(16).padStart(64, "0"), "hex").reverse();
    assert.equal(key.verify(new Uint8Array(), new Uint8Array([...r, ...little])), false, `${s}`);
  }
});

test("signatures of another length are refused", async () => {
  const signature = bytes(first?.signature ?? "");
  for (const wrong of [new Uint8Array(), signature.subarray(0, 63), new Uint8Array(65)]) {
    assert.equal(key.verify(new Uint8Array(), wrong), false);
    assert.equal(await key.verifyAsync(new Uint8Array(), wrong), false);
  }
});

test("the 14 small-order encodings are refused as keys and as R", () => {
  assert.equal(new Set(smallOrder).size, 14);
  for (const hex of smallOrder) {
    assert.match(publicKeyProblem(bytes(hex)) ?? "", /small order/, hex);
    assert.throws(() => new VerifyingKey(bytes(hex)), RangeError);
    assert.equal(
      key.verify(message, new Uint8Array([...bytes(hex), ...new Uint8Array(32)])),
      false,
    );
  }
});

test("a valid key that signs with R = the identity is refused", () => {
  // Made for "guts" with the private key of TEST 1 and r = 0: implementations differ on it.
  const signature =
    "0100000000000000000000000000000000000000000000000000000000000000" +
    "daff74e43d151dbbea354cc492d9546bccf0d7137b9e535a9fdab3328c326f0c";
  assert.equal(key.verify(message, bytes(signature)), false);
});

test("a signature whose R has a torsion part is refused", () => {
  // Made for "guts" with the private key of TEST 1, r = 12345 and a point of order 8 added to R:
  // an implementation that multiplies by the cofactor takes it.
  const signature =
    "cdbc161be64c4302f56443ff29ccf36a2075be1a1fa67ff126b56315f5681c38" +
    "132555ef8a1754a41bb0d072ad649363a65d8dd4d87c6081c11d5883a1e7f50d";
  assert.equal(key.verify(message, bytes(signature)), false);
});

test("keys of mixed order are refused", () => {
  for (const hex of mixedOrder) {
    assert.match(publicKeyProblem(bytes(hex)) ?? "", /not torsion-free/, hex);
    assert.throws(() => new VerifyingKey(bytes(hex)), RangeError);
  }
});

test("keys that encode no point, or not in the one way, are refused", () => {
  // y = 2 is on no point; y = p + 3 is y = 3 in a second encoding.
  const noPoint = "0200000000000000000000000000000000000000000000000000000000000000";
  const secondEncoding = "f0ffffffffffffffffffffffffffffffffffffffffffffffffffffffffffff7f";
  for (const hex of [noPoint, secondEncoding])
    assert.match(publicKeyProblem(bytes(hex)) ?? "", /not the encoding of a point/, hex);
  for (const length of [0, 31, 33])
    assert.match(publicKeyProblem(new Uint8Array(length)) ?? "", /exactly 32/);
});

test("a generated key is acceptable and never shows its seed", () => {
  const generated = SigningKey.generate();
  assert.equal(publicKeyProblem(generated.publicKey), undefined);
  const shown = JSON.stringify({ generated }) + String(generated);
  assert.ok(!shown.includes(toHex(generated.seed())));
  generated.seed().fill(0);
  assert.notEqual(toHex(generated.seed()), "00".repeat(32));
});

test("a seed of another length is refused", () => {
  for (const length of [0, 31, 33, 64])
    assert.throws(() => new SigningKey(new Uint8Array(length)), RangeError);
});
