import type { AddressBook } from "./address-book.ts";
import type { WantedPeer } from "./dialer.ts";
import {
  type BootstrapPeer,
  type Endpoint,
  parseBootstrap,
  parseEndpoint,
  withBothTransports,
} from "./endpoints.ts";
import type { NetworkLimits } from "./limits.ts";
import type { NetworkValidator, NetworkOptions } from "./options.ts";

/** Who is worth dialing, and where: genesis, bootstrap setting and address book together. */
export class KnownPeers {
  readonly #self: string;
  readonly #role: NetworkOptions["role"];
  readonly #limits: NetworkLimits;
  readonly #book: AddressBook;
  readonly #validators: ReadonlyMap<string, NetworkValidator>;
  readonly #bootstrap: readonly BootstrapPeer[];
  readonly #genesisEndpoints: ReadonlyMap<string, readonly Endpoint[]>;

  /** @throws RangeError for an address that cannot be read */
  constructor(self: string, options: NetworkOptions, limits: NetworkLimits, book: AddressBook) {
    this.#self = self;
    this.#role = options.role;
    this.#limits = limits;
    this.#book = book;
    this.#validators = new Map(options.validators.map((one) => [one.publicKey, one]));
    this.#bootstrap = options.bootstrap.map(parseBootstrap);
    this.#genesisEndpoints = new Map(
      options.validators.map(({ publicKey, p2pAddress }) => [
        publicKey,
        p2pAddress === undefined ? [] : withBothTransports(parseEndpoint(p2pAddress)),
      ]),
    );
  }

  isValidator(publicKey: string): boolean {
    return this.#validators.has(publicKey);
  }

  isBootstrap(publicKey: string): boolean {
    return this.#bootstrap.some((peer) => peer.publicKey === publicKey);
  }

  nameOf(publicKey: string): string | undefined {
    return this.#validators.get(publicKey)?.name;
  }

  get validatorCount(): number {
    return this.#validators.size;
  }

  /**
   * A validator wants every other validator; every node wants its bootstrap peers; a full node wants
   * some more until it has enough.
   */
  wanted(connectedPeers: number, banned: (publicKey: string) => boolean): WantedPeer[] {
    const keys = new Set(this.#bootstrap.map(({ publicKey }) => publicKey));
    if (this.#role === "validator" || connectedPeers < this.#limits.targetPeers)
      for (const publicKey of this.#validators.keys()) keys.add(publicKey);
    if (this.#role === "full" && connectedPeers < this.#limits.targetPeers)
      for (const publicKey of this.#book.keys()) keys.add(publicKey);
    keys.delete(this.#self);
    return [...keys]
      .filter((publicKey) => !banned(publicKey))
      .map((publicKey) => ({
        publicKey,
        endpoints: () => this.#endpoints(publicKey),
        // Validators and bootstrap peers are dialed at once whatever happened in an earlier run.
        failures:
          this.isValidator(publicKey) || this.isBootstrap(publicKey)
            ? 0
            : this.#book.failures(publicKey),
      }));
  }

  #endpoints(publicKey: string): Endpoint[] {
    const bootstrap = this.#bootstrap
      .filter((peer) => peer.publicKey === publicKey)
      .flatMap(({ endpoints }) => endpoints);
    const genesis = this.#genesisEndpoints.get(publicKey) ?? [];
    return [...this.#book.endpoints(publicKey), ...bootstrap, ...genesis];
  }
}
