/** Checks signatures of validators; the simulator puts a cheap scheme here. */
export interface SignatureScheme {
  /** False also for a signer that does not exist. */
  verify(signer: number, message: Uint8Array, signature: Uint8Array): boolean;
}

/** Signs with the node's own key. Deterministic, as Ed25519 is: same message, same bytes. */
export type Signer = (message: Uint8Array) => Uint8Array;
