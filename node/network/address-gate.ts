import { reachOf } from "./endpoints.ts";
import type { NetworkLimits } from "./limits.ts";
import { TokenBucket } from "./token-bucket.ts";

const MAX_ADDRESSES = 4096;
const BURST_SECONDS = 2;

/**
 * New connections per IP address: a handshake costs milliseconds of CPU, so strangers may not start
 * them at will. Private addresses, behind which a whole local network may stand, may start many.
 */
export class AddressGate {
  readonly #limits: NetworkLimits;
  readonly #buckets = new Map<string, TokenBucket>();

  constructor(limits: NetworkLimits) {
    this.#limits = limits;
  }

  admit(host: string, now: number): boolean {
    let bucket = this.#buckets.get(host);
    if (!bucket) {
      if (this.#buckets.size >= MAX_ADDRESSES) this.#forget(now);
      const { connectionsPerAddress, connectionsPerPrivateAddress } = this.#limits;
      const rate =
        reachOf(host) === "public" ? connectionsPerAddress : connectionsPerPrivateAddress;
      bucket = new TokenBucket(rate, BURST_SECONDS, now);
      this.#buckets.set(host, bucket);
    }
    return bucket.take(1, now);
  }

  #forget(now: number): void {
    for (const [host, bucket] of this.#buckets) {
      if (bucket.waitMs(now) === 0) this.#buckets.delete(host);
      if (this.#buckets.size < MAX_ADDRESSES / 2) return;
    }
    if (this.#buckets.size >= MAX_ADDRESSES) this.#buckets.clear();
  }
}
