import type { SignatureScheme, Signer } from "../../node/consensus/scheme.ts";
import { SIGNATURE_BYTES } from "../../node/formats/ed25519.ts";

/**
 * A cheap stand-in for Ed25519: 64 bytes that depend on the signer and on every byte of the message.
 * Deterministic like it; unforgeable only in that the simulated adversary does not forge.
 */
export function fakeSigner(signer: number): Signer {
  return (message) => fakeSignature(signer, message);
}

export const fakeScheme: SignatureScheme = {
  verify(signer, message, signature) {
    return Buffer.compare(fakeSignature(signer, message), signature) === 0;
  },
};

function fakeSignature(signer: number, message: Uint8Array): Uint8Array {
  let a = 0x811c9dc5 ^ signer;
  let b = 0x9e3779b9 + signer;
  for (let i = 0; i < message.length; i++) {
    a = Math.imul(a ^ message[i]!, 0x01000193);
    b = Math.imul(b + message[i]!, 0x85ebca6b) ^ (b >>> 13);
  }
  const signature = new Uint8Array(SIGNATURE_BYTES);
  const view = new DataView(signature.buffer);
  for (let i = 0; i < SIGNATURE_BYTES; i += 8) {
    view.setUint32(i, a);
    view.setUint32(i + 4, b);
    a = Math.imul(a ^ b, 0x01000193);
    b = Math.imul(b + i, 0x85ebca6b) ^ a;
  }
  return signature;
}
