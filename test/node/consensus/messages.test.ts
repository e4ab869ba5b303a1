/**
 * Proves: the encodings of votes and certificates and the bytes that are signed are exactly these;
 * what is no encoding is refused; certificates are valid only with a quorum of good signatures.
 * Does not prove: Ed25519 itself (test/node/formats).
 */
import assert from "node:assert/strict";
import { suite, test } from "node:test";
import {
  CertificateError,
  certificateProblem,
  FinalizationVerifier,
} from "../../../node/consensus/certificates.ts";
import {
  assembleCertificate,
  decodeCertificate,
  decodeVote,
  encodeVote,
  finalize,
  notarize,
  nullify,
  signBytes,
  type Statement,
} from "../../../node/consensus/messages.ts";
import { ed25519Scheme, ValidatorSet } from "../../../node/consensus/validators.ts";
import { DecodeError } from "../../../node/formats/binary.ts";
import { toHex } from "../../../node/formats/bytes.ts";
import { SigningKey } from "../../../node/formats/ed25519.ts";

const genesisHash = new Uint8Array(32).fill(0xaa);
const block = { epoch: 0, view: 7, parentView: 5, payload: new Uint8Array(32).fill(0xbb) };
/** RFC 8032 keys of the seeds 01…01 to 04…04, in the order of their public keys. */
const keys = [1, 2, 3, 4]
  .map((byte) => new SigningKey(new Uint8Array(32).fill(byte)))
  .sort((a, b) => Buffer.compare(a.publicKey, b.publicKey));
const publicKeys = keys.map(({ publicKey }) => toHex(publicKey));
const validators = new ValidatorSet(publicKeys, genesisHash);
const scheme = ed25519Scheme(validators);

const a32 = "aa".repeat(32);
const round = "0000000000000000" + "0000000000000007"; // epoch, view
const body = round + "0000000000000005" + "bb".repeat(32); // parent view, payload

function voteOf(statement: Statement, signer: number) {
  const signature = keys[signer]!.sign(signBytes(genesisHash, statement));
  return { statement, signer, signature };
}

function certificateOf(statement: Statement, signers: readonly number[]) {
  const votes = signers.map((signer) => voteOf(statement, signer));
  return assembleCertificate(statement, votes, 4);
}

suite("golden bytes", () => {
  test("what is signed: length of the domain, domain, genesis hash, body", () => {
    const domain = (kind: string) => Buffer.from(`guts/simplex/v1/${kind}`).toString("hex");
    assert.equal(
      toHex(signBytes(genesisHash, notarize(block))),
      `18${domain("notarize")}${a32}${body}`,
    );
    assert.equal(
      toHex(signBytes(genesisHash, finalize(block))),
      `18${domain("finalize")}${a32}${body}`,
    );
    assert.equal(
      toHex(signBytes(genesisHash, nullify(0, 7))),
      `17${domain("nullify")}${a32}${round}`,
    );
  });

  test("votes: kind, body, signer, signature", () => {
    assert.equal(
      toHex(encodeVote(voteOf(nullify(0, 7), 2))),
      `01${round}0002` +
        "e11562ef9629337c1a021e6905d332ee920719c72a9fd8496b501097a34aae46" +
        "8c49507a7b0a1154794a33be620acfbc7c84e42ceacd088daf4736535db47300",
    );
    assert.equal(
      toHex(encodeVote(voteOf(notarize(block), 2))),
      `00${body}0002` +
        "09ab99cc03f31ba24ab614e481784cb24ca533ce18c78354581fa83a7bc12233" +
        "68ab144f15f464f87664b48251dc3a37c1779ed1df9feb4e7d0fd2aa6c1e3c09",
    );
  });

  test("certificates: kind, body, bitmap, signatures by index", () => {
    assert.equal(
      toHex(certificateOf(finalize(block), [0, 2, 3]).bytes),
      `02${body}0d` +
        "4551d7ff4ff850d3c5d203c94e97cec7c1417c09c331a8ec2de6f8eee7d5c392" +
        "90eee630fe654eb1da469819ada6bf312dab5049a414a166716acae47f874b0a" +
        "965f36785ea54e97da5a6744aec1a7cc6fabd7850890889af30292a0aac2a03d" +
        "ff732addeb6ba79003bff768a0255401980f634db641ba2dc21ad38f84ae4e0c" +
        "5e6f06727d715b858ef1b1b0241d0bc56b2717ded2016e84663b0e7bdbfe842b" +
        "8397a4e6cc69aab9cff0bbd824f9fbe2a2c393bb0a7ed912fd55544307e7c30e",
    );
  });
});

