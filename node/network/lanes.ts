import type { FrameStream } from "./frame-stream.ts";
import type { Outbox } from "./outbox.ts";
import { type LaneName, lanesByUrgency } from "./protocols.ts";

export interface LanesOptions {
  open(name: LaneName): Promise<FrameStream>;
  /** A lane can be written to now. */
  opened(): void;
  failed(reason: string): void;
}

interface Lane {
  readonly name: LaneName;
  readonly outbox: Outbox;
  opening: boolean;
}

/** Large messages leave in such portions, so that a vote never waits behind a whole block. */
export const BUDGET_BYTES = 256 * 1024;

/** The streams that this node opened on one connection, each when it first had something to say. */
export class Lanes {
  readonly #options: LanesOptions;
  readonly #streams = new Map<LaneName, FrameStream>();
  #lanes: Lane[] = [];

  constructor(options: LanesOptions) {
    this.#options = options;
  }

  streams(): Iterable<FrameStream> {
    return this.#streams.values();
  }

  attach(outboxes: ReadonlyMap<LaneName, Outbox>): void {
    this.#lanes = lanesByUrgency.map((name) => ({
      name,
      outbox: outboxes.get(name) as Outbox,
      opening: false,
    }));
  }

  /** The outboxes go elsewhere. Streams stay open: a reset would end what is still read. */
  detach(): void {
    for (const { outbox } of this.#lanes) outbox.restartHead();
    this.#lanes = [];
  }

  /** Writes, most urgent first; true when there is more for a later tick. */
  pump(now: number): boolean {
    let more = false;
    for (const lane of this.#lanes) {
      const stream = this.#streams.get(lane.name);
      if (stream) more = stream.pump(lane.outbox, BUDGET_BYTES, now) || more;
      else if (!lane.opening && lane.outbox.length > 0) void this.#open(lane);
    }
    return more;
  }

  async #open(lane: Lane): Promise<void> {
    lane.opening = true;
    try {
      this.#streams.set(lane.name, await this.#options.open(lane.name));
      this.#options.opened();
    } catch (error) {
      this.#options.failed(`cannot open stream ${lane.name}: ${(error as Error).message}`);
    }
  }
}
