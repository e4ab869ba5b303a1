import { toHex } from "../formats/bytes.ts";
import { VerifyingKey } from "../formats/ed25519.ts";
import { RecentMap } from "./recent.ts";
import type { Transaction } from "./transaction.ts";

/** Keys kept ready; checking one for the first time takes a millisecond. */
const MAX_KEYS = 10_000;

/** Checks signatures of transactions under the one acceptance rule of formats/ed25519.ts. */
export class SignatureChecker {
  readonly #keys = new RecentMap<string, VerifyingKey | "unacceptable">(MAX_KEYS);

  verify({ publicKey, message, signature }: Transaction): boolean {
    return this.#key(publicKey)?.verify(message, signature) ?? false;
  }

  /** Whether all are good; on threads of the pool, so the event loop stays free. */
  async verifyAll(transactions: readonly Transaction[]): Promise<boolean> {
    const results = await Promise.all(
      transactions.map(
        ({ publicKey, message, signature }) =>
          this.#key(publicKey)?.verifyAsync(message, signature) ?? false,
      ),
    );
    return results.every(Boolean);
  }

  #key(publicKey: Uint8Array): VerifyingKey | undefined {
    const hex = toHex(publicKey);
    let key = this.#keys.get(hex);
    if (key === undefined) {
      key = keyOf(publicKey);
      this.#keys.set(hex, key);
    }
    return key === "unacceptable" ? undefined : key;
  }
}

function keyOf(publicKey: Uint8Array): VerifyingKey | "unacceptable" {
  try {
    return new VerifyingKey(publicKey);
  } catch (error) {
    if (error instanceof RangeError) return "unacceptable";
    throw error;
  }
}