suite("decoding", () => {
  test("what was encoded comes back", () => {
    for (const statement of [notarize(block), finalize(block), nullify(0, 7)]) {
      const vote = voteOf(statement, 1);
      assert.deepEqual(decodeVote(encodeVote(vote)), vote);
      const certificate = certificateOf(statement, [0, 1, 3]);
      assert.deepEqual(decodeCertificate(certificate.bytes, 4), certificate);
    }
  });

  test("every other length, an unknown kind and view 0 are refused", () => {
    const vote = encodeVote(voteOf(notarize(block), 1));
    for (let length = 0; length < vote.length; length++)
      assert.throws(() => decodeVote(vote.subarray(0, length)), DecodeError);
    assert.throws(() => decodeVote(Buffer.concat([vote, Buffer.of(0)])), DecodeError);
    assert.throws(() => decodeVote(Buffer.concat([Buffer.of(3), vote.subarray(1)])), DecodeError);
    const zero = encodeVote(voteOf(nullify(0, 0), 1));
    assert.throws(() => decodeVote(zero), /view 0/);
    const certificate = certificateOf(finalize(block), [0, 1, 2]).bytes;
    for (let length = 0; length < certificate.length; length++)
      assert.throws(() => decodeCertificate(certificate.subarray(0, length), 4), DecodeError);
  });

  test("stray bits behind the last validator are refused", () => {
    const { bytes } = certificateOf(nullify(0, 7), [0, 1, 2]);
    const stray = Uint8Array.from([...bytes, ...new Uint8Array(64)]);
    stray[17]! |= 0x10;
    assert.throws(() => decodeCertificate(stray, 4), /signer 4/);
  });
});

suite("certificate validity", () => {
  test("a quorum or more is valid, fewer are not", () => {
    const problem = (signers: number[]) =>
      certificateProblem(certificateOf(finalize(block), signers), validators, scheme);
    assert.equal(problem([0, 2, 3]), undefined);
    assert.equal(problem([0, 1, 2, 3]), undefined);
    assert.match(problem([0, 3])!, /got 2 signatures, needed: 3/);
  });

  test("one bad signature among more than enough, another epoch and another kind are not", () => {
    const good = certificateOf(finalize(block), [0, 1, 2, 3]);
    const signatures = good.signatures.with(3, good.signatures[0]!);
    assert.match(certificateProblem({ ...good, signatures }, validators, scheme)!, /validator 3/);
    const foreign = certificateOf(nullify(1, 7), [0, 1, 2]);
    assert.match(certificateProblem(foreign, validators, scheme)!, /epoch 1/);
    const notarization = certificateOf(notarize(block), [0, 1, 2]);
    const relabelled = { ...notarization, statement: finalize(block) };
    assert.match(certificateProblem(relabelled, validators, scheme)!, /bad signature/);
  });

  test("swapped signatures are not", () => {
    const { statement, signers, signatures, bytes } = certificateOf(finalize(block), [0, 1, 2]);
    const swapped = [signatures[1]!, signatures[0]!, signatures[2]!];
    const certificate = { statement, signers, signatures: swapped, bytes };
    assert.match(certificateProblem(certificate, validators, scheme)!, /bad signature/);
  });
});

suite("finalization verifier", () => {
  const verifier = new FinalizationVerifier([...publicKeys].reverse(), toHex(genesisHash));

  test("reads a valid finalization", () => {
    const proof = verifier.verify(certificateOf(finalize(block), [0, 2, 3]).bytes);
    assert.deepEqual(
      { ...proof, signatures: proof.signatures.length },
      {
        epoch: 0,
        view: 7,
        parentView: 5,
        payload: block.payload,
        signers: [0, 2, 3],
        signerKeys: [0, 2, 3].map((index) => publicKeys[index]),
        signatures: 3,
      },
    );
  });

  test("refuses another kind, another chain, too few signers and noise", () => {
    const refuse = (bytes: Uint8Array, reason: RegExp) =>
      assert.throws(
        () => verifier.verify(bytes),
        (error) => error instanceof CertificateError && reason.test(error.message),
      );
    refuse(certificateOf(notarize(block), [0, 1, 2]).bytes, /notarize votes/);
    refuse(certificateOf(finalize(block), [0, 1]).bytes, /needed: 3/);
    refuse(new Uint8Array(10), /bytes/);
    const other = new FinalizationVerifier(publicKeys, "cc".repeat(32));
    const { bytes } = certificateOf(finalize(block), [0, 1, 2]);
    assert.throws(() => other.verify(bytes), /bad signature/);
  });
});
