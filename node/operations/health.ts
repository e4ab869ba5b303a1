import { maximumFaults, quorumSize } from "../consensus/validators.ts";
import type { PeerInfo } from "../network/ports.ts";

export interface HealthCheck {
  readonly status: "up" | "down";
  readonly reason?: string;
}

/** What the answer depends on. */
export interface HealthInputs {
  /** Throws or returns a reason when the disk takes no writes. */
  storage(): string | undefined;
  height(): number;
  peers(): readonly PeerInfo[];
  readonly validators: readonly string[];
  /** Own public key if this node votes. */
  readonly votes: string | undefined;
  readonly maxLag: number;
}

/** Liveness, readiness and start-up of one node. */
export class Health {
  readonly #inputs: HealthInputs;
  readonly #startedAt = performance.now();
  #started: number | undefined;
  #draining = false;

  constructor(inputs: HealthInputs) {
    this.#inputs = inputs;
  }

  /** Every service is running. */
  markStarted(): void {
    this.#started = performance.now();
  }

  /** The node was asked to stop: it is alive, but should get no new work. */
  markDraining(): void {
    this.#draining = true;
  }

  get draining(): boolean {
    return this.#draining;
  }

  get uptimeSeconds(): number {
    return Math.floor((performance.now() - this.#startedAt) / 1000);
  }

  /** Milliseconds from the start of the process to the last service; undefined before that. */
  get startupMs(): number | undefined {
    return this.#started === undefined ? undefined : Math.round(this.#started);
  }

  checks(): Readonly<Record<"startup" | "storage" | "p2p" | "sync", HealthCheck>> {
    return {
      startup: this.#startup(),
      storage: this.#storage(),
      p2p: this.#p2p(),
      sync: this.#sync(),
    };
  }

  #startup(): HealthCheck {
    if (this.#draining) return down("the node is stopping");
    return this.#started === undefined ? down("services are still starting") : { status: "up" };
  }

  #storage(): HealthCheck {
    const reason = this.#inputs.storage();
    return reason === undefined ? { status: "up" } : down(reason);
  }

  #p2p(): HealthCheck {
    const { validators, votes } = this.#inputs;
    const connected = new Set(this.#inputs.peers().map(({ publicKey }) => publicKey));
    if (votes === undefined)
      return connected.size > 0 ? { status: "up" } : down("no peer is connected");
    const reached = validators.filter((key) => key === votes || connected.has(key)).length;
    const needed = quorumSize(validators.length);
    if (reached >= needed) return { status: "up" };
    return down(`${reached} of ${validators.length} validators reached, needed: ${needed}`);
  }

  #sync(): HealthCheck {
    const lag = this.lag();
    if (lag <= this.#inputs.maxLag) return { status: "up" };
    return down(`${lag} blocks behind the network, allowed: ${this.#inputs.maxLag}`);
  }

  /** Blocks this node is behind what its peers say; one liar alone cannot raise it. */
  lag(): number {
    const { validators } = this.#inputs;
    const peers = this.#inputs.peers();
    const known = new Set(validators);
    const voters = peers.filter(({ publicKey }) => known.has(publicKey));
    const heights = (voters.length > 0 ? voters : peers)
      .map(({ height }) => height)
      .sort((a, b) => b - a);
    const faults = maximumFaults(validators.length);
    const claimed = heights[Math.min(faults, heights.length - 1)] ?? 0;
    return Math.max(0, claimed - this.#inputs.height());
  }
}

function down(reason: string): HealthCheck {
  return { status: "down", reason };
}
