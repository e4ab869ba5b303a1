import type { ChainReader } from "../chain/ports.ts";
import { decodeTransaction } from "../chain/transaction.ts";
import { BinaryReader, BinaryWriter, DecodeError } from "../formats/binary.ts";
import { fromHex } from "../formats/bytes.ts";
import type { Network } from "../network/ports.ts";
import type { Startable } from "./run.ts";

/** Transactions taken in within this time leave in one message. */
const BATCH_MS = 5;
const MAX_BATCH_BYTES = 60 * 1024;
/**
 * A full node keeps its own transactions until they settle, to tell them again to peers that missed
 * them; a validator proposes them itself when its turn comes.
 */
const MAX_KEPT = 5000;
const RETELL_MS = 5000;
/** Time for transactions of peers in one turn of the event loop: votes must not wait behind them. */
const TURN_MS = 5;
/** Messages that wait for their turn; more are dropped, and their transactions come in a block. */
const MAX_HEARD = 128;

/** A message of a peer, as far as it has been read. */
interface Heard {
  readonly peer: string;
  readonly reader: BinaryReader;
}

export interface GossipOptions {
  readonly chain: Pick<ChainReader, "genesisHash" | "submit" | "onAccepted" | "transaction">;
  readonly network: Pick<Network, "broadcast" | "send" | "peers" | "onMessage" | "onPeers" | "ban">;
  readonly votes: boolean;
}

/**
 * Spreads transactions. A node tells its own to everybody. A validator passes on what it hears from
 * full nodes, to the validators; what a validator says was told to all of them already. A full node
 * without a validator passes everything on. A mempool takes a transaction once, so nothing circles.
 */
export class TransactionGossip implements Startable {
  readonly name = "gossip";
  readonly #options: GossipOptions;
  readonly #genesisHash: Uint8Array;
  readonly #kept = new Map<string, { readonly bytes: Uint8Array; toldAt: number }>();
  readonly #batches = {
    everyone: new Batch((message) => this.#tell(message, "everyone")),
    validators: new Batch((message) => this.#tell(message, "validators")),
  };
  readonly #heard: Heard[] = [];
  #speaker: string | undefined;
  #timer: NodeJS.Timeout | undefined;

  constructor(options: GossipOptions) {
    this.#options = options;
    this.#genesisHash = fromHex(options.chain.genesisHash, 32);
    const { chain, network } = options;
    chain.onAccepted((bytes, source) => this.#accepted(bytes, source));
    network.onMessage("transactions", (peer, message) => this.#hear(peer, message));
    network.onPeers(({ peer, connected }) => {
      if (connected) this.#introduce(peer.publicKey);
    });
  }

  start(): void {
    this.#timer = setInterval(() => this.#retell(), RETELL_MS).unref();
  }

  stop(): void {
    clearInterval(this.#timer);
    for (const batch of Object.values(this.#batches)) batch.flush();
  }

  #accepted(bytes: Uint8Array, source: "local" | "peer"): void {
    if (source === "local") {
      if (!this.#options.votes) this.#keep(bytes);
      this.#batches.everyone.add(bytes);
      return;
    }
    const peers = this.#options.network.peers();
    const speaker = peers.find(({ publicKey }) => publicKey === this.#speaker);
    if (speaker?.role === "validator") return;
    const anyValidator = peers.some(({ role }) => role === "validator");
    this.#batches[anyValidator ? "validators" : "everyone"].add(bytes);
  }

  #hear(peer: string, message: Uint8Array): void {
    if (this.#heard.length >= MAX_HEARD) return;
    this.#heard.push({ peer, reader: new BinaryReader(message) });
    if (this.#heard.length === 1) setImmediate(() => this.#takeTurn());
  }

  /** Takes in what peers said, oldest first, for a while; goes on in the next turn. */
  #takeTurn(): void {
    const end = performance.now() + TURN_MS;
    for (let next = this.#heard[0]; next !== undefined; next = this.#heard[0]) {
      if (performance.now() > end) {
        setImmediate(() => this.#takeTurn());
        return;
      }
      if (!this.#takeOne(next)) this.#heard.shift();
    }
  }

  /** Takes in the next transaction of a message; false when the message is done with. */
  #takeOne({ peer, reader }: Heard): boolean {
    const { chain, network } = this.#options;
    this.#speaker = peer;
    try {
      if (reader.remaining === 0) return false;
      const outcome = chain.submit(reader.bytes(MAX_BATCH_BYTES), "peer");
      if (outcome.accepted) return true;
      const { code, detail } = outcome.problem;
      if (code !== "malformed" && code !== "bad-signature" && code !== "wrong-chain") return true;
      network.ban(peer, `sent a transaction that is ${code}: ${detail}`);
    } catch (error) {
      if (!(error instanceof DecodeError)) throw error;
      network.ban(peer, `sent transactions that cannot be read: ${error.message}`);
    }
    return false;
  }

  #keep(bytes: Uint8Array): void {
    const { id } = decodeTransaction(bytes, this.#genesisHash);
    this.#kept.set(id, { bytes, toldAt: performance.now() });
    const oldest = this.#kept.keys().next().value;
    if (this.#kept.size > MAX_KEPT && oldest !== undefined) this.#kept.delete(oldest);
  }

  #retell(): void {
    const now = performance.now();
    for (const [id, kept] of this.#kept) {
      if (now - kept.toldAt < RETELL_MS) continue;
      if (this.#options.chain.transaction(id).status !== "pending") {
        this.#kept.delete(id);
        continue;
      }
      kept.toldAt = now;
      this.#batches.everyone.add(kept.bytes);
    }
  }

  /** Tells a new peer what waits here. */
  #introduce(peer: string): void {
    if (this.#kept.size === 0) return;
    const batch = new Batch((message) => {
      this.#options.network.send(peer, "transactions", message);
    });
    for (const { bytes } of this.#kept.values()) batch.add(bytes);
  }

  #tell(message: Uint8Array, audience: "validators" | "everyone"): void {
    this.#options.network.broadcast("transactions", message, audience);
  }
}

/** Gathers transactions into messages of a bounded size. */
class Batch {
  readonly #send: (message: Uint8Array) => void;
  #transactions: Uint8Array[] = [];
  #size = 0;
  #timer: NodeJS.Timeout | undefined;

  constructor(send: (message: Uint8Array) => void) {
    this.#send = send;
  }

  add(transaction: Uint8Array): void {
    if (this.#size + transaction.length + 4 > MAX_BATCH_BYTES) this.flush();
    this.#transactions.push(transaction);
    this.#size += transaction.length + 4;
    this.#timer ??= setTimeout(() => this.flush(), BATCH_MS);
  }

  flush(): void {
    clearTimeout(this.#timer);
    this.#timer = undefined;
    if (this.#transactions.length === 0) return;
    const writer = new BinaryWriter(this.#size);
    for (const transaction of this.#transactions) writer.bytes(transaction);
    this.#transactions = [];
    this.#size = 0;
    this.#send(writer.finish());
  }
}
