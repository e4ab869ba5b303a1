import { DecodeError } from "../formats/binary.ts";
import { fromHex } from "../formats/bytes.ts";
import { type Certificate, decodeCertificate, signBytes } from "./messages.ts";
import type { SignatureScheme } from "./scheme.ts";
import { ed25519Scheme, ValidatorSet } from "./validators.ts";

/** Tells whether this signature of this signer under the same statement was verified before. */
export type AlreadyVerified = (signer: number, signature: Uint8Array) => boolean;

/**
 * What is wrong with a certificate, if anything. It needs our epoch and at least a quorum of valid
 * signatures; more than a quorum is allowed, and all must be valid. Bitmap and order were checked
 * by decoding.
 */
export function certificateProblem(
  certificate: Certificate,
  validators: ValidatorSet,
  scheme: SignatureScheme,
  verified: AlreadyVerified = () => false,
): string | undefined {
  const { statement, signers, signatures } = certificate;
  if (statement.epoch !== validators.epoch)
    return `got epoch ${statement.epoch}, allowed: ${validators.epoch}`;
  if (signers.length < validators.quorum)
    return `got ${signers.length} signatures, needed: ${validators.quorum}`;
  const message = signBytes(validators.genesisHash, statement);
  for (const [position, signer] of signers.entries()) {
    const signature = signatures[position]!;
    if (!verified(signer, signature) && !scheme.verify(signer, message, signature))
      return `got a bad signature of validator ${signer}`;
  }
  return undefined;
}

/** What a verified finalization certificate says. */
export interface VerifiedFinalization {
  readonly epoch: number;
  readonly view: number;
  readonly parentView: number;
  /** Digest of the finalized block. */
  readonly payload: Uint8Array;
  /** Indices of the signers, ascending, among the validators sorted by public key. */
  readonly signers: readonly number[];
  /** Public keys of the signers, 64 hexadecimal digits each. */
  readonly signerKeys: readonly string[];
  /** In the order of `signers`. */
  readonly signatures: readonly Uint8Array[];
}

/** Verifies finalization certificates of one chain, with nothing but its genesis. */
export class FinalizationVerifier {
  readonly #validators: ValidatorSet;
  readonly #scheme: SignatureScheme;

  /**
   * @param publicKeys the validators of the genesis, in any order
   * @param genesisHash 64 hexadecimal digits
   */
  constructor(publicKeys: readonly string[], genesisHash: string) {
    this.#validators = new ValidatorSet(publicKeys, fromHex(genesisHash, 32));
    this.#scheme = ed25519Scheme(this.#validators);
  }

  /**
   * @param bytes an encoded certificate
   * @throws CertificateError when it is no valid finalization of this chain
   */
  verify(bytes: Uint8Array): VerifiedFinalization {
    const certificate = this.#decode(bytes);
    const { statement, signers, signatures } = certificate;
    if (statement.kind !== "finalize")
      throw new CertificateError(`got a certificate of ${statement.kind} votes, allowed: finalize`);
    const problem = certificateProblem(certificate, this.#validators, this.#scheme);
    if (problem !== undefined) throw new CertificateError(problem);
    const { epoch, view, parentView, payload } = statement.proposal;
    const signerKeys = signers.map((signer) => this.#validators.keyAt(signer));
    return { epoch, view, parentView, payload, signers, signerKeys, signatures };
  }

  #decode(bytes: Uint8Array): Certificate {
    try {
      return decodeCertificate(bytes, this.#validators.size);
    } catch (error) {
      if (error instanceof DecodeError) throw new CertificateError(error.message);
      throw error;
    }
  }
}

/** A certificate that proves nothing; the message says why. */
export class CertificateError extends Error {
  override readonly name = "CertificateError";
}
