import { fromHex, toHex } from "../formats/bytes.ts";
import type { StoredHeader } from "../storage/chain-store.ts";
import { decodeBlock, decodeHeader } from "./block.ts";
import { pack } from "./hash.ts";
import type { FinalizedTip, Ledger } from "./ledger.ts";
import type { BlockSummary, StateProof } from "./ports.ts";
import { stateProof } from "./proof.ts";
import { decodeTransaction } from "./transaction.ts";

/** Finalized blocks and proofs as the API reads them. */
export class LedgerReader {
  readonly #ledger: Ledger;
  readonly #genesisHash: Uint8Array;

  constructor(ledger: Ledger, genesisHash: Uint8Array) {
    this.#ledger = ledger;
    this.#genesisHash = genesisHash;
  }

  tip(): BlockSummary {
    return summaryOf(this.#ledger.tip);
  }

  block(height: number): BlockSummary | undefined {
    if (!Number.isSafeInteger(height) || height < 0) return undefined;
    return storedSummary(this.#ledger.store.headerAt(height));
  }

  blockByDigest(digest: string): BlockSummary | undefined {
    if (!/^[0-9a-f]{64}$/.test(digest)) return undefined;
    return storedSummary(this.#ledger.store.headerOf(fromHex(digest, 32)));
  }

  blockTransactions(height: number): readonly string[] {
    if (!Number.isSafeInteger(height) || height < 0) return [];
    const bytes = this.#ledger.store.bytesAt(height);
    if (bytes === undefined) return [];
    return decodeBlock(bytes).transactions.map((t) => decodeTransaction(t, this.#genesisHash).id);
  }

  certificate(height: number): { bytes: Uint8Array; certifies: string } | undefined {
    if (!Number.isSafeInteger(height) || height < 1) return undefined;
    const stored = this.#ledger.store.certificateAt(height);
    return stored && { bytes: stored.certificate, certifies: toHex(stored.certifies) };
  }

  prove(key: Uint8Array): StateProof {
    const { state } = this.#ledger;
    return stateProof(state, key, state.get(pack(key)));
  }
}

function storedSummary(stored: StoredHeader | undefined): BlockSummary | undefined {
  if (stored === undefined) return undefined;
  const { digest, header, size } = stored;
  return summaryOf({ id: toHex(digest), header: decodeHeader(header), size });
}

function summaryOf({ id, header, size }: Omit<FinalizedTip, "digest">): BlockSummary {
  const h = header;
  return {
    height: h.height,
    digest: id,
    parentDigest: toHex(h.parentDigest),
    view: h.view,
    epoch: h.epoch,
    leader: h.leader,
    timestampMs: h.timestampMs,
    transactionCount: h.transactionCount,
    transactionRoot: toHex(h.transactionRoot),
    stateRoot: toHex(h.stateRoot),
    bytes: size,
  };
}
